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
)

// ErrorKind names what went wrong on a network path in one word, for connectors
// whose answer is about the path itself (http, tcp, tls, dns). "" is no error.
// The words:
//
//	refused              the host is up and nothing listens
//	timeout              silence: a filter, a dead host, or a process that does not answer
//	reset                the peer tore the connection down
//	closed               the peer hung up in the middle
//	unroutable           no route to the host
//	no_such_host         the name does not exist
//	lookup_failed        the resolver failed or did not answer
//	no_local_port        this machine has no free port left for the connection
//	too_many_files       this process may not open another socket
//	denied               the operating system forbade it
//	tls_name             the certificate is for another name
//	tls_expired          the certificate has expired or is not valid yet
//	tls_authority        the certificate's issuer is not trusted
//	tls_not_spoken       the server does not speak TLS there
//	tls_client_certificate  the server wants a client certificate
//	tls_failed           any other failure of the handshake
//	other                none of these
func ErrorKind(err error) string {
	var (
		dnsErr   *net.DNSError
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		invalid  x509.CertificateInvalidError
		record   tls.RecordHeaderError
		verify   *tls.CertificateVerificationError
		alert    tls.AlertError
		timeout  interface{ Timeout() bool }
	)
	switch {
	case err == nil:
		return ""
	case errors.As(err, &dnsErr) && dnsErr.IsNotFound:
		return "no_such_host"
	case errors.As(err, &dnsErr):
		return "lookup_failed"
	case errors.As(err, &hostname):
		return "tls_name"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "tls_expired"
	case errors.As(err, &unknown):
		return "tls_authority"
	case errors.As(err, &record):
		return "tls_not_spoken"
	case errors.As(err, &alert) && strings.Contains(alert.Error(), "certificate required"):
		return "tls_client_certificate"
	case errors.As(err, &invalid), errors.As(err, &verify), errors.As(err, &alert),
		strings.Contains(err.Error(), "remote error: tls:"):
		return "tls_failed"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "reset"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "unroutable"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "no_local_port"
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return "too_many_files"
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return "denied"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed),
		// net/http has no value for this one
		strings.Contains(err.Error(), "server closed idle connection"):
		return "closed"
	}
	return "other"
}
