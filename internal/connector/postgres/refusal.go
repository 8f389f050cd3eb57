package postgres

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
)

// refusal tells the kind of a failed connection attempt (see the Refusal
// constants), the server's code if it gave one, and the words.
func refusal(err error) (kind, sqlstate, message string) {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return serverRefusal(pg), pg.Code, pg.Message
	}
	kind = networkRefusal(err)
	var dns *net.DNSError
	switch {
	case kind == RefusalTimeout:
		return kind, "", "no answer within the time allowed"
	case errors.As(err, &dns) && dns.IsNotFound:
		return kind, "", "no such host: " + dns.Name
	case errors.As(err, &dns):
		return kind, "", "the name " + dns.Name + " could not be looked up"
	}
	return kind, "", plainMessage(err)
}

// serverRefusal tells refusals with the same code apart by the routine that
// reports them, which no server translates, and by their English words where a
// pooler stands in between and gives no routine.
func serverRefusal(pg *pgconn.PgError) string {
	has := func(part string) bool { return strings.Contains(pg.Message, part) }
	by := func(routine string) bool { return pg.Routine == routine }
	switch {
	case has("no more connections allowed"), has("client_login_timeout"), has("query_wait_timeout"), has("pooler"):
		return RefusalPoolerFull
	case pg.Code == "53300" && (has("for role") || by("InitializeSessionUserId")):
		return RefusalRoleLimit
	case pg.Code == "53300" && (has("for database") || by("CheckMyDatabase")):
		return RefusalDatabaseLimit
	case pg.Code == "53300" && (has("reserved") || by("InitPostgres")):
		return RefusalReservedSlots
	case pg.Code == "53300":
		return RefusalTooManyClients
	case pg.Code == "28P01", has("password authentication failed"), has("SASL authentication failed"):
		return RefusalPassword
	case pg.Code == "28000" && (has("pg_hba.conf") || by("ClientAuthentication")):
		return RefusalHBA
	case pg.Code == "28000" && (has("does not exist") || by("InitializeSessionUserId")):
		return RefusalNoRole
	case strings.HasPrefix(pg.Code, "28"):
		return RefusalAuth
	case pg.Code == "3D000":
		return RefusalNoDatabase
	case pg.Code == "42501", pg.Code == "55000": // no CONNECT privilege; a database that allows no connections
		return RefusalNotAllowed
	case pg.Code == "57P03" && has("starting up"):
		return RefusalStarting
	case pg.Code == "57P03" && has("shutting down"), pg.Code == "57P01":
		return RefusalStopping
	case pg.Code == "57P03", pg.Code == "57P02":
		return RefusalRecovery
	case strings.HasPrefix(pg.Code, "53"):
		return RefusalOutOfResources
	}
	return RefusalOther
}

func networkRefusal(err error) string {
	var (
		dns      *net.DNSError
		record   tls.RecordHeaderError
		verify   *tls.CertificateVerificationError
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		invalid  x509.CertificateInvalidError
		timeout  interface{ Timeout() bool }
	)
	switch {
	case errors.As(err, &dns):
		return RefusalNoHost
	case isStranger(err): // before TLS: a stranger refuses that as well
		return RefusalStranger
	case errors.As(err, &record), errors.As(err, &verify), errors.As(err, &unknown), errors.As(err, &hostname),
		errors.As(err, &invalid), strings.Contains(err.Error(), "server refused TLS connection"),
		strings.Contains(err.Error(), "tls error: tls:"), strings.Contains(err.Error(), "remote error: tls:"):
		return RefusalTLS
	case strings.Contains(err.Error(), "cannot find") && strings.Contains(err.Error(), "password"),
		strings.Contains(err.Error(), "password must not be empty"):
		return RefusalPassword
	case errors.Is(err, syscall.ECONNREFUSED):
		return RefusalRefused
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return RefusalNoRoute
	case errors.Is(err, syscall.ENOENT):
		return RefusalNoSocket
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return RefusalNotAllowed
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), pgconn.Timeout(err),
		errors.As(err, &timeout) && timeout.Timeout():
		return RefusalTimeout
	case broke(err):
		return RefusalBroken
	}
	return RefusalOther
}

// plainMessage is the innermost cause of a network error in one line: the
// outer layers of pgconn name the user and the database, which we know.
func plainMessage(err error) string {
	for {
		if joined, ok := err.(interface{ Unwrap() []error }); ok && len(joined.Unwrap()) > 0 {
			all := joined.Unwrap()
			err = all[len(all)-1]
			continue
		}
		next := errors.Unwrap(err)
		if next == nil {
			break
		}
		err = next
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
