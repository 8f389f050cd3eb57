package dns

import (
	"context"
	"strings"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// maxResolvers bounds how many are compared.
const maxResolvers = 6

func compareSpec() probe.Spec {
	return probe.Spec{
		Name:     "dns.compare",
		Question: "Do the resolvers agree?",
		Why:      "When one resolver answers and another does not, the name is fine and a resolver is not; when both answer differently, a change is still spreading or one holds an old answer.",
		Cost:     "two questions to each resolver, at most six resolvers",
		Shape:    probe.Object,
		Params: []probe.Param{
			{Name: "name", Type: probe.Text, Default: `""`, About: "name to ask for; empty: the target's"},
		},
		Fields: []probe.Field{
			{Name: "resolvers", Type: "rows", About: "resolver, outcome, addresses, ttl_s, took_s for each"},
			{Name: "asked", Type: "number", About: "resolvers that were asked"},
			{Name: "answered", Type: "number", About: "resolvers that answered, whatever they said"},
			{Name: "silent", Type: "number", About: "resolvers that did not answer, or only failed (timeout, unreachable, servfail, refused)"},
			{Name: "agree", Type: "bool", About: "all that answered say the same; null with fewer than two answers"},
			{Name: "disjoint", Type: "bool", About: "two of them have no address in common: more than rotation; null with fewer than two answers"},
			{Name: "longest_ttl_s", Type: "number", About: "how long the slowest cache may still keep its answer, seconds"},
		},
		Outcomes: []probe.Outcome{
			{When: "disjoint is true", Means: "a change is still spreading (wait longest_ttl_s), answers differ by place, or one resolver is wrong"},
			{When: "silent is over 0 and answered is over 0", Means: "some resolvers are at fault: clients that use them are slow or fail"},
		},
	}
}

func (t *target) compare(ctx context.Context, name string) evidence.Answer {
	servers, err := t.resolvers()
	if err != nil {
		return evidence.Not(evidence.NotApplicable, err.Error(), "name resolvers in quell.yaml")
	}
	servers = servers[:min(len(servers), maxResolvers)]
	rows := []any{}
	var answered, silent int64
	var longest int64
	var said []string
	var sets [][]any
	var notes []string
	for i, s := range servers {
		share, cancel := fair(ctx, len(servers)-i)
		v, err := t.lookup(share, s, name, []string{"A", "AAAA"})
		cancel()
		if err != nil {
			if i == 0 {
				return connector.Failure("ask "+s, err)
			}
			notes = append(notes, s+" was not asked: "+err.Error())
			continue
		}
		row := map[string]any{"resolver": s}
		for _, k := range []string{"outcome", "addresses", "ttl_s", "took_s"} {
			row[k] = v[k]
		}
		rows = append(rows, row)
		switch v["outcome"] {
		case outcomeOK, outcomeNXDomain, outcomeEmpty:
			answered++
			var parts []string
			for _, a := range v["addresses"].([]any) {
				parts = append(parts, a.(string))
			}
			said = append(said, v["outcome"].(string)+" "+strings.Join(parts, " "))
			sets = append(sets, v["addresses"].([]any))
		default:
			silent++
		}
		if ttl, ok := v["ttl_s"].(int64); ok {
			longest = max(longest, ttl)
		}
	}
	v := map[string]any{
		"resolvers": rows, "asked": int64(len(rows)), "answered": answered, "silent": silent,
		"agree": nil, "disjoint": nil, "longest_ttl_s": longest,
	}
	if answered > 1 {
		agree, disjoint := true, false
		for i := range said {
			agree = agree && said[i] == said[0]
			for j := range i {
				disjoint = disjoint || said[i] != said[j] && !overlap(sets[i], sets[j])
			}
		}
		v["agree"], v["disjoint"] = agree, disjoint
	}
	return evidence.Of(v, notes...)
}

func overlap(a, b []any) bool {
	for _, x := range a {
		for _, y := range b {
			if x == y {
				return true
			}
		}
	}
	return false
}
