package tls

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"sort"
	"time"

	"github.com/quellhq/quell/internal/connector"
)

// A shake is what came of one handshake.
type shake struct {
	address     string
	phase       string // connect, starttls or tls; empty when it worked
	err         error
	certs       []*x509.Certificate
	protocol    uint16
	cipher      uint16
	alpn        string
	asksForCert bool
	connect     time.Duration
	tls         time.Duration
}

// handshake connects and shakes hands without judging the certificate: a bad
// one is what we came to look at. Nothing is sent over the connection. The
// error is about us; what the server did is in the shake.
func (t *target) handshake(ctx context.Context, address, serverName string, timeout time.Duration) (shake, error) {
	s := shake{address: address}
	leave, err := t.tools.Gate.Enter(ctx)
	if err != nil {
		return s, err
	}
	defer leave()
	inner, cancel := connector.Within(ctx, timeout)
	defer cancel()
	start := time.Now()
	conn, err := (&net.Dialer{}).DialContext(inner, "tcp", address)
	s.connect = time.Since(start)
	if err != nil {
		s.phase, s.err = "connect", err
		return s, canceled(ctx)
	}
	defer func() { _ = conn.Close() }()
	if d, ok := inner.Deadline(); ok {
		_ = conn.SetDeadline(d)
	}
	if t.config.StartTLS == "postgres" {
		if err := askPostgres(conn); err != nil {
			s.phase, s.err = "starttls", err
			return s, canceled(ctx)
		}
	}
	name := serverName
	if _, err := netip.ParseAddr(name); err == nil {
		name = "" // a name in the hello is never an address
	}
	client := tls.Client(conn, &tls.Config{
		ServerName:         name,
		InsecureSkipVerify: true, //nolint:gosec // judged afterwards, and nothing is sent
		MinVersion:         tls.VersionTLS10,
		NextProtos:         []string{"h2", "http/1.1"},
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			s.asksForCert = true
			return &tls.Certificate{}, nil
		},
		VerifyConnection: func(state tls.ConnectionState) error {
			s.certs = state.PeerCertificates
			return nil
		},
	})
	start = time.Now()
	err = client.HandshakeContext(inner)
	s.tls = time.Since(start)
	state := client.ConnectionState()
	s.protocol, s.cipher, s.alpn = state.Version, state.CipherSuite, state.NegotiatedProtocol
	if err != nil {
		s.phase, s.err = "tls", err
	}
	return s, canceled(ctx)
}

func canceled(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	return nil
}

// errNoTLS is what a Postgres without TLS answers.
var errNoTLS = tls.RecordHeaderError{Msg: "the server does not offer TLS"}

// askPostgres sends the SSLRequest message of the Postgres protocol.
func askPostgres(conn net.Conn) error {
	var m [8]byte
	binary.BigEndian.PutUint32(m[:4], 8)
	binary.BigEndian.PutUint32(m[4:], 80877103)
	if _, err := conn.Write(m[:]); err != nil {
		return err
	}
	var answer [1]byte
	if _, err := io.ReadFull(conn, answer[:]); err != nil {
		return err
	}
	if answer[0] != 'S' {
		return errNoTLS
	}
	return nil
}

// lookup lists ip:port of the host, in order.
func (t *target) lookup(ctx context.Context) ([]string, error) {
	if ip, err := netip.ParseAddr(t.config.host); err == nil {
		return []string{net.JoinHostPort(ip.String(), t.config.port)}, nil
	}
	leave, err := t.tools.Gate.Enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	ctx, cancel := connector.Within(ctx, t.config.Timeout.Duration)
	defer cancel()
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", t.config.host)
	if err != nil {
		return nil, err
	}
	sort.Slice(ips, func(i, j int) bool { return ips[i].Unmap().Less(ips[j].Unmap()) })
	var out []string
	for _, ip := range ips {
		s := net.JoinHostPort(ip.Unmap().String(), t.config.port)
		if len(out) == 0 || out[len(out)-1] != s {
			out = append(out, s)
		}
	}
	return out, nil
}
