package dns

import (
	"context"
	"fmt"
	"net"
	"sort"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

const (
	maxSteps   = 8 // labels between the root and a name that anyone uses
	maxServers = 6 // of the zone's own servers that are asked
)

func authoritativeSpec() probe.Spec {
	return probe.Spec{
		Name:     "dns.authoritative",
		Question: "What do the name's own servers say, and does the resolver say the same?",
		Why:      "Only the name's own servers know whether a record is wrong or merely old in a cache.",
		Cost:     "a walk from the root: about one question for each label, and one or two to each of the zone's servers",
		Shape:    probe.Object,
		Params: []probe.Param{
			{Name: "name", Type: probe.Text, Default: `""`, About: "name to ask for; empty: the target's"},
		},
		Fields: []probe.Field{
			{Name: "zone", Type: "text", About: "the zone that holds the name"},
			{Name: "outcome", Type: "text", About: "what its servers say: ok, empty, nxdomain, servfail, refused, timeout, unreachable; or unfinished when the walk did not get there"},
			{Name: "addresses", Type: "list", About: "addresses as the first good server says, sorted"},
			{Name: "ttl_s", Type: "number", About: "full time to live of the records, seconds: the longest that a correction needs to reach everyone"},
			{Name: "servers", Type: "rows", About: "server, address, outcome, authoritative, addresses, serial, took_s for each of the zone's servers"},
			{Name: "lame", Type: "number", About: "servers that the parent names and that do not answer with authority for the zone"},
			{Name: "serials_agree", Type: "bool", About: "all good servers have the same version of the zone; null with fewer than two"},
			{Name: "answers_agree", Type: "bool", About: "all good servers say the same of the name"},
			{Name: "resolver", Type: "text", About: "the resolver that was compared"},
			{Name: "resolver_outcome", Type: "text", About: "what that resolver says, as outcome"},
			{Name: "resolver_addresses", Type: "list", About: "addresses that it gives, sorted"},
			{Name: "resolver_ttl_s", Type: "number", About: "how long it may still keep its answer, seconds"},
			{Name: "resolver_agrees", Type: "bool", About: "resolver and servers share the outcome and an address; null when either is unknown"},
			{Name: "as_expected", Type: "bool", About: "the servers' addresses or aliases are those of the setting expect; null where it is not set"},
			{Name: "aliases", Type: "list", About: "what the name is an alias of (CNAME)"},
		},
		Outcomes: []probe.Outcome{
			{When: "outcome is nxdomain", Means: "the record is really gone from the zone: put it back"},
			{When: "outcome is ok and resolver_agrees is false", Means: "the zone is right and a cache is old: wait resolver_ttl_s, or flush it"},
			{When: "lame is over 0", Means: "the parent points to servers that do not serve the zone: some look-ups are slow or fail"},
			{When: "serials_agree is false", Means: "a secondary has not taken the newest zone"},
		},
	}
}

// fair gives one of n remaining steps its share of the time that is left.
func fair(ctx context.Context, n int) (context.Context, context.CancelFunc) {
	if deadline, ok := ctx.Deadline(); ok && n > 0 {
		return context.WithTimeout(ctx, time.Until(deadline)*95/100/time.Duration(n))
	}
	return context.WithCancel(ctx)
}

// An authority is one server of a zone.
type authority struct{ name, address string }

func (t *target) authoritative(ctx context.Context, name string) evidence.Answer {
	v := map[string]any{
		"zone": "", "outcome": "unfinished", "addresses": []any{}, "aliases": []any{}, "ttl_s": nil, "servers": []any{},
		"lame": int64(0), "serials_agree": nil, "answers_agree": nil, "as_expected": nil,
		"resolver": "", "resolver_outcome": "", "resolver_addresses": []any{}, "resolver_ttl_s": nil, "resolver_agrees": nil,
	}
	walkCtx, cancel := fair(ctx, 2)
	zone, servers, why, err := t.walk(walkCtx, name)
	cancel()
	if err != nil && ctx.Err() == nil && walkCtx.Err() == nil {
		return connector.Failure("find the servers of "+name, err)
	}
	if ctx.Err() != nil {
		return connector.Failure("find the servers of "+name, ctx.Err())
	}
	if len(servers) == 0 {
		// Without a walk nothing is known about the zone: a closed port 53 here
		// must not be read as a fault there.
		return evidence.Not(evidence.Unreachable, "the servers of "+strings.TrimSuffix(name, ".")+" could not be found: "+why,
			"this machine needs port 53 (UDP and TCP) to the world for this question, or the setting authorities")
	}
	if zone == "." {
		zone = t.zoneOf(ctx, name, servers[0])
	}
	v["zone"] = strings.TrimSuffix(zone, ".")
	t.askZone(ctx, v, name, zone, servers)
	t.askResolver(ctx, v, name)
	return evidence.Of(v)
}

// walk follows referrals from the starting servers down to those that answer
// with authority for the name. It also returns why it stopped.
func (t *target) walk(ctx context.Context, name string) (zone string, servers []authority, why string, err error) {
	zone = "."
	for _, a := range t.config.Authorities {
		servers = append(servers, authority{name: a, address: a})
	}
	for step := 0; step < maxSteps; step++ {
		var r reply
		for _, s := range servers {
			if r, err = t.ask(ctx, s.address, name, dns.TypeA, direct); err != nil {
				return zone, nil, err.Error(), err
			}
			if r.msg != nil && (r.outcome == outcomeReferral || r.authoritative) {
				break
			}
		}
		switch {
		case r.msg == nil && step == 0:
			return zone, nil, "the starting servers did not answer (" + r.outcome + ")", nil
		case r.outcome != outcomeReferral:
			return zone, servers, "", nil // answered, or none of the named servers serves it: the caller shows which
		}
		next, child, err := t.referral(ctx, r.msg)
		if err != nil {
			return zone, nil, err.Error(), err
		}
		if len(next) == 0 || !dns.IsSubDomain(zone, child) || child == zone {
			return zone, nil, "the servers of " + child + " have no address that could be found", nil
		}
		zone, servers = child, next
	}
	return zone, nil, "too many referrals", nil
}

// referral lists the servers that a referral names, with the addresses that
// came along or that the resolver gives.
func (t *target) referral(ctx context.Context, msg *dns.Msg) ([]authority, string, error) {
	glue := map[string][]string{}
	for _, rr := range msg.Extra {
		switch rr := rr.(type) {
		case *dns.A:
			name := strings.ToLower(rr.Hdr.Name)
			glue[name] = append(glue[name], rr.A.String())
		}
	}
	var names []string
	child := ""
	for _, rr := range msg.Ns {
		if ns, ok := rr.(*dns.NS); ok {
			names = append(names, strings.ToLower(ns.Ns))
			child = strings.ToLower(ns.Hdr.Name)
		}
	}
	sort.Strings(names)
	var out []authority
	for _, name := range names {
		addresses := glue[name]
		if len(addresses) == 0 {
			found, err := t.resolveServer(ctx, name)
			if err != nil {
				return nil, child, err
			}
			addresses = found
		}
		for _, a := range addresses[:min(len(addresses), 1)] {
			out = append(out, authority{name: strings.TrimSuffix(name, "."), address: net.JoinHostPort(a, fmt.Sprint(t.config.AuthPort))})
		}
		if len(out) == maxServers {
			break
		}
	}
	return out, child, nil
}

// resolveServer finds a name server's address through the first resolver. No
// address is no error: the server is then shown as lame by its absence.
func (t *target) resolveServer(ctx context.Context, name string) ([]string, error) {
	servers, err := t.resolvers()
	if err != nil {
		return nil, nil
	}
	r, err := t.ask(ctx, servers[0], name, dns.TypeA, recursive)
	if err != nil || r.msg == nil {
		return nil, err
	}
	return addressesOf(recordsOf(r.msg.Answer)), nil
}

// zoneOf asks a server that we started from, and that is the name's own, which
// zone holds the name: the owner of the SOA record that it sends.
func (t *target) zoneOf(ctx context.Context, name string, s authority) string {
	r, err := t.ask(ctx, s.address, name, dns.TypeSOA, direct)
	if err != nil || r.msg == nil {
		return "."
	}
	for _, rr := range append(r.msg.Answer, r.msg.Ns...) {
		if soa, ok := rr.(*dns.SOA); ok {
			return strings.ToLower(soa.Hdr.Name)
		}
	}
	return "."
}

// askZone asks every server of the zone for the name and for the zone's version.
func (t *target) askZone(ctx context.Context, v map[string]any, name, zone string, servers []authority) {
	rows := []any{}
	serials, said := map[uint32]bool{}, map[string]bool{}
	good, lame := 0, int64(0)
	for i, s := range servers[:min(len(servers), maxServers)] {
		share, cancel := fair(ctx, 2*(len(servers)-i)+2)
		r, err := t.ask(share, s.address, name, dns.TypeA, direct)
		if err != nil {
			cancel()
			break
		}
		row := map[string]any{
			"server": s.name, "address": s.address, "outcome": r.outcome, "authoritative": r.authoritative,
			"addresses": []any{}, "serial": nil, "took_s": r.took.Seconds(),
		}
		if r.msg == nil || !r.authoritative {
			lame++
			if v["outcome"] == "unfinished" {
				v["outcome"] = r.outcome
			}
		} else {
			records := recordsOf(r.msg.Answer)
			var aliases []string
			for _, rec := range records {
				if rec.kind == "CNAME" {
					aliases = append(aliases, rec.value)
				}
			}
			found := addressesOf(records)
			state := r.outcome
			if state == outcomeEmpty {
				// A name with an IPv6 address only, or an alias into another zone, is not empty.
				if len(aliases) > 0 {
					state = outcomeOK
				} else if r6, err := t.ask(share, s.address, name, dns.TypeAAAA, direct); err == nil && r6.outcome == outcomeOK {
					state, records = outcomeOK, recordsOf(r6.msg.Answer)
					found = addressesOf(records)
				}
			}
			row["outcome"], row["addresses"] = state, texts(found)
			said[state+" "+strings.Join(found, " ")+strings.Join(aliases, " ")] = true
			if soa, err := t.ask(share, s.address, zone, dns.TypeSOA, direct); err == nil && soa.msg != nil {
				for _, rr := range soa.msg.Answer {
					if rec, ok := rr.(*dns.SOA); ok {
						row["serial"] = int64(rec.Serial)
						serials[rec.Serial] = true
					}
				}
			}
			good++
			if good == 1 {
				v["outcome"], v["addresses"], v["aliases"] = state, texts(found), texts(aliases)
				v["ttl_s"], v["as_expected"] = minTTL(records), t.expected(found, aliases)
			}
		}
		cancel()
		rows = append(rows, row)
	}
	v["servers"], v["lame"] = rows, lame
	if good > 0 {
		v["answers_agree"] = len(said) == 1
	}
	if good > 1 && len(serials) > 0 {
		v["serials_agree"] = len(serials) == 1
	}
}

// askResolver compares with the first resolver.
func (t *target) askResolver(ctx context.Context, v map[string]any, name string) {
	servers, err := t.resolvers()
	if err != nil {
		return
	}
	r, err := t.lookup(ctx, servers[0], name, []string{"A", "AAAA"})
	if err != nil {
		return
	}
	v["resolver"], v["resolver_outcome"] = servers[0], r["outcome"]
	v["resolver_addresses"], v["resolver_ttl_s"] = r["addresses"], r["ttl_s"]
	ours, theirs := v["outcome"].(string), r["outcome"].(string)
	settled := func(s string) bool { return s == outcomeOK || s == outcomeEmpty || s == outcomeNXDomain }
	if !settled(ours) || !settled(theirs) {
		return
	}
	found := v["addresses"].([]any)
	switch {
	case ours != theirs:
		v["resolver_agrees"] = false
	case len(found) == 0: // no address, or an alias into another zone
		v["resolver_agrees"] = true
	default:
		v["resolver_agrees"] = overlap(found, r["addresses"].([]any))
	}
}
