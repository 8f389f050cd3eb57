package dns

import (
	"context"
	"fmt"
	"strings"

	"github.com/miekg/dns"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func recordsSpec() probe.Spec {
	return probe.Spec{
		Name:     "dns.records",
		Question: "What does the name stand for, as this machine's resolver says?",
		Why:      "A name that is gone, empty, refused or unanswered looks the same to an application, and each is mended elsewhere.",
		Cost:     "one question for each type; one more where validation may have failed",
		Shape:    probe.Object,
		Params: []probe.Param{
			{Name: "name", Type: probe.Text, Default: `""`, About: "name to ask for; empty: the target's"},
			{Name: "types", Type: probe.List, Default: "[A, AAAA]", About: "of A, AAAA, CNAME, NS, MX, TXT, SOA, CAA, SRV, PTR"},
		},
		Fields: []probe.Field{
			{Name: "name", Type: "text", About: "the name asked for"},
			{Name: "resolver", Type: "text", About: "the server that was asked"},
			{Name: "outcome", Type: "text", About: "of the address question: ok, empty (exists, has no address), nxdomain (does not exist), servfail, refused, timeout, unreachable or other"},
			{Name: "outcomes", Type: "object", About: "the outcome of each type"},
			{Name: "rcode", Type: "text", About: "the response code as the protocol names it; empty without an answer"},
			{Name: "addresses", Type: "list", About: "addresses, sorted"},
			{Name: "aliases", Type: "list", About: "names on the way (CNAME), in order"},
			{Name: "records", Type: "rows", About: "type, name, value, ttl_s"},
			{Name: "ttl_s", Type: "number", About: "how long caches may still keep this answer, seconds; null without records"},
			{Name: "took_s", Type: "number", About: "longest time for one answer, seconds"},
			{Name: "as_expected", Type: "bool", About: "the addresses or aliases are those of the setting expect; null where it is not set"},
			{Name: "dnssec_suspect", Type: "bool", About: "the resolver fails, and answers when told not to validate"},
		},
		Outcomes: []probe.Outcome{
			{When: "outcome is nxdomain", Means: "the record was removed or never made, or the wrong zone is served"},
			{When: "outcome is servfail and dnssec_suspect", Means: "signatures do not fit: the DS record at the parent, or expired signatures"},
			{When: "outcome is timeout or unreachable", Means: "the resolver is at fault, not the name"},
			{When: "outcome is empty", Means: "the name exists without an address: a record of this type is missing"},
		},
	}
}

var typeNames = map[string]uint16{
	"A": dns.TypeA, "AAAA": dns.TypeAAAA, "CNAME": dns.TypeCNAME, "NS": dns.TypeNS, "MX": dns.TypeMX,
	"TXT": dns.TypeTXT, "SOA": dns.TypeSOA, "CAA": dns.TypeCAA, "SRV": dns.TypeSRV, "PTR": dns.TypePTR,
}

func (t *target) records(ctx context.Context, q probe.Question, name string) evidence.Answer {
	types := []string{"A", "AAAA"}
	if list, ok := q.Args["types"].([]any); ok && len(list) > 0 {
		types = nil
		for _, x := range list {
			types = append(types, strings.ToUpper(fmt.Sprint(x)))
		}
	}
	for _, typ := range types {
		if typeNames[typ] == 0 {
			return evidence.Not(evidence.Invalid, typ+" is not a type that can be asked for", "use A, AAAA, CNAME, NS, MX, TXT, SOA, CAA, SRV or PTR")
		}
	}
	servers, err := t.resolvers()
	if err != nil {
		return evidence.Not(evidence.NotApplicable, err.Error(), "name resolvers in quell.yaml")
	}
	server := servers[0]
	v, err := t.lookup(ctx, server, name, types)
	if err != nil {
		return connector.Failure("ask "+server, err)
	}
	return evidence.Of(v)
}

// lookup asks one resolver for several types and puts the answers together.
func (t *target) lookup(ctx context.Context, server, name string, types []string) (map[string]any, error) {
	outcomes := map[string]any{}
	seen := map[record]bool{}
	var all []record
	var aliases []string
	main, rcode, longest := "", "", 0.0
	for _, typ := range types {
		r, err := t.ask(ctx, server, name, typeNames[typ], recursive)
		if err != nil {
			return nil, err
		}
		outcomes[typ] = r.outcome
		longest = max(longest, r.took.Seconds())
		if address := typ == "A" || typ == "AAAA"; main == "" || address && better(r.outcome, main) {
			main, rcode = r.outcome, r.rcode
		}
		if r.msg == nil {
			if r.outcome == outcomeTimeout {
				break // a silent server is silent for the other types too
			}
			continue
		}
		for _, rr := range r.msg.Answer {
			if c, ok := rr.(*dns.CNAME); ok {
				alias := strings.TrimSuffix(strings.ToLower(c.Target), ".")
				if !contains(aliases, alias) {
					aliases = append(aliases, alias)
				}
			}
		}
		for _, rec := range recordsOf(r.msg.Answer) {
			key := rec
			key.ttl = 0
			if !seen[key] {
				seen[key] = true
				all = append(all, rec)
			}
		}
	}
	suspect := false
	if main == outcomeServFail {
		r, err := t.ask(ctx, server, name, typeNames[types[0]], unchecked)
		suspect = err == nil && (r.outcome == outcomeOK || r.outcome == outcomeEmpty)
	}
	addresses := addressesOf(all)
	rows := []any{}
	for _, rec := range all {
		rows = append(rows, map[string]any{"type": rec.kind, "name": rec.name, "value": rec.value, "ttl_s": int64(rec.ttl)})
	}
	v := map[string]any{
		"name": strings.TrimSuffix(name, "."), "resolver": server, "outcome": main, "outcomes": outcomes, "rcode": rcode,
		"addresses": texts(addresses), "aliases": texts(aliases), "records": rows, "ttl_s": minTTL(all),
		"took_s": longest, "dnssec_suspect": suspect, "as_expected": t.expected(addresses, aliases),
	}
	return v, nil
}

// better reports whether one address type's outcome describes the name better
// than the other's: having an address beats having none of the other family.
func better(a, b string) bool {
	rank := map[string]int{outcomeOK: 5, outcomeNXDomain: 4, outcomeServFail: 3, outcomeRefused: 3, outcomeEmpty: 2, outcomeOther: 2, outcomeTimeout: 1, outcomeUnreachable: 1}
	return rank[a] > rank[b]
}

// expected compares with the setting: every address found is in it, and at
// least one is found. Null without the setting, or when nothing was found at
// all because of the resolver.
func (t *target) expected(addresses, aliases []string) any {
	if len(t.config.Expect) == 0 {
		return nil
	}
	for _, alias := range aliases {
		if contains(t.config.Expect, alias) {
			return true
		}
	}
	for _, a := range addresses {
		if !contains(t.config.Expect, a) {
			return false
		}
	}
	return len(addresses) > 0
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if strings.EqualFold(strings.TrimSuffix(x, "."), s) {
			return true
		}
	}
	return false
}
