package connector_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
)

func TestErrorKind(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"":                       nil,
		"refused":                &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)},
		"reset":                  syscall.ECONNRESET,
		"closed":                 io.ErrUnexpectedEOF,
		"unroutable":             syscall.EHOSTUNREACH,
		"timeout":                context.DeadlineExceeded,
		"no_such_host":           &net.DNSError{IsNotFound: true},
		"lookup_failed":          &net.DNSError{IsTemporary: true, IsTimeout: true},
		"no_local_port":          syscall.EADDRNOTAVAIL,
		"too_many_files":         syscall.EMFILE,
		"denied":                 syscall.EPERM,
		"tls_name":               &tls.CertificateVerificationError{Err: x509.HostnameError{Certificate: &x509.Certificate{}}},
		"tls_expired":            &tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.Expired}},
		"tls_authority":          &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}},
		"tls_not_spoken":         tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"},
		"tls_client_certificate": tls.AlertError(116),
		"tls_failed":             tls.AlertError(40),
		"other":                  errors.New("strange"),
	} {
		if err != nil {
			err = fmt.Errorf("wrapped: %w", err)
		}
		require.Equal(t, want, connector.ErrorKind(err), "%v", err)
	}
}

func TestWithinLeavesTimeToSaySo(t *testing.T) {
	t.Parallel()
	outer, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	inner, stop := connector.Within(outer, time.Minute)
	defer stop()
	d, ok := inner.Deadline()
	require.True(t, ok)
	require.InDelta(t, 9, time.Until(d).Seconds(), 0.5)
	short, stop2 := connector.Within(outer, time.Second)
	defer stop2()
	d, _ = short.Deadline()
	require.InDelta(t, 1, time.Until(d).Seconds(), 0.5)
	free, stop3 := connector.Within(context.Background(), time.Second)
	defer stop3()
	_, ok = free.Deadline()
	require.True(t, ok)
}
