package dns

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/quellhq/quell/internal/connector"
)

// What can come of one question to one server. Each has another cause.
const (
	outcomeOK          = "ok"          // there are records of this type
	outcomeEmpty       = "empty"       // the name exists and has no record of this type
	outcomeReferral    = "referral"    // not mine: others are named
	outcomeNXDomain    = "nxdomain"    // the name does not exist
	outcomeServFail    = "servfail"    // the server could not find out: DNSSEC or delegation, mostly
	outcomeRefused     = "refused"     // the server does not want to answer us, or not for this zone
	outcomeTimeout     = "timeout"     // silence
	outcomeUnreachable = "unreachable" // the port is closed or there is no route
	outcomeOther       = "other"       // a code of its own, see rcode
)

// A mode is how a server is asked.
type mode struct{ recurse, unchecked bool }

var (
	recursive = mode{recurse: true}
	direct    = mode{}                               // the server itself, no recursion
	unchecked = mode{recurse: true, unchecked: true} // without DNSSEC validation (CD=1)
)

// A reply is what came of one question to one server.
type reply struct {
	server        string
	outcome       string
	rcode         string
	authoritative bool
	tcp           bool // the answer did not fit UDP
	msg           *dns.Msg
	took          time.Duration
}

// ask sends one question over UDP, and again over TCP where the answer was cut.
// UDP loses packets, so silence is asked again once within the same time. The
// error is about us; what the server did is in the reply.
func (t *target) ask(ctx context.Context, server, name string, qtype uint16, m mode) (reply, error) {
	r := reply{server: server}
	leave, err := t.tools.Gate.Enter(ctx)
	if err != nil {
		return r, err
	}
	defer leave()
	inner, cancel := connector.Within(ctx, t.config.Timeout.Duration)
	defer cancel()
	msg := new(dns.Msg)
	msg.SetQuestion(name, qtype)
	msg.RecursionDesired, msg.CheckingDisabled = m.recurse, m.unchecked
	msg.SetEdns0(1232, false)
	start := time.Now()
	in, err := exchange(inner, "udp", server, msg, true)
	if err == nil && in.Truncated {
		r.tcp = true
		if full, tcpErr := exchange(inner, "tcp", server, msg, false); tcpErr == nil {
			in = full
		}
	}
	r.took = time.Since(start)
	if errors.Is(ctx.Err(), context.Canceled) {
		return r, ctx.Err()
	}
	if err != nil {
		r.outcome = outcomeUnreachable
		if connector.ErrorKind(err) == "timeout" || errors.Is(inner.Err(), context.DeadlineExceeded) {
			r.outcome = outcomeTimeout
		}
		return r, nil
	}
	r.msg, r.authoritative, r.rcode = in, in.Authoritative, dns.RcodeToString[in.Rcode]
	r.outcome = outcome(in, qtype)
	return r, nil
}

func exchange(ctx context.Context, network, server string, msg *dns.Msg, twice bool) (*dns.Msg, error) {
	attempt := func(ctx context.Context) (*dns.Msg, error) {
		client := &dns.Client{Net: network, UDPSize: 1232}
		if d, ok := ctx.Deadline(); ok {
			client.Timeout = time.Until(d)
		}
		in, _, err := client.ExchangeContext(ctx, msg, server)
		return in, err
	}
	if !twice {
		return attempt(ctx)
	}
	half, cancel := ctx, context.CancelFunc(func() {})
	if d, ok := ctx.Deadline(); ok {
		half, cancel = context.WithTimeout(ctx, time.Until(d)/2)
	}
	in, err := attempt(half)
	cancel()
	if err != nil && connector.ErrorKind(err) == "timeout" && ctx.Err() == nil {
		return attempt(ctx)
	}
	return in, err
}

func outcome(in *dns.Msg, qtype uint16) string {
	switch in.Rcode {
	case dns.RcodeSuccess:
	case dns.RcodeNameError:
		return outcomeNXDomain
	case dns.RcodeServerFailure:
		return outcomeServFail
	case dns.RcodeRefused, dns.RcodeNotAuth:
		return outcomeRefused
	default:
		return outcomeOther
	}
	for _, rr := range in.Answer {
		if rr.Header().Rrtype == qtype || qtype == dns.TypeANY {
			return outcomeOK
		}
	}
	if len(in.Answer) == 0 && !in.Authoritative {
		for _, rr := range in.Ns {
			if rr.Header().Rrtype == dns.TypeNS {
				return outcomeReferral
			}
		}
	}
	return outcomeEmpty
}

// A record is one resource record as a row.
type record struct {
	kind, name, value string
	ttl               uint32
}

func recordsOf(rrs []dns.RR) []record {
	var out []record
	for _, rr := range rrs {
		h := rr.Header()
		if h.Rrtype == dns.TypeRRSIG || h.Rrtype == dns.TypeOPT {
			continue
		}
		out = append(out, record{kind: dns.TypeToString[h.Rrtype], name: strings.TrimSuffix(h.Name, "."), value: valueOf(rr), ttl: h.Ttl})
	}
	sort.Slice(out, func(i, j int) bool {
		a, b := out[i], out[j]
		if a.kind != b.kind {
			return a.kind < b.kind
		}
		return a.value < b.value
	})
	return out
}

func valueOf(rr dns.RR) string {
	switch rr := rr.(type) {
	case *dns.A:
		return rr.A.String()
	case *dns.AAAA:
		return rr.AAAA.String()
	case *dns.CNAME:
		return strings.TrimSuffix(strings.ToLower(rr.Target), ".")
	case *dns.NS:
		return strings.TrimSuffix(strings.ToLower(rr.Ns), ".")
	case *dns.MX:
		return fmt.Sprintf("%d %s", rr.Preference, strings.TrimSuffix(strings.ToLower(rr.Mx), "."))
	case *dns.TXT:
		return strings.Join(rr.Txt, "")
	case *dns.SOA:
		return fmt.Sprintf("%s %s %d", strings.TrimSuffix(rr.Ns, "."), strings.TrimSuffix(rr.Mbox, "."), rr.Serial)
	}
	text := rr.String()
	if head := rr.Header().String(); strings.HasPrefix(text, head) {
		text = strings.TrimPrefix(text, head)
	}
	return text
}

// addressesOf lists the addresses in an answer, sorted.
func addressesOf(records []record) []string {
	var out []string
	for _, r := range records {
		if r.kind == "A" || r.kind == "AAAA" {
			out = append(out, r.value)
		}
	}
	sort.Strings(out)
	return out
}

func texts(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

func minTTL(records []record) any {
	if len(records) == 0 {
		return nil
	}
	ttl := records[0].ttl
	for _, r := range records {
		ttl = min(ttl, r.ttl)
	}
	return int64(ttl)
}
