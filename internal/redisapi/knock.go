package redisapi

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

// A Visit is a connection that was made and, in doing so, what was learnt. We
// knock ourselves before the client library takes the connection over: the
// library forgets why a server turned us away (it sends HELLO, ignores the
// refusal and then reports a broken connection), and that is the evidence.
type Visit struct {
	Conn     net.Conn
	ConnectS float64 // seconds until the TCP or socket connection stood
	TLSS     float64 // seconds of the TLS handshake; 0 without TLS
	PingS    float64 // seconds of PING
	PingSaid string  // the error that PING got from a server that let us in: LOADING …, MISCONF …; else empty
}

// A Refusal says how far a knock came and why it ended.
type Refusal struct {
	Kind  string // one of the kinds below
	Phase string // "connect", "tls", "auth", "ping" or "select"
	Said  string // what the server or the operating system said; no secret
	Err   error  // nil where the server itself said no
}

func (r *Refusal) Error() string { return r.Kind + ": " + r.Said }
func (r *Refusal) Unwrap() error { return r.Err }

// The kinds of a knock's result. Words in capitals are the server's own.
const (
	KindOK          = "ok"
	KindRefused     = "refused"
	KindTimeout     = "timeout"
	KindNoHost      = "no such host"
	KindNoRoute     = "no route"
	KindNoSocket    = "no such socket"
	KindOSDenied    = "permission"
	KindClosed      = "closed"
	KindNotRedis    = "not redis"
	KindTLSMismatch = "TLS mismatch"
	KindTLSCert     = "TLS certificate"
	KindNoAuth      = "NOAUTH"
	KindWrongPass   = "WRONGPASS"
	KindNoPerm      = "NOPERM"
	KindMaxClients  = "max clients"
	KindProtected   = "protected mode"
	KindLoading     = "LOADING"
	KindBusy        = "BUSY"
	KindMasterDown  = "MASTERDOWN"
	KindMisconf     = "MISCONF"
	KindBadDB       = "no such database"
	KindError       = "error"
)

// OwnName is what our connection is called on the server.
const OwnName = "quell"

// Knock connects, shakes hands, authenticates, pings and selects the database.
// Its error is always a *Refusal, or the context's when it was cancelled.
func (a Address) Knock(ctx context.Context) (*Visit, error) {
	ctx, cancel := context.WithTimeout(ctx, a.Within)
	defer cancel()
	v := &Visit{}
	start := time.Now()
	conn, err := (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext(ctx, a.Network, a.Addr)
	if err != nil {
		return nil, Transport("connect", err)
	}
	v.ConnectS = time.Since(start).Seconds()
	if a.TLS != nil {
		if conn, err = a.shake(ctx, conn, v); err != nil {
			return nil, err
		}
	}
	v.Conn = conn
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	err = a.greet(ctx, v)
	if err == nil && !stop() {
		err = Transport("ping", os.ErrDeadlineExceeded)
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
func (a Address) shake(ctx context.Context, conn net.Conn, v *Visit) (net.Conn, error) {
	start := time.Now()
	secured := tls.Client(conn, a.TLS)
	half, cancel := context.WithTimeout(ctx, a.Within/2)
	defer cancel()
	err := secured.HandshakeContext(half)
	if err == nil {
		v.TLSS = time.Since(start).Seconds()
		return secured, nil
	}
	_ = conn.Close()
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &certificate) {
		return nil, &Refusal{Kind: KindTLSCert, Phase: "tls", Said: certificate.Error(), Err: err}
	}
	if line := a.PlainLine(ctx, "PING\r\n"); looksLikeRedis(line) {
		return nil, &Refusal{Kind: KindTLSMismatch, Phase: "tls", Err: err,
			Said: "the address asks for TLS, and the server answers in plain text"}
	}
	var record tls.RecordHeaderError
	if errors.As(err, &record) {
		return nil, &Refusal{Kind: KindNotRedis, Phase: "tls", Said: "what answers there speaks no TLS", Err: err}
	}
	return nil, Transport("tls", err)
}

// greet authenticates, pings and selects.
func (a Address) greet(ctx context.Context, v *Visit) error {
	if !a.Password.Empty() {
		args := []string{"AUTH"}
		if a.Username != "" {
			args = append(args, a.Username)
		}
		line, err := call(v.Conn, append(args, a.Password.Reveal())...)
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
	line, err := call(v.Conn, "PING")
	if err != nil {
		return a.broken(ctx, "ping", err)
	}
	v.PingS = time.Since(start).Seconds()
	if r := judge("ping", line); r != nil {
		switch r.Kind {
		case KindLoading, KindMisconf, KindMasterDown, KindNoPerm:
			v.PingSaid = r.Said // INFO still answers: stay
		case KindBusy:
			if !a.Lenient {
				return r
			}
			v.PingSaid = r.Said
		default:
			return r
		}
	}
	// Our name stands in CLIENT LIST and SLOWLOG, so that people and we
	// ourselves can tell us from the clients. Where it is not permitted, we go
	// without.
	if _, err = call(v.Conn, "CLIENT", "SETNAME", OwnName); err != nil {
		return a.broken(ctx, "ping", err)
	}
	if a.DB == 0 || a.Lenient {
		return nil
	}
	if line, err = call(v.Conn, "SELECT", strconv.Itoa(a.DB)); err != nil {
		return a.broken(ctx, "select", err)
	}
	if r := judge("select", line); r != nil {
		if strings.Contains(line, "DB index is out of range") || strings.Contains(line, "invalid DB index") {
			r.Kind = KindBadDB
		}
		return r
	}
	return nil
}

// broken looks closer at a connection that broke under the first words: a
// server that is full says so and closes before it reads, and what it said is
// lost when our words arrive late; a server with TLS hangs up on plain text.
func (a Address) broken(ctx context.Context, phase string, err error) error {
	r := Transport(phase, err)
	if r.Kind != KindClosed {
		return r
	}
	if line := a.PlainLine(ctx, ""); line != "" {
		if j := judge(phase, line); j != nil {
			return j
		}
	}
	if a.TLS == nil && a.Network == "tcp" && a.speaksTLS(ctx) {
		return &Refusal{Kind: KindTLSMismatch, Phase: phase, Err: err,
			Said: "the address is plain text, and the server wants TLS"}
	}
	return r
}

// listenFor is how long we wait for a server that speaks first, or for the
// first line of one that is asked in another protocol.
const listenFor = 300 * time.Millisecond

// PlainLine connects without TLS, says what is given, and returns the first
// line that comes back, if one comes soon.
func (a Address) PlainLine(ctx context.Context, say string) string {
	ctx, cancel := context.WithTimeout(ctx, listenFor)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, a.Network, a.Addr)
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
func (a Address) speaksTLS(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 3*listenFor)
	defer cancel()
	d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}}
	conn, err := d.DialContext(ctx, "tcp", a.Addr)
	if err == nil {
		_ = conn.Close()
		return true
	}
	var alert tls.AlertError
	return errors.As(err, &alert) || strings.Contains(err.Error(), "remote error: tls")
}

// judge reads the first line of a reply. nil: the server agreed.
func judge(phase, line string) *Refusal {
	if line == "" {
		return &Refusal{Kind: KindClosed, Phase: phase, Said: "an empty answer"}
	}
	switch line[0] {
	case '+', ':', '$', '*', '%', '_', '#':
		return nil
	case '-':
		said := Clip(strings.TrimPrefix(line, "-"))
		return &Refusal{Kind: KindOf(said), Phase: phase, Said: said}
	}
	if line[0] == 0x15 { // a TLS alert record
		return &Refusal{Kind: KindTLSMismatch, Phase: phase, Said: "the address is plain text, and the server wants TLS"}
	}
	return &Refusal{Kind: KindNotRedis, Phase: phase, Said: "it answered " + strconv.Quote(Clip(line))}
}

// KindOf names the kind of an error that the server sent. Fragments are those
// of Redis 7.0 and Valkey; older servers say "invalid password" for WRONGPASS.
func KindOf(said string) string {
	word, _, _ := strings.Cut(said, " ")
	switch word {
	case "NOAUTH", "WRONGPASS", "NOPERM", "LOADING", "BUSY", "MASTERDOWN", "MISCONF":
		return word
	case "DENIED":
		return KindProtected
	}
	switch {
	case strings.Contains(said, "max number of clients"):
		return KindMaxClients
	case strings.Contains(said, "invalid password"):
		return KindWrongPass
	case strings.Contains(said, "max number of clients + cluster"):
		return KindMaxClients
	}
	return KindError
}

// Transport names the kind of an error of the network.
func Transport(phase string, err error) *Refusal {
	r := &Refusal{Kind: KindClosed, Phase: phase, Err: err, Said: "the connection broke"}
	var dns *net.DNSError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		r.Kind, r.Said = KindNoHost, "no such host: "+dns.Name
	case errors.As(err, &dns):
		r.Kind, r.Said = KindNoHost, "the name "+dns.Name+" could not be looked up"
	case errors.Is(err, syscall.ECONNREFUSED):
		r.Kind, r.Said = KindRefused, "connection refused: nothing listens there"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		r.Kind, r.Said = KindNoRoute, "no route to the host"
	case errors.Is(err, syscall.ENOENT):
		r.Kind, r.Said = KindNoSocket, "there is no such socket"
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		r.Kind, r.Said = KindOSDenied, "permission denied by the operating system"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &timeout) && timeout.Timeout():
		r.Kind = KindTimeout
		r.Said = "no answer to the connection request"
		if phase != "connect" {
			r.Said = "connected, and then no answer"
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

// Clip keeps foreign text short and printable.
func Clip(s string) string {
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
