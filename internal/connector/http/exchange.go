package http

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/quellhq/quell/internal/connector"
)

// userAgent names us in access logs, so that nobody counts us as a user.
const userAgent = "quell-probe"

// maxRedirects is where browsers are long past hope of a useful page, and a
// loop shows well before.
const maxRedirects = 5

// A request is one request, checked: on the target's host, and read-only unless
// it was made from a declared call.
type request struct {
	method  string
	url     *url.URL
	headers http.Header
	body    []byte // of a declared call
	follow  bool
	address string // ip:port to connect to; empty: resolve the host
	timeout time.Duration
	// more is a question that comes beside those of health: it gets little time,
	// and none where the service has already left another one without an answer,
	// or was slow to answer.
	more   bool
	atMost time.Duration // of such a question, where the usual little time is not enough
	// leaves a part of the time that is left to those who come after it.
	leaves bool
}

// A result is what came of a request. The zero status means that no response
// line arrived.
type result struct {
	status    int
	proto     string
	header    http.Header
	body      []byte
	bytes     int64
	cut       bool // the body is longer than what we read
	phase     string
	err       error
	kind      string
	address   string
	dns       time.Duration
	connect   time.Duration
	tls       time.Duration
	firstByte time.Duration // from the request written to the first byte of the answer
	total     time.Duration
	redirects []string
	elsewhere string // a redirect to another host, not followed
	notAfter  time.Time
	offset    float64 // our clock minus the server's, seconds
	hasDate   bool
}

func (r result) ok() bool { return r.status >= 200 && r.status < 400 && r.phase == "" }

func (r result) sentence() string {
	if r.status == 0 {
		return fmt.Sprintf("failed in phase %s after %.3f s: %s", r.phase, r.total.Seconds(), strings.ReplaceAll(r.kind, "_", " "))
	}
	return fmt.Sprintf("status %d from %s after %.3f s", r.status, r.address, r.total.Seconds())
}

// littleTime is what one request of a question beside those of health may take:
// longer than a page that is made anew takes on a bad day.
const littleTime = 3 * time.Second

// allowed is how long a request may take from now on. A question about health
// leaves a part of the time where it would need all of it: several come one
// after another, and a service that hangs must not keep the last from being heard.
func (req request) allowed(ctx context.Context, silent bool) time.Duration {
	timeout := req.timeout
	if silent && req.leaves {
		return min(timeout, briefTime)
	}
	if req.more {
		timeout = min(timeout, max(req.atMost, littleTime))
	}
	if deadline, ok := ctx.Deadline(); ok && req.leaves {
		if left := time.Until(deadline); left < timeout {
			timeout = max(left*45/100, littleTime)
		}
	}
	return timeout
}

// do sends one request, and once more where it was turned away: a diagnosis asks
// several at once, and must not take its own footprint for the users' trouble. The
// error is about us (budget, interruption); what went wrong with the target is in
// the result.
func (t *target) do(ctx context.Context, req request) (result, error) {
	if req.more {
		t.first.wait(ctx)
	}
	r, err := t.exchange(ctx, req)
	if !req.more {
		t.first.come()
	}
	if err != nil || !r.turnedAway() || req.method != http.MethodGet {
		return r, err
	}
	if !t.limited.lately(t.tools.Now()) {
		t.again.Store(0) // another round of questions
	}
	t.limited.note(t.tools.Now())
	if req.more || t.again.Add(1) > mostAgain || !sleep(ctx, afterLimit) {
		return r, nil
	}
	if again, err := t.exchange(ctx, req); err == nil && !again.turnedAway() {
		return again, nil
	}
	return r, nil
}

// exchange sends one request, and follows redirects on the same host.
func (t *target) exchange(ctx context.Context, req request) (result, error) {
	var chain []string
	end := func() {}
	defer func() { end() }()
	for {
		leave, err := t.tools.Gate.Enter(ctx)
		if err != nil {
			return refused(err), err
		}
		if len(chain) == 0 {
			// The time runs from here: what was waited at the gate is not the service's.
			ctx, end = connector.Within(ctx, req.allowed(ctx, t.tools.Gate.Silent()))
		}
		r, err := t.once(ctx, req)
		leave()
		r.redirects = chain
		if err != nil || !req.follow || r.status < 300 || r.status > 399 || r.header.Get("Location") == "" {
			return r, err
		}
		next, err := req.url.Parse(r.header.Get("Location"))
		if err != nil {
			return r, nil
		}
		chain = append(chain, shown(next))
		r.redirects = chain
		if next.Host != req.url.Host && next.Hostname() != req.url.Hostname() || next.Scheme != "http" && next.Scheme != "https" {
			r.elsewhere = shown(next)
			return r, nil
		}
		if len(chain) > maxRedirects {
			r.phase, r.kind = "redirect", "redirect_loop"
			return r, nil
		}
		if port(next) != port(req.url) || next.Scheme != req.url.Scheme {
			req.address = ""
		}
		req.url = next
	}
}

// shown is a URL without its query and user, which may hold secrets.
func shown(u *url.URL) string {
	c := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	return c.String()
}

// refused is the result of a request that did not get through our own gate.
func refused(err error) (r result) {
	if errors.Is(err, context.DeadlineExceeded) {
		r.phase, r.kind = "gate", "timeout"
	}
	return r
}

func (t *target) once(ctx context.Context, req request) (result, error) {
	var r result
	if req.more && t.tools.Gate.Silent() {
		return r, errSilent
	}
	if req.more && t.limited.lately(t.tools.Now()) {
		return r, errLimited
	}
	if req.more && t.tooSlow(req.atMost > 0) {
		return r, errSlow
	}
	start := time.Now()
	t.send(ctx, req, &r)
	r.total = time.Since(start)
	if ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled) {
		return r, ctx.Err()
	}
	r.kind = connector.ErrorKind(r.err)
	if r.kind == "timeout" {
		t.tools.Gate.Unanswered()
	}
	if r.status > 0 && r.total > slow {
		t.noteSlow(req)
	}
	return r, nil
}

func (t *target) send(ctx context.Context, req request, r *result) {
	conn := t.connect(ctx, req, r)
	if conn == nil {
		return
	}
	defer func() { _ = conn.Close() }()
	if d, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(d)
	}
	hreq := (&http.Request{
		Method: req.method, URL: req.url, Host: req.url.Host, Header: req.headers.Clone(),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Close: true,
	})
	if len(req.body) > 0 {
		hreq.Body, hreq.ContentLength = io.NopCloser(bytes.NewReader(req.body)), int64(len(req.body))
	}
	var mu sync.Mutex
	var wrote, first time.Time
	trace := &httptrace.ClientTrace{
		WroteRequest:         func(httptrace.WroteRequestInfo) { mu.Lock(); wrote = time.Now(); mu.Unlock() },
		GotFirstResponseByte: func() { mu.Lock(); first = time.Now(); mu.Unlock() },
	}
	hreq = hreq.WithContext(httptrace.WithClientTrace(ctx, trace))
	var once sync.Once
	give := func(context.Context, string, string) (net.Conn, error) {
		var c net.Conn
		once.Do(func() { c = conn })
		if c == nil {
			return nil, errors.New("one request uses one connection")
		}
		return c, nil
	}
	transport := &http.Transport{
		DialContext: give, DialTLSContext: give, DisableKeepAlives: true, DisableCompression: true,
		MaxResponseHeaderBytes: 256 << 10,
	}
	defer transport.CloseIdleConnections()
	begin := time.Now()
	resp, err := transport.RoundTrip(hreq)
	mu.Lock()
	sent, got := wrote, first
	mu.Unlock()
	if err != nil {
		r.err = err
		r.phase = "first_byte"
		if sent.IsZero() {
			sent = begin
			// A peer that hangs up at once is found out while we write or while
			// we wait, by chance; both mean that it does not want to answer.
			if connector.ErrorKind(err) == "timeout" {
				r.phase = "write"
			}
		}
		r.firstByte = time.Since(sent)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	if !sent.IsZero() && !got.IsZero() && got.After(sent) {
		r.firstByte = got.Sub(sent)
	}
	r.status, r.proto, r.header = resp.StatusCode, resp.Proto, resp.Header
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		// Date has whole seconds: half a second is the best guess of the rest.
		r.offset, r.hasDate = t.tools.Now().Sub(date.Add(500*time.Millisecond)).Seconds(), true
	}
	limit := int64(t.tools.Gate.Limits().Bytes)
	r.body, err = io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if int64(len(r.body)) > limit {
		r.body, r.cut = r.body[:limit], true
	}
	r.bytes = int64(len(r.body))
	if err != nil {
		r.phase, r.err = "body", err
	}
}

// connect looks the host up, connects to the first address that answers, and
// shakes hands. It notes the phase that failed and returns nil then.
func (t *target) connect(ctx context.Context, req request, r *result) net.Conn {
	addresses := []string{req.address}
	if req.address == "" {
		start := time.Now()
		found, err := t.resolve(ctx, req.url)
		r.dns = time.Since(start)
		if err != nil {
			r.phase, r.err = "dns", err
			return nil
		}
		addresses = found
	}
	start := time.Now()
	conn, address, err := dialFirst(ctx, addresses)
	r.connect, r.address = time.Since(start), address
	if err != nil {
		r.phase, r.err = "connect", err
		return nil
	}
	if req.url.Scheme != "https" {
		return conn
	}
	name := t.config.ServerName
	if name == "" {
		name = req.url.Hostname()
	}
	client := tls.Client(conn, &tls.Config{
		ServerName: name, RootCAs: t.config.roots, MinVersion: tls.VersionTLS10,
		NextProtos: []string{"http/1.1"}, Time: t.tools.Now,
		VerifyConnection: func(state tls.ConnectionState) error {
			r.notAfter = state.PeerCertificates[0].NotAfter
			return nil
		},
	})
	start = time.Now()
	err = client.HandshakeContext(ctx)
	r.tls = time.Since(start)
	if err != nil {
		var bad *tls.CertificateVerificationError
		if errors.As(err, &bad) && len(bad.UnverifiedCertificates) > 0 {
			r.notAfter = bad.UnverifiedCertificates[0].NotAfter
		}
		r.phase, r.err = "tls", err
		_ = conn.Close()
		return nil
	}
	return client
}

// secondChance is how long a further address may take once one has failed: an
// address that is silent (IPv6 without a way out) must not use up the time.
const secondChance = time.Second

// dialFirst tries the addresses in order; each gets an equal share of the time
// that is left, so that a dead first address does not hide a living second.
func dialFirst(ctx context.Context, addresses []string) (net.Conn, string, error) {
	var failed error
	where := ""
	for i, address := range addresses {
		attempt, cancel := ctx, context.CancelFunc(func() {})
		if deadline, ok := ctx.Deadline(); ok {
			share := time.Until(deadline) / time.Duration(len(addresses)-i)
			if failed != nil {
				share = min(share, secondChance)
			}
			attempt, cancel = context.WithTimeout(ctx, share)
		}
		conn, err := (&net.Dialer{}).DialContext(attempt, "tcp", address)
		cancel()
		if err == nil {
			return conn, address, nil
		}
		// The first failure is told, except that an address without a route from
		// here (IPv6, on many machines) says less than any other.
		if failed == nil || connector.ErrorKind(failed) == "unroutable" {
			failed, where = err, address
		}
	}
	if failed == nil {
		failed = errors.New("the name has no address")
	}
	return nil, where, failed
}

// resolve lists where to connect: the configured address, or what the name
// stands for, IPv4 first (as most clients end up), each with its port.
func (t *target) resolve(ctx context.Context, u *url.URL) ([]string, error) {
	host, p := u.Hostname(), port(u)
	if t.config.Address != "" && u.Host == t.config.base.Host {
		var err error
		if host, p, err = net.SplitHostPort(t.config.Address); err != nil {
			return nil, err
		}
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return []string{net.JoinHostPort(ip.String(), p)}, nil
	}
	resolver := net.DefaultResolver
	if t.config.Resolver != "" {
		resolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, t.config.Resolver)
		}}
	}
	ips, err := resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	var v4, v6 []string
	seen := map[netip.Addr]bool{}
	for _, ip := range ips {
		ip = ip.Unmap()
		if seen[ip] {
			continue
		}
		seen[ip] = true
		if ip.Is4() {
			v4 = append(v4, net.JoinHostPort(ip.String(), p))
		} else {
			v6 = append(v6, net.JoinHostPort(ip.String(), p))
		}
	}
	all := append(v4, v6...)
	if len(all) == 0 {
		return nil, &net.DNSError{Err: "no address", Name: host, IsNotFound: true}
	}
	return all, nil
}
