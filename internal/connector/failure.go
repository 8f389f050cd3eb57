package connector

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/quellhq/quell/internal/evidence"
)

// Failure turns a transport error into an answer: what every connector that
// speaks over a network shares. A connector looks for its own errors (SQLSTATE,
// RESP error words, HTTP status) first and comes here with the rest. what
// says what was attempted, without secrets: "connect to 10.0.0.1:5432".
func Failure(what string, err error) evidence.Answer {
	var (
		dnsErr   *net.DNSError
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		invalid  x509.CertificateInvalidError
		verify   *tls.CertificateVerificationError
		record   tls.RecordHeaderError
	)
	say := func(s evidence.Status, reason, hint string) evidence.Answer {
		return evidence.Not(s, what+": "+reason, hint)
	}
	switch {
	case errors.Is(err, ErrBudget), errors.Is(err, ErrBackedOff):
		return say(evidence.NotAsked, err.Error(), "")
	case errors.Is(err, context.Canceled):
		return say(evidence.NotAsked, "interrupted", "")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return say(evidence.TimedOut, "no answer within the time allowed", "")
	case errors.As(err, &dnsErr) && dnsErr.IsNotFound:
		return say(evidence.Unreachable, "no such host: "+dnsErr.Name, "check the host name in the target's address")
	case errors.As(err, &dnsErr):
		return say(evidence.Unreachable, "the name "+dnsErr.Name+" could not be looked up", "check the resolver of this machine")
	case errors.As(err, &hostname):
		return say(evidence.Unreachable, "TLS: the certificate is for another name: "+hostname.Error(), "")
	case errors.As(err, &unknown), errors.As(err, &invalid), errors.As(err, &verify):
		return say(evidence.Unreachable, "TLS: the certificate was not accepted: "+err.Error(), "")
	case errors.As(err, &record):
		return say(evidence.Unreachable, "TLS was offered and the server does not speak it here", "check whether the address should use TLS")
	case errors.Is(err, syscall.ECONNREFUSED):
		return say(evidence.Unreachable, "connection refused: nothing listens there", "")
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return say(evidence.Unreachable, "no route to the host", "")
	case errors.Is(err, syscall.ENOENT):
		return say(evidence.Unreachable, "there is no such socket", "")
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return say(evidence.Denied, "permission denied by the operating system", "")
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return say(evidence.Unreachable, "the connection broke before the answer was complete", "")
	}
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		return say(evidence.TimedOut, "no answer within the time allowed", "")
	}
	return say(evidence.Unreachable, firstLine(err.Error()), "")
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
