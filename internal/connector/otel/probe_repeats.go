package otel

import (
	"cmp"
	"slices"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
)

func repeatsSpec() probe.Spec {
	return probe.Spec{
		Name:     "otel.repeats",
		Question: "Which statement or call does one request of the service send over and over?",
		Why:      "A question for each row of a list, instead of one for all (N+1), is quick in a test and slow with real data.",
		Cost:     "shared with otel.slow",
		Shape:    probe.Rows,
		Params: append(windowParams(),
			probe.Param{Name: "times", Type: probe.Number, Default: "5", About: "how often within one request counts as over and over"},
			probe.Param{Name: "takes", Type: probe.Duration, Default: "20ms", About: "what all of them together take at least"},
		),
		Fields: []probe.Field{
			{Name: "endpoint", Type: "text", About: "the request that does it"},
			{Name: "kind", Type: "text", About: "database, cache or call"},
			{Name: "peer", Type: "text", About: "with whom"},
			{Name: "operation", Type: "text", About: "the statement or route, without its values"},
			{Name: "most", Type: "number", About: "times in one request, at most"},
			{Name: "usual", Type: "number", About: "times in a request of that endpoint that does it, in the middle"},
			{Name: "before", Type: "number", About: "the same before; null without requests of that endpoint before"},
			{Name: "requests", Type: "number", About: "of that endpoint, that do it"},
			{Name: "share", Type: "number", About: "of that endpoint's requests that were looked at"},
			{Name: "sequential", Type: "bool", About: "one after the other, so that each adds to the request's time"},
			{Name: "seconds", Type: "number", About: "what all of them take in one request, in the middle"},
			{Name: "time_share", Type: "number", About: "of those requests' time"},
			{Name: "example", Type: "text", About: "a trace"},
		},
		Outcomes: []probe.Outcome{
			{When: "sequential with a high time_share", Means: "fetch them all with one statement"},
			{When: "before is as high", Means: "it has always done so: the data grew, or something else is the cause"},
			{When: "no rows", Means: "no request repeats itself"},
		},
	}
}

type repeated struct {
	endpoint string
	part
}

type run struct {
	times   []float64 // in each request
	seconds []float64
	total   float64 // of the requests
	beside  bool    // some ran beside each other
	example string
	most    float64
}

// runs counts what each request does over and over, with at least times.
func runs(all []request, service string, times int, takes float64) map[repeated]*run {
	out := map[repeated]*run{}
	for _, r := range all {
		groups := map[part][]*span{}
		r.entry.walk(func(s *span) {
			// Work of others is theirs to mend; a call that was answered counts once, by its caller's side.
			if p := of(service, s); s.service == service && (p.kind == database || p.kind == cache || p.kind == call) {
				groups[p] = append(groups[p], s)
			}
		})
		for p, list := range groups {
			seconds, overlapping := busy(list)
			if len(list) < times || seconds < takes {
				continue
			}
			key := repeated{r.endpoint(), p}
			n := out[key]
			if n == nil {
				n = &run{}
				out[key] = n
			}
			n.times, n.seconds = append(n.times, float64(len(list))), append(n.seconds, seconds)
			n.total += r.entry.took()
			n.beside = n.beside || overlapping
			if float64(len(list)) > n.most {
				n.most, n.example = float64(len(list)), r.trace.id
			}
		}
	}
	return out
}

// busy is the time in which any of the spans ran, and whether a tenth of them
// or more ran beside the one before.
func busy(list []*span) (seconds float64, beside bool) {
	sorted := slices.Clone(list)
	slices.SortFunc(sorted, func(a, b *span) int { return cmp.Compare(a.start, b.start) })
	end, overlapping := 0.0, 0
	for i, s := range sorted {
		if i > 0 && s.start < end-overlap*s.took() {
			overlapping++
		}
		if s.end > end {
			seconds += s.end - max(s.start, end)
			end = s.end
		}
	}
	return seconds, 10*overlapping > len(list)
}

func repeats(v *view, q probe.Question) any {
	times := max(2, int(action.Args(q.Args).Number("times")))
	takes := 0.0
	if d := lasting(q, "takes", 0); d > 0 {
		takes = d.Seconds()
	}
	all := unique(v.now.any, v.now.slow)
	now, before := runs(all, v.service, times, takes), runs(v.before.any, v.service, 1, 0)
	endpoints := func(all []request) map[string]int64 {
		out := map[string]int64{}
		for _, r := range all {
			out[r.endpoint()]++
		}
		return out
	}
	here, then := endpoints(all), endpoints(v.before.any)
	var order []repeated
	for k := range now {
		order = append(order, k)
	}
	slices.SortFunc(order, func(a, b repeated) int {
		return cmp.Or(cmp.Compare(sum(now[b].seconds), sum(now[a].seconds)), cmp.Compare(a.endpoint, b.endpoint), cmp.Compare(a.operation, b.operation), cmp.Compare(a.peer, b.peer))
	})
	rows := []any{}
	for _, k := range order[:min(len(order), 20)] {
		n := now[k]
		row := map[string]any{
			"endpoint": k.endpoint, "kind": k.kind, "peer": k.peer, "operation": k.operation,
			"most": n.most, "usual": quantile(n.times, 0.5), "before": nil, "requests": int64(len(n.times)), "share": ratio(float64(len(n.times)), float64(here[k.endpoint])),
			"sequential": !n.beside, "seconds": quantile(n.seconds, 0.5), "time_share": ratio(sum(n.seconds), n.total), "example": n.example,
		}
		if then[k.endpoint] > 0 {
			row["before"] = 0.0
			if b := before[k]; b != nil {
				row["before"] = quantile(b.times, 0.5)
			}
		}
		rows = append(rows, row)
	}
	return rows
}
