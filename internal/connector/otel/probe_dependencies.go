package otel

import (
	"cmp"
	"slices"

	"github.com/quellhq/quell/internal/probe"
)

func dependenciesSpec() probe.Spec {
	return probe.Spec{
		Name:     "otel.dependencies",
		Question: "How long do those take and how often do those fail on whom the service's requests wait, now and before?",
		Why:      "The one that became slower, or fails, is the cause; the one that is asked more often is a consequence or an N+1.",
		Cost:     "shared with otel.slow",
		Shape:    probe.Rows,
		Params:   windowParams(),
		Fields: []probe.Field{
			{Name: "kind", Type: "text", About: "database, cache, queue or call"},
			{Name: "peer", Type: "text", About: "whom"},
			{Name: "calls", Type: "number", About: "in the requests that were looked at"},
			{Name: "per_request", Type: "number", About: "calls for each request"},
			{Name: "mean_s", Type: "number", About: "of one call"},
			{Name: "p95_s", Type: "number", About: "one call in twenty takes longer"},
			{Name: "error_share", Type: "number", About: "of the calls"},
			{Name: "time_share", Type: "number", About: "of the time of all requests, that is spent waiting for it"},
			{Name: "before_per_request", Type: "number", About: "the same before; null without requests before"},
			{Name: "before_mean_s", Type: "number", About: "null without calls before"},
			{Name: "before_error_share", Type: "number", About: "null without calls before"},
			{Name: "before_time_share", Type: "number", About: "null without requests before"},
			{Name: "slower", Type: "number", About: "how many times as long a call takes as before; null without calls before"},
		},
		Outcomes: []probe.Outcome{
			{When: "slower above 2 with a high time_share", Means: "the service waits for it"},
			{When: "per_request has grown and slower is near 1", Means: "the service asks more often than before: its own release, or a lost cache"},
		},
	}
}

type neighbour struct{ kind, peer string }

type calls struct {
	took   []float64
	failed float64
	waited float64 // seconds on the critical path
}

// neighbours are those whom requests call, from the service's own side.
func neighbours(all []request, service string) map[neighbour]*calls {
	out := map[neighbour]*calls{}
	at := func(p part) *calls {
		k := neighbour{p.kind, p.peer}
		if out[k] == nil {
			out[k] = &calls{}
		}
		return out[k]
	}
	for _, r := range all {
		r.entry.walk(func(s *span) {
			p := of(service, s)
			// The first span that is not the service's own work is the call.
			outside := s.service != service && s.up != nil && s.up.service == service && of(service, s.up).kind == own
			if p.kind == own || s.service != service && !outside {
				return
			}
			c := at(p)
			c.took = append(c.took, s.took())
			if s.failed {
				c.failed++
			}
		})
		critical(r.entry, func(s *span, seconds float64) {
			// What happens behind a call is waited for as that call.
			for s.service != service && s.up != nil && s.up.service != service {
				s = s.up
			}
			if s.service != service && s.up != nil && of(service, s.up).kind != own {
				s = s.up
			}
			if p := of(service, s); p.kind != own {
				at(p).waited += seconds
			}
		})
	}
	return out
}

func dependencies(v *view, _ probe.Question) any {
	now, before := neighbours(v.now.any, v.service), neighbours(v.before.any, v.service)
	whole, wholeBefore := sum(durations(v.now.any)), sum(durations(v.before.any))
	var order []neighbour
	for k := range now {
		order = append(order, k)
	}
	slices.SortFunc(order, func(a, b neighbour) int {
		return cmp.Or(cmp.Compare(now[b].waited, now[a].waited), cmp.Compare(a.kind, b.kind), cmp.Compare(a.peer, b.peer))
	})
	rows := []any{}
	for _, k := range order[:min(len(order), 30)] {
		n := now[k]
		row := map[string]any{
			"kind": k.kind, "peer": k.peer, "calls": int64(len(n.took)), "per_request": ratio(float64(len(n.took)), float64(len(v.now.any))),
			"mean_s": mean(n.took), "p95_s": quantile(n.took, 0.95), "error_share": ratio(n.failed, float64(len(n.took))), "time_share": ratio(n.waited, whole),
			"before_per_request": nil, "before_mean_s": nil, "before_error_share": nil, "before_time_share": nil, "slower": nil,
		}
		if len(v.before.any) > 0 {
			row["before_per_request"], row["before_time_share"] = 0.0, 0.0
		}
		if b := before[k]; b != nil {
			row["before_per_request"], row["before_time_share"] = ratio(float64(len(b.took)), float64(len(v.before.any))), ratio(b.waited, wholeBefore)
			if len(b.took) > 0 {
				row["before_mean_s"], row["before_error_share"] = mean(b.took), ratio(b.failed, float64(len(b.took)))
				if was := sum(b.took); was > 0 && len(n.took) > 0 {
					row["slower"] = (sum(n.took) / float64(len(n.took))) / (was / float64(len(b.took)))
				}
			}
		}
		rows = append(rows, row)
	}
	return rows
}
