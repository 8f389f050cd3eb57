package redis

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A visit is a connection that was made and, in doing so, what was learnt. We
// knock ourselves before the client library takes the connection over: the
// library forgets why a server turned us away (it sends HELLO, ignores the
// refusal and then reports a broken connection), and that is the evidence.
type visit struct {
	conn     net.Conn
	connectS float64 // seconds until the TCP or socket connection stood
	tlsS     float64 // seconds of the TLS handshake; 0 without TLS
	pingS    float64 // seconds of PING
	pingSaid string  // the error that PING got from a server that let us in: LOADING …, MISCONF …; else empty
}

// A refusal says how far a knock came and why it ended.
type refusal struct {
	kind  string // one of the kinds below
	phase string // "connect", "tls", "auth", "ping" or "select"
	said  string // what the server or the operating system said; no secret
	err   error  // nil where the server itself said no
}

func (r *refusal) Error() string { return r.kind + ": " + r.said }
func (r *refusal) Unwrap() error { return r.err }

// The kinds of a knock's result. Words in capitals are the server's own.
const (
	kindOK          = "ok"
	kindRefused     = "refused"
	kindTimeout     = "timeout"
	kindNoHost      = "no such host"
	kindNoRoute     = "no route"
	kindNoSocket    = "no such socket"
	kindOSDenied    = "permission"
	kindClosed      = "closed"
	kindNotRedis    = "not redis"
	kindTLSMismatch = "TLS mismatch"
	kindTLSCert     = "TLS certificate"
	kindNoAuth      = "NOAUTH"
	kindWrongPass   = "WRONGPASS"
	kindNoPerm      = "NOPERM"
	kindMaxClients  = "max clients"
	kindProtected   = "protected mode"
	kindLoading     = "LOADING"
	kindBusy        = "BUSY"
	kindMasterDown  = "MASTERDOWN"
	kindMisconf     = "MISCONF"
	kindBadDB       = "no such database"
	kindError       = "error"
)

// ownName is what our connection is called on the server.
const ownName = "quell"

// knock connects, shakes hands, authenticates, pings and selects the database.
// Its error is always a *refusal, or the context's when it was cancelled.
func (a address) knock(ctx context.Context) (*visit, error) {
	ctx, cancel := context.WithTimeout(ctx, a.within)
	defer cancel()
	v := &visit{}
	start := time.Now()
	conn, err := (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext(ctx, a.network, a.addr)
	if err != nil {
		return nil, transport("connect", err)
	}
	v.connectS = time.Since(start).Seconds()
	if a.tls != nil {
		if conn, err = a.shake(ctx, conn, v); err != nil {
			return nil, err
		}
	}
	v.conn = conn
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	err = a.greet(ctx, v)
	if err == nil && !stop() {
		err = transport("ping", os.ErrDeadlineExceeded)
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	_ = conn.SetDeadline(time.Time{})
	return v, nil
}

// shake does the TLS handshake. A server without TLS waits for the end of what
// it takes for a long command, so a silent handshake is tried in plain text.
func (a address) shake(ctx context.Context, conn net.Conn, v *visit) (net.Conn, error) {
	start := time.Now()
	secured := tls.Client(conn, a.tls)
	half, cancel := context.WithTimeout(ctx, a.within/2)
	defer cancel()
	err := secured.HandshakeContext(half)
	if err == nil {
		v.tlsS = time.Since(start).Seconds()
		return secured, nil
	}
	_ = conn.Close()
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &certificate) {
		return nil, &refusal{kind: kindTLSCert, phase: "tls", said: certificate.Error(), err: err}
	}
	if line := a.plainLine(ctx, "PING\r\n"); looksLikeRedis(line) {
		return nil, &refusal{kind: kindTLSMismatch, phase: "tls", err: err,
			said: "the address asks for TLS, and the server answers in plain text"}
	}
	var record tls.RecordHeaderError
	if errors.As(err, &record) {
		return nil, &refusal{kind: kindNotRedis, phase: "tls", said: "what answers there speaks no TLS", err: err}
	}
	return nil, transport("tls", err)
}

// greet authenticates, pings and selects.
func (a address) greet(ctx context.Context, v *visit) error {
	if !a.password.Empty() {
		args := []string{"AUTH"}
		if a.username != "" {
			args = append(args, a.username)
		}
		line, err := call(v.conn, append(args, a.password.Reveal())...)
		if err != nil {
			return a.broken(ctx, "auth", err)
		}
		// A server without a password says so to whoever brings one; its door
		// is open all the same, so this is no refusal.
		if r := judge("auth", line); r != nil && !strings.Contains(line, "without any password configured") {
			return r
		}
	}
	start := time.Now()
	line, err := call(v.conn, "PING")
	if err != nil {
		return a.broken(ctx, "ping", err)
	}
	v.pingS = time.Since(start).Seconds()
	if r := judge("ping", line); r != nil {
		switch r.kind {
		case kindLoading, kindMisconf, kindMasterDown, kindNoPerm:
			v.pingSaid = r.said // INFO still answers: stay
		default:
			return r
		}
	}
	// Our name stands in CLIENT LIST and SLOWLOG, so that people and we
	// ourselves can tell us from the clients. Where it is not permitted, we go
	// without.
	if _, err = call(v.conn, "CLIENT", "SETNAME", ownName); err != nil {
		return a.broken(ctx, "ping", err)
	}
	if a.db == 0 {
		return nil
	}
	if line, err = call(v.conn, "SELECT", strconv.Itoa(a.db)); err != nil {
		return a.broken(ctx, "select", err)
	}
	if r := judge("select", line); r != nil {
		if strings.Contains(line, "DB index is out of range") || strings.Contains(line, "invalid DB index") {
			r.kind = kindBadDB
		}
		return r
	}
	return nil
}

// broken looks closer at a connection that broke under the first words: a
// server that is full says so and closes before it reads, and what it said is
// lost when our words arrive late; a server with TLS hangs up on plain text.
func (a address) broken(ctx context.Context, phase string, err error) error {
	r := transport(phase, err)
	if r.kind != kindClosed {
		return r
	}
	if line := a.plainLine(ctx, ""); line != "" {
		if j := judge(phase, line); j != nil {
			return j
		}
	}
	if a.tls == nil && a.network == "tcp" && a.speaksTLS(ctx) {
		return &refusal{kind: kindTLSMismatch, phase: phase, err: err,
			said: "the address is plain text, and the server wants TLS"}
	}
	return r
}

// listenFor is how long we wait for a server that speaks first, or for the
// first line of one that is asked in another protocol.
const listenFor = 300 * time.Millisecond

// plainLine connects without TLS, says what is given, and returns the first
// line that comes back, if one comes soon.
func (a address) plainLine(ctx context.Context, say string) string {
	ctx, cancel := context.WithTimeout(ctx, listenFor)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, a.network, a.addr)
	if err != nil {
		return ""
	}
	defer func() { _ = conn.Close() }()
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(deadline)
	if say != "" {
		_, _ = conn.Write([]byte(say))
	}
	line, _ := readLine(conn)
	return line
}

// speaksTLS reports whether a TLS handshake comes to any end that only a TLS
// server reaches. It looks at no certificate and sends nothing afterwards.
func (a address) speaksTLS(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 3*listenFor)
	defer cancel()
	d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}}
	conn, err := d.DialContext(ctx, "tcp", a.addr)
	if err == nil {
		_ = conn.Close()
		return true
	}
	var alert tls.AlertError
	return errors.As(err, &alert) || strings.Contains(err.Error(), "remote error: tls")
}

// judge reads the first line of a reply. nil: the server agreed.
func judge(phase, line string) *refusal {
	if line == "" {
		return &refusal{kind: kindClosed, phase: phase, said: "an empty answer"}
	}
	switch line[0] {
	case '+', ':', '$', '*', '%', '_', '#':
		return nil
	case '-':
		said := clip(strings.TrimPrefix(line, "-"))
		return &refusal{kind: kindOf(said), phase: phase, said: said}
	}
	if line[0] == 0x15 { // a TLS alert record
		return &refusal{kind: kindTLSMismatch, phase: phase, said: "the address is plain text, and the server wants TLS"}
	}
	return &refusal{kind: kindNotRedis, phase: phase, said: "it answered " + strconv.Quote(clip(line))}
}

// kindOf names the kind of an error that the server sent. Fragments are those
// of Redis 7.0 and Valkey; older servers say "invalid password" for WRONGPASS.
func kindOf(said string) string {
	word, _, _ := strings.Cut(said, " ")
	switch word {
	case "NOAUTH", "WRONGPASS", "NOPERM", "LOADING", "BUSY", "MASTERDOWN", "MISCONF":
		return word
	case "DENIED":
		return kindProtected
	}
	switch {
	case strings.Contains(said, "max number of clients"):
		return kindMaxClients
	case strings.Contains(said, "invalid password"):
		return kindWrongPass
	case strings.Contains(said, "max number of clients + cluster"):
		return kindMaxClients
	}
	return kindError
}

// transport names the kind of an error of the network.
func transport(phase string, err error) *refusal {
	r := &refusal{kind: kindClosed, phase: phase, err: err, said: "the connection broke"}
	var dns *net.DNSError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		r.kind, r.said = kindNoHost, "no such host: "+dns.Name
	case errors.As(err, &dns):
		r.kind, r.said = kindNoHost, "the name "+dns.Name+" could not be looked up"
	case errors.Is(err, syscall.ECONNREFUSED):
		r.kind, r.said = kindRefused, "connection refused: nothing listens there"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		r.kind, r.said = kindNoRoute, "no route to the host"
	case errors.Is(err, syscall.ENOENT):
		r.kind, r.said = kindNoSocket, "there is no such socket"
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		r.kind, r.said = kindOSDenied, "permission denied by the operating system"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &timeout) && timeout.Timeout():
		r.kind = kindTimeout
		r.said = "no answer to the connection request"
		if phase != "connect" {
			r.said = "connected, and then no answer"
		}
	}
	return r
}

func looksLikeRedis(line string) bool {
	return strings.HasPrefix(line, "+") || strings.HasPrefix(line, "-")
}

// call sends one command and reads the first line of its reply. The error of
// a write is kept back until we have looked for a reply: a server that turns
// us away speaks first and closes.
func call(conn net.Conn, args ...string) (string, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, arg := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(arg), arg)
	}
	_, writeErr := conn.Write(b.Bytes())
	line, err := readLine(conn)
	if line != "" {
		return line, nil
	}
	if writeErr != nil {
		return "", writeErr
	}
	return "", err
}

// readLine reads up to the end of a line, or 512 bytes, and not a byte more
// than the peer sent for it: nothing may be lost to the client library.
func readLine(conn net.Conn) (string, error) {
	line := make([]byte, 0, 128)
	one := make([]byte, 1)
	for len(line) < 512 {
		n, err := conn.Read(one)
		if n == 1 {
			if one[0] == '\n' {
				break
			}
			line = append(line, one[0])
		}
		if err != nil {
			if len(line) > 0 {
				break
			}
			return "", err
		}
	}
	return strings.TrimRight(string(line), "\r"), nil
}

// clip keeps foreign text short and printable.
func clip(s string) string {
	s = strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, s), "?")
	if runes := []rune(s); len(runes) > 200 {
		return string(runes[:200]) + "…"
	}
	return s
}
