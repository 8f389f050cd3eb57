package otel

import (
	"cmp"
	"slices"

	"github.com/quellhq/quell/internal/probe"
)

func slowSpec() probe.Spec {
	return probe.Spec{
		Name:     "otel.slow",
		Question: "Where do the slowest requests of the service spend their time?",
		Why:      "The sum of what they waited for, one after the other, is their whole time: the largest piece is where to look.",
		Cost:     "six searches for all questions of traces together, 90 traces at most; with Tempo one GET for each trace",
		Shape:    probe.Object,
		Params:   windowParams(),
		Fields: []probe.Field{
			{Name: "requests", Type: "number", About: "of the service, that were looked at now"},
			{Name: "before_requests", Type: "number", About: "the same of the time before"},
			{Name: "p50_s", Type: "number", About: "half of them take less"},
			{Name: "p95_s", Type: "number", About: "one in twenty takes longer"},
			{Name: "max_s", Type: "number", About: "the slowest that was found"},
			{Name: "before_p50_s", Type: "number", About: "the same before; null without any"},
			{Name: "before_p95_s", Type: "number", About: "the same before; null without any"},
			{Name: "own_share", Type: "number", About: "of the slow ones' time, in the service's own code: computing, or waiting for something that is not traced (a pool, a lock)"},
			{Name: "database_share", Type: "number", About: "in databases"},
			{Name: "cache_share", Type: "number", About: "in caches"},
			{Name: "queue_share", Type: "number", About: "in queues"},
			{Name: "call_share", Type: "number", About: "in other services"},
			{Name: "top_kind", Type: "text", About: "of the largest piece: own, database, cache, queue or call"},
			{Name: "top_peer", Type: "text", About: "with whom; empty for the service's own code"},
			{Name: "top_service", Type: "text", About: "whose span it is: where the time really goes, however far away"},
			{Name: "top_operation", Type: "text", About: "what exactly: statement, route, or name of the span"},
			{Name: "top_share", Type: "number", About: "of the slow ones' time"},
			{Name: "top_before_s", Type: "number", About: "what it took a request before, in seconds; null without requests before"},
			{Name: "top_now_s", Type: "number", About: "what it takes a slow request now"},
			{Name: "parts", Type: "rows", About: "the largest pieces: kind, peer, service, operation, share, now_s, before_s"},
			{Name: "slowest", Type: "rows", About: "single requests: trace, endpoint, seconds, age_s, failed"},
		},
		Outcomes: []probe.Outcome{
			{When: "call_share above a half", Means: "it waits for another service: top_service says for which"},
			{When: "own_share above a half", Means: "nothing that is traced explains it: its own code, its pool, or a lock"},
			{When: "no data", Means: "nothing was traced; sampling may leave out slow requests too"},
		},
	}
}

// mostParts bounds the rows.
const mostParts = 12

// pieces is where the time of requests goes, in seconds.
func pieces(all []request, service string) map[part]float64 {
	out := map[part]float64{}
	for _, r := range all {
		critical(r.entry, func(s *span, seconds float64) {
			if seconds > 0 {
				out[of(service, s)] += seconds
			}
		})
	}
	return out
}

func slow(v *view, q probe.Question) any {
	now, before := pieces(v.now.slow, v.service), pieces(v.before.any, v.service)
	whole := sum(durations(v.now.slow))
	shares := map[string]float64{}
	var order []part
	for p, seconds := range now {
		order = append(order, p)
		shares[p.kind] += ratio(seconds, whole)
	}
	slices.SortFunc(order, func(a, b part) int {
		return cmp.Or(cmp.Compare(now[b], now[a]), cmp.Compare(a.kind, b.kind), cmp.Compare(a.operation, b.operation), cmp.Compare(a.service, b.service), cmp.Compare(a.peer, b.peer))
	})
	each := func(seconds map[part]float64, p part, n int) any {
		if n == 0 {
			return nil
		}
		return seconds[p] / float64(n)
	}
	value := map[string]any{
		"requests": int64(len(v.now.any)), "before_requests": int64(len(v.before.any)),
		"p50_s": quantile(durations(v.now.any), 0.5), "p95_s": quantile(durations(v.now.any), 0.95), "max_s": quantile(durations(v.now.slow), 1),
		"before_p50_s": nil, "before_p95_s": nil,
		"own_share": shares[own], "database_share": shares[database], "cache_share": shares[cache], "queue_share": shares[queue], "call_share": shares[call],
		"top_kind": "", "top_peer": "", "top_service": "", "top_operation": "", "top_share": 0.0, "top_now_s": nil, "top_before_s": nil,
	}
	if len(v.before.any) > 0 {
		value["before_p50_s"], value["before_p95_s"] = quantile(durations(v.before.any), 0.5), quantile(durations(v.before.any), 0.95)
	}
	parts := []any{}
	for i, p := range order[:min(len(order), mostParts)] {
		nowS, beforeS, share := each(now, p, len(v.now.slow)), each(before, p, len(v.before.any)), ratio(now[p], whole)
		parts = append(parts, map[string]any{"kind": p.kind, "peer": p.peer, "service": p.service, "operation": p.operation, "share": share, "now_s": nowS, "before_s": beforeS})
		if i == 0 {
			value["top_kind"], value["top_peer"], value["top_service"], value["top_operation"] = p.kind, p.peer, p.service, p.operation
			value["top_share"], value["top_now_s"], value["top_before_s"] = share, nowS, beforeS
		}
	}
	slowest := []any{}
	end := float64(q.Now.UnixMicro()) / 1e6
	for _, r := range v.now.slow[:min(len(v.now.slow), 5)] {
		slowest = append(slowest, map[string]any{"trace": r.trace.id, "endpoint": r.endpoint(), "seconds": r.entry.took(), "age_s": end - r.entry.start, "failed": r.entry.failed})
	}
	value["parts"], value["slowest"] = parts, slowest
	return value
}
