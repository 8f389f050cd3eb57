package otel

import (
	"cmp"
	"slices"

	"github.com/quellhq/quell/internal/probe"
)

func errorsSpec() probe.Spec {
	return probe.Spec{
		Name:     "otel.errors",
		Question: "Where do the errors of the service's requests begin?",
		Why:      "An error goes up through every span above it; the lowest one is where it happened.",
		Cost:     "shared with otel.slow",
		Shape:    probe.Rows,
		Params:   windowParams(),
		Fields: []probe.Field{
			{Name: "service", Type: "text", About: "in which the error begins"},
			{Name: "kind", Type: "text", About: "own, database, cache, queue or call, as the service under investigation sees it"},
			{Name: "peer", Type: "text", About: "with whom; empty for the service's own code"},
			{Name: "operation", Type: "text", About: "statement, route or name of the span"},
			{Name: "error", Type: "text", About: "type of the exception, or the status, or error"},
			{Name: "message", Type: "text", About: "one of the messages"},
			{Name: "count", Type: "number", About: "spans that begin it, in the traces that were looked at"},
			{Name: "requests", Type: "number", About: "requests that it is in"},
			{Name: "share", Type: "number", About: "of an even sample of the requests now"},
			{Name: "before_share", Type: "number", About: "the same before; null without requests before"},
			{Name: "reaches_user", Type: "bool", About: "the request as a whole failed, in most of them"},
			{Name: "newest_s", Type: "number", About: "seconds since the last one"},
			{Name: "example", Type: "text", About: "a trace"},
		},
		Outcomes: []probe.Outcome{
			{When: "kind is call", Means: "the other service fails"},
			{When: "reaches_user is false", Means: "the service copes with it: retried, or answered without"},
			{When: "no rows", Means: "no traced request failed"},
		},
	}
}

type failing struct {
	part
	error string
}

type failingCount struct {
	message       string
	count         int64
	requests, bad int64
	newest        float64
	example       string
}

// begins calls do for the spans in which errors begin: those that failed and
// have nothing below them that did.
func begins(r request, do func(*span)) {
	r.entry.walk(func(s *span) {
		if !s.failed {
			return
		}
		below := false
		s.walk(func(c *span) { below = below || c != s && c.failed })
		if !below {
			do(s)
		}
	})
}

func (s *span) why() string {
	if s.exception != "" {
		return cut(s.exception, 100)
	}
	if status := s.status(); status != "" {
		return status
	}
	return "error"
}

func failures(v *view, q probe.Question) any {
	count := func(all []request) map[failing]*failingCount {
		out := map[failing]*failingCount{}
		for _, r := range all {
			seen := map[failing]bool{}
			begins(r, func(s *span) {
				f := failing{of(v.service, s), s.why()}
				n := out[f]
				if n == nil {
					n = &failingCount{}
					out[f] = n
				}
				n.count++
				if n.message == "" {
					n.message = cut(s.message, 300)
				}
				if s.end > n.newest {
					n.newest, n.example = s.end, r.trace.id
				}
				if !seen[f] {
					seen[f] = true
					n.requests++
					if r.entry.failed {
						n.bad++
					}
				}
			})
		}
		return out
	}
	now, even, before := count(v.now.failed), count(v.now.any), count(v.before.any)
	end := float64(q.Now.UnixMicro()) / 1e6
	var order []failing
	for f := range now {
		order = append(order, f)
	}
	slices.SortFunc(order, func(a, b failing) int {
		return cmp.Or(cmp.Compare(now[b].requests, now[a].requests), cmp.Compare(a.error, b.error), cmp.Compare(a.operation, b.operation), cmp.Compare(a.service, b.service))
	})
	rows := []any{}
	share := func(n *failingCount, all []request) any {
		if len(all) == 0 {
			return nil
		}
		if n == nil {
			return 0.0
		}
		return float64(n.requests) / float64(len(all))
	}
	for _, f := range order[:min(len(order), 20)] {
		n := now[f]
		rows = append(rows, map[string]any{
			"service": f.service, "kind": f.kind, "peer": f.peer, "operation": f.operation, "error": f.error, "message": n.message,
			"count": n.count, "requests": n.requests, "share": share(even[f], v.now.any), "before_share": share(before[f], v.before.any),
			"reaches_user": 2*n.bad > n.requests, "newest_s": end - n.newest, "example": n.example,
		})
	}
	return rows
}
