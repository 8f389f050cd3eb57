package logtext

import (
	"context"
	"fmt"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/logql/attack"
	"github.com/quellhq/quell/internal/logql/request"
	"github.com/quellhq/quell/internal/probe"
)

func attacksSpec() probe.Spec {
	number := func(name, about string) probe.Field { return probe.Field{Name: name, Type: "number", About: about} }
	return probe.Spec{
		Name:     "logs.attacks",
		Question: "Does somebody try what attackers try, and has any of it worked?",
		Why:      "Every address on the internet is scanned all day, and all of it is answered 404. What counts is the one request that was answered with more than the page has to give.",
		Cost:     "reads the lines of window and before together, up to max_read of the target",
		Shape:    probe.Object,
		Params: []probe.Param{
			{Name: "query", Type: probe.Text, Default: "-", About: "a log query that takes the lines; \"-\" takes all lines of the service"},
			{Name: "window", Type: probe.Duration, Default: "30m", About: "the recent time"},
			{Name: "before", Type: probe.Duration, Default: "30m", About: "the time before it, to compare with"},
		},
		Fields: []probe.Field{
			number("requests", "requests that the log tells of, in both times; 0: this log has no requests"),
			number("hits", "requests of the recent time that try something"),
			number("hits_before", "the same in the time before"),
			number("answered", "hits that were answered with 2xx"),
			number("refused", "hits that were answered with 3xx or 4xx"),
			number("failed", "hits that were answered with 5xx"),
			number("worked", "hits that seem to have got what they wanted"),
			{Name: "successes", Type: "rows", About: "these, at most 20: class, why, ip, method, target (the request, shortened), status, bytes, usual_bytes (what the page usually gives), seconds, at; what the log does not tell is missing"},
			{Name: "classes", Type: "rows", About: "class (traversal, secrets, injection, command, inside, script, scan), count, answered, failed; most first"},
			{Name: "sources", Type: "rows", About: "addresses, at most 20: ip, hits, answered, failed, paths (distinct), classes (distinct), first, last"},
			number("ips", "addresses that try"),
			{Name: "catch_all", Type: "bool", About: "this service answers any path with the same page, so that an answer to a path means nothing"},
		},
		Outcomes: []probe.Outcome{
			{When: "hits is large and worked is 0", Means: "a scanner: harmless as long as nothing is answered"},
			{When: "worked is above 0", Means: "read the successes: what was given away, and since when"},
			{When: "failed is above 0 for injection", Means: "what was sent reached the database or the interpreter and broke there: the hole is open"},
		},
	}
}

func (t Asker) attacks(ctx context.Context, q probe.Question) evidence.Answer {
	if q.Args["window"] == nil {
		q.Args = withArg(q.Args, "window", "30m")
	}
	tally, v, failed := tallied(ctx, t, q, "30m", attack.NewTally, func(tally *attack.Tally, l request.Line, _ string) { tally.Add(l) })
	if failed != nil {
		return *failed
	}
	r := tally.Report()
	if r.Requests == 0 {
		return evidence.Not(evidence.NoData, "no line tells of a request with its path and status", "give this target the access log, or let the service log them")
	}
	if r.Lost > 0 {
		v.notes = append(v.notes, fmt.Sprintf("%d further hits were not kept", r.Lost))
	}
	return evidence.Of(attacksValue(&r), v.notes...)
}

func attacksValue(r *attack.Report) map[string]any {
	successes, classes, sources := []any{}, []any{}, []any{}
	for _, h := range r.Worked {
		row := map[string]any{"class": string(h.Class), "why": h.Why, "ip": h.IP, "method": h.Method, "target": h.Target, "status": int64(h.Status), "at": seconds(h.At)}
		if h.Bytes >= 0 {
			row["bytes"] = h.Bytes
		}
		if h.Usual >= 0 {
			row["usual_bytes"] = h.Usual
		}
		if h.Seconds >= 0 {
			row["seconds"] = h.Seconds
		}
		successes = append(successes, row)
	}
	for _, c := range attack.Classes {
		if n := r.By[c]; n[0] > 0 {
			classes = append(classes, map[string]any{"class": string(c), "count": int64(n[0]), "answered": int64(n[1]), "failed": int64(n[2])})
		}
	}
	for _, s := range r.Sources {
		sources = append(sources, map[string]any{"ip": s.IP, "hits": int64(s.Hits), "answered": int64(s.Answered), "failed": int64(s.Failed),
			"paths": int64(s.Paths), "classes": int64(s.Classes), "first": seconds(s.First), "last": seconds(s.Last)})
	}
	return map[string]any{
		"requests": int64(r.Requests), "hits": int64(r.Hits), "hits_before": int64(r.Before), "answered": int64(r.Answered), "refused": int64(r.Refused),
		"failed": int64(r.Failed), "worked": int64(r.WorkedCount), "successes": successes, "classes": classes, "sources": sources,
		"ips": int64(r.IPsCount), "catch_all": r.CatchAll,
	}
}
