package tcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sort"
	"time"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

const (
	maxAddresses = 8
	maxAttempts  = 10
)

func connectSpec() probe.Spec {
	return probe.Spec{
		Name:     "tcp.connect",
		Question: "Can the port be reached, and if not, what kind of no is it?",
		Why:      "Refused at once means that the host is up and nothing listens. Silence means a filter, a dead host or a full accept queue. They are mended in different places.",
		Cost:     "one connection to each address of the name, closed at once (count)",
		Shape:    probe.Object,
		Params: []probe.Param{
			{Name: "count", Type: probe.Number, Default: "1", About: "attempts for each address, at most 10"},
		},
		Fields: []probe.Field{
			{Name: "ok", Type: "bool", About: "every address accepted every attempt; further addresses without a route from here do not count"},
			{Name: "ok_share", Type: "number", About: "share of attempts that were accepted, 0 to 1"},
			{Name: "error", Type: "text", About: "no_such_host, lookup_failed, refused, timeout, reset, unroutable, no_local_port, too_many_files, denied or other, of the first attempt that failed; empty when there is none"},
			{Name: "phase_failed", Type: "text", About: "dns or connect; empty when none failed"},
			{Name: "dns_s", Type: "number", About: "seconds to look the name up"},
			{Name: "connect_s", Type: "number", About: "longest time to connect of those that were accepted, seconds; null when none was"},
			{Name: "host", Type: "text", About: "the host asked for"},
			{Name: "port", Type: "number", About: "the port asked for"},
			{Name: "addresses", Type: "rows", About: "one row for each attempt: address, ok, error, connect_s"},
		},
		Outcomes: []probe.Outcome{
			{When: "error is refused", Means: "the host is up and nothing listens on the port"},
			{When: "error is timeout", Means: "packets are dropped on the way, the host is gone, or its accept queue is full"},
			{When: "error is no_local_port or too_many_files", Means: "the limit is on this machine, not on the peer"},
			{When: "connect_s is near 1 or 3", Means: "first packets are lost: congestion, a full accept queue or a full conntrack table"},
		},
	}
}

type attempt struct {
	address string
	kind    string
	took    time.Duration
}

func (t *target) connect(ctx context.Context, q probe.Question) evidence.Answer {
	count := 1
	switch n := q.Args["count"].(type) {
	case float64:
		count = int(n)
	case int64:
		count = int(n)
	}
	count = min(max(count, 1), maxAttempts)
	v := map[string]any{
		"ok": false, "ok_share": 0.0, "error": "", "phase_failed": "", "connect_s": nil,
		"host": t.config.host, "port": portNumber(t.config.port), "addresses": []any{},
	}
	addresses, dns, err := t.lookup(ctx)
	v["dns_s"] = dns.Seconds()
	if err != nil {
		if errors.Is(err, connector.ErrBudget) || errors.Is(err, connector.ErrBackedOff) || errors.Is(ctx.Err(), context.Canceled) {
			return connector.Failure("look up "+t.config.host, err)
		}
		v["phase_failed"], v["error"] = "dns", connector.ErrorKind(err)
		return evidence.Of(v)
	}
	var notes []string
	if len(addresses) > maxAddresses {
		notes = append(notes, fmt.Sprintf("%d addresses, the first %d were tried", len(addresses), maxAddresses))
		addresses = addresses[:maxAddresses]
	}
	rows := []any{}
	var good, counted int
	var slowest time.Duration
	for i := range count * len(addresses) {
		left := count*len(addresses) - i
		share := t.config.Timeout.Duration
		if deadline, ok := ctx.Deadline(); ok {
			share = min(share, time.Until(deadline)*9/10/time.Duration(left))
		}
		a, err := t.attempt(ctx, addresses[i%len(addresses)], share)
		if err != nil {
			if len(rows) == 0 {
				return connector.Failure("connect to "+net.JoinHostPort(t.config.host, t.config.port), err)
			}
			notes = append(notes, "fewer attempts than asked for: "+err.Error())
			break
		}
		rows = append(rows, map[string]any{"address": a.address, "ok": a.kind == "", "error": a.kind, "connect_s": a.took.Seconds()})
		if a.kind == "unroutable" && i%len(addresses) > 0 {
			// Without a route for IPv6 this machine cannot speak of that address,
			// while another address of the name can be asked.
			continue
		}
		counted++
		if a.kind == "" {
			good++
			slowest = max(slowest, a.took)
			v["connect_s"] = slowest.Seconds()
		} else if v["error"] == "" {
			v["error"], v["phase_failed"] = a.kind, "connect"
		}
	}
	v["addresses"], v["ok"] = rows, good == counted
	v["ok_share"] = float64(good) / float64(counted)
	return evidence.Of(v, notes...)
}

// attempt connects once and hangs up. The error is about us; what the peer did
// is in the attempt.
func (t *target) attempt(ctx context.Context, address string, timeout time.Duration) (attempt, error) {
	a := attempt{address: address}
	leave, err := t.tools.Gate.Enter(ctx)
	if err != nil {
		return a, err
	}
	defer leave()
	dial, cancel := connector.Within(ctx, timeout)
	defer cancel()
	start := time.Now()
	conn, err := (&net.Dialer{}).DialContext(dial, "tcp", address)
	a.took = time.Since(start)
	if errors.Is(ctx.Err(), context.Canceled) {
		return a, ctx.Err()
	}
	a.kind = connector.ErrorKind(err)
	if err == nil {
		_ = conn.Close()
	}
	return a, nil
}

// lookup lists ip:port of the host, IPv4 first, in order.
func (t *target) lookup(ctx context.Context) ([]string, time.Duration, error) {
	if ip, err := netip.ParseAddr(t.config.host); err == nil {
		return []string{net.JoinHostPort(ip.String(), t.config.port)}, 0, nil
	}
	leave, err := t.tools.Gate.Enter(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer leave()
	ctx, cancel := connector.Within(ctx, t.config.Timeout.Duration)
	defer cancel()
	start := time.Now()
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", t.config.host)
	took := time.Since(start)
	if err != nil {
		return nil, took, err
	}
	seen := map[string]bool{}
	var out []string
	sort.Slice(ips, func(i, j int) bool { return ips[i].Unmap().Less(ips[j].Unmap()) })
	for _, ip := range ips {
		s := net.JoinHostPort(ip.Unmap().String(), t.config.port)
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		return nil, took, &net.DNSError{Err: "no address", Name: t.config.host, IsNotFound: true}
	}
	return out, took, nil
}

func portNumber(text string) any {
	n, err := net.LookupPort("tcp", text)
	if err != nil {
		return nil
	}
	return int64(n)
}
