package postgres

import (
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
)

// connectError is a failed attempt to open a session.
type connectError struct{ err error }

func (e *connectError) Error() string { return "connect: " + e.err.Error() }
func (e *connectError) Unwrap() error { return e.err }

// errClosed is what a closed target answers.
var errClosed = errors.New("the target is closed")

// failure turns an error of this package into an answer.
func (t *Target) failure(err error) evidence.Answer {
	a := t.explain(err)
	a.Reason, a.Hint = t.cfg.redact.Text(a.Reason), t.cfg.redact.Text(a.Hint)
	return a
}

func (t *Target) explain(err error) evidence.Answer {
	var (
		connect *connectError
		refused *refusedError
		tooBig  *pgproto3.ExceededMaxBodyLenErr
		pg      *pgconn.PgError
	)
	switch {
	case errors.Is(err, errClosed):
		return evidence.Not(evidence.NotAsked, errClosed.Error(), "")
	case errors.As(err, &refused):
		return evidence.Not(evidence.Refused, refused.reason, refused.hint)
	case errors.As(err, &connect):
		return t.explainConnect(connect.err)
	case errors.As(err, &tooBig):
		return evidence.Not(evidence.Refused, "one row is larger than all the bytes that an answer may have",
			"select fewer columns, or cut them: left(column, 200)")
	case errors.As(err, &pg):
		return t.explainServer(pg)
	}
	return connector.Failure("ask "+t.where(), err)
}

// where names the server without user or password.
func (t *Target) where() string {
	return fmt.Sprintf("%s port %d", t.cfg.conn.Host, t.cfg.conn.Port)
}

func (t *Target) explainConnect(err error) evidence.Answer {
	kind, _, message := refusal(err)
	user, db := t.cfg.conn.User, t.cfg.conn.Database
	at := "connect to " + t.where()
	say := func(s evidence.Status, reason, hint string) evidence.Answer {
		return evidence.Not(s, at+": "+reason, hint)
	}
	switch kind {
	case RefusalTooManyClients, RefusalReservedSlots:
		return say(evidence.Unreachable, "the server is full: "+message, "free a slot, or let our role use the reserved ones (version 16 and later): GRANT pg_use_reserved_connections TO "+quoteIdent(user))
	case RefusalRoleLimit:
		return say(evidence.Unreachable, message, "the role's own limit is reached: give Quell a role of its own, or ALTER ROLE "+quoteIdent(user)+" CONNECTION LIMIT …")
	case RefusalDatabaseLimit:
		return say(evidence.Unreachable, message, "the database's own limit is reached: ALTER DATABASE "+quoteIdent(db)+" CONNECTION LIMIT …")
	case RefusalPoolerFull:
		return say(evidence.Unreachable, "the pooler in between takes no more clients: "+message, "point the target at the server itself")
	case RefusalPassword:
		return say(evidence.Denied, "the password for "+user+" was not accepted", "check the password of the target's url")
	case RefusalNoRole, RefusalAuth:
		return say(evidence.Denied, message, "check the user of the target's url")
	case RefusalHBA:
		return say(evidence.Denied, message, "pg_hba.conf needs a line for this client, role and database (its end says whether TLS was used: try sslmode=require)")
	case RefusalNotAllowed:
		if strings.Contains(message, "accepting connections") {
			return say(evidence.Unreachable, message, "ALTER DATABASE "+quoteIdent(db)+" ALLOW_CONNECTIONS true")
		}
		return say(evidence.Denied, message, "GRANT CONNECT ON DATABASE "+quoteIdent(db)+" TO "+quoteIdent(user))
	case RefusalNoDatabase:
		return say(evidence.Unreachable, message, "check the database name in the target's url")
	case RefusalStarting, RefusalStopping, RefusalRecovery, RefusalOutOfResources:
		return say(evidence.Unreachable, message, "")
	case RefusalTLS:
		if strings.Contains(err.Error(), "server refused TLS connection") {
			return say(evidence.Unreachable, "TLS is asked for and the server does not offer it", "sslmode=disable in the url, or ssl=on on the server")
		}
		return say(evidence.Unreachable, "TLS: "+message, "sslrootcert=… and the host name of the certificate in the url")
	case RefusalStranger:
		return say(evidence.Unreachable, "something else than Postgres answers there: "+message, "check host and port of the target's url")
	case RefusalBroken:
		return say(evidence.Unreachable, "the connection broke during login: something else than Postgres may listen there, or the server is going down", "")
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return say(evidence.Unreachable, message, "")
	}
	return connector.Failure(at, err)
}

var deniedFor = regexp.MustCompile(`^permission denied for (table|view|materialized view|sequence|schema|function|foreign table|database) (\S+)`)

func (t *Target) explainServer(pg *pgconn.PgError) evidence.Answer {
	user := quoteIdent(t.cfg.conn.User)
	code := " (SQLSTATE " + pg.Code + ")"
	switch {
	case pg.Code == "42501":
		return evidence.Not(evidence.Denied, pg.Message, grantFor(pg.Message, user))
	case strings.Contains(pg.Message, "pg_stat_statements must be loaded"),
		pg.Code == "42P01" && strings.Contains(pg.Message, "pg_stat_statements"):
		return noStatements(pg.Code == "42P01")
	case pg.Code == "57014" && strings.Contains(pg.Message, "statement timeout"):
		return evidence.Not(evidence.TimedOut, "the statement ran longer than allowed and was cancelled", "")
	case pg.Code == "57014":
		return evidence.Not(evidence.TimedOut, "someone cancelled the statement", "")
	case pg.Code == "55P03":
		return evidence.Not(evidence.TimedOut, "a lock was not granted in time: "+pg.Message, "ask postgres.lock_roots who holds it")
	case pg.Code == "40001", pg.Code == "40P01":
		return evidence.Not(evidence.TimedOut, pg.Message+code, "")
	case pg.Code == "25006":
		return evidence.Not(evidence.Refused, "it would change something: "+pg.Message, "")
	case strings.HasPrefix(pg.Code, "57P"), strings.HasPrefix(pg.Code, "08"):
		return evidence.Not(evidence.Unreachable, pg.Message, "")
	case strings.HasPrefix(pg.Code, "53"):
		return evidence.Not(evidence.Unreachable, "the server is out of resources: "+pg.Message, "")
	case strings.HasPrefix(pg.Code, "0A"), pg.Code == "55000":
		return evidence.Not(evidence.NotApplicable, pg.Message, pg.Hint)
	}
	return evidence.Not(evidence.Invalid, pg.Message+code, pg.Hint)
}

// grantFor is the grant that a refusal asks for.
func grantFor(message, user string) string {
	m := deniedFor.FindStringSubmatch(message)
	if m == nil {
		return "GRANT pg_monitor TO " + user
	}
	name := strings.Trim(m[2], `"`)
	switch m[1] {
	case "schema":
		return "GRANT USAGE ON SCHEMA " + quoteIdent(name) + " TO " + user
	case "function":
		if strings.HasPrefix(name, "pg_") {
			return "GRANT pg_monitor TO " + user
		}
		return "GRANT EXECUTE ON FUNCTION " + quoteIdent(name) + " TO " + user
	case "database":
		return "GRANT CONNECT ON DATABASE " + quoteIdent(name) + " TO " + user
	case "sequence":
		return "GRANT SELECT ON SEQUENCE " + quoteIdent(name) + " TO " + user
	}
	if strings.HasPrefix(name, "pg_") {
		return "GRANT pg_monitor TO " + user
	}
	return "GRANT SELECT ON " + quoteIdent(name) + " TO " + user
}

func noStatements(onlyExtension bool) evidence.Answer {
	hint := "shared_preload_libraries = 'pg_stat_statements', a restart, then in this database: CREATE EXTENSION pg_stat_statements"
	if onlyExtension {
		hint = "in this database: CREATE EXTENSION pg_stat_statements (with shared_preload_libraries = 'pg_stat_statements')"
	}
	return evidence.Not(evidence.NotApplicable, "pg_stat_statements is not set up here", hint)
}

// broke reports whether an error means that the session is gone.
func broke(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// quoteIdent writes a name as SQL would have it, with quotes only where needed.
func quoteIdent(name string) string {
	simple := name != ""
	for i, r := range name {
		if r != '_' && (r < 'a' || r > 'z') && (i == 0 || r < '0' || r > '9') {
			simple = false
		}
	}
	if simple {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

func isConnect(err error) bool {
	var connect *connectError
	return errors.As(err, &connect)
}
