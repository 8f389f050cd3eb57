package logtext

import (
	"context"
	"math"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/logql/request"
	"github.com/quellhq/quell/internal/probe"
)

func requestsSpec() probe.Spec {
	number := func(name, about string) probe.Field { return probe.Field{Name: name, Type: "number", About: about} }
	const row = "requests, failed_share, p50_s, p95_s, and of before requests_before (for a time as long), failed_share_before, p50_before_s, p95_before_s; slower (p95_s ÷ p95_before_s), timed, timed_before"
	return probe.Spec{
		Name:     "logs.requests",
		Question: "How many requests come, how many fail and how long do they take, now and before, and the calls of other services likewise?",
		Why:      "Where nothing counts requests and times them, the log does: a line for each request, with its status and its duration.",
		Cost:     "reads the lines of window and before together, up to max_read of the target",
		Shape:    probe.Object,
		Params: []probe.Param{
			{Name: "query", Type: probe.Text, Default: "-", About: "a log query that takes the lines; \"-\" takes all lines of the service"},
			{Name: "window", Type: probe.Duration, Default: "10m", About: "the recent time"},
			{Name: "before", Type: probe.Duration, Default: "50m", About: "the time before it, to compare with"},
		},
		Fields: []probe.Field{
			number("requests", "in the recent time, without those that ask for health or metrics"),
			number("requests_before", "before, for a time as long as the recent one; missing where nothing was written before"),
			number("per_s", "requests a second in the recent time"),
			number("per_s_before", "the same before"),
			number("failed", "requests in the recent time that were answered with a status of 500 or more"),
			number("failed_share", "share of those, 0 to 1; missing without requests"),
			number("failed_share_before", "the same before; missing below 20 requests"),
			number("turned_away_share", "share that was answered 429 or 503"),
			number("turned_away_share_before", "the same before; missing below 20 requests"),
			number("timed", "requests of the recent time whose line tells how long they took"),
			number("p50_s", "what half of those took at most, to 4 %; missing below 5"),
			number("p95_s", "what 19 of 20 took at most; missing below 5"),
			number("p50_before_s", "the same before; missing below 20"),
			number("p95_before_s", "the same before; missing below 20"),
			{Name: "paths", Type: "rows", About: "by path (ids as *), the most asked first, at most 30: path, " + row},
			{Name: "calls", Type: "rows", About: "calls of other services that the log tells of, those that took most time first, at most 20: peer, " + row + "; what is missing in a log of slow or failed calls alone is missing here"},
			number("clients", "addresses that asked in the recent time; missing where lines name none"),
			{Name: "top_clients", Type: "rows", About: "address, requests, share (of those whose lines name one, 0 to 1), share_before (missing without any before): the 10 with the most requests"},
			number("call_share", "time of all calls ÷ time of all requests, in the recent time, 0 to 1; missing without calls"),
			number("call_share_before", "the same before"),
			number("database_share", "time of statements ÷ time of requests, as the lines of requests tell it, 0 to 1; missing where they do not"),
			number("database_share_before", "the same before; missing below 20 requests"),
			number("statements_each", "statements that a request sends, as its line tells it; missing where it does not"),
			number("statements_each_before", "the same before; missing below 20 requests"),
			{Name: "told_by", Type: "text", About: "service, or gateway where access logs alone tell"},
		},
		Outcomes: []probe.Outcome{
			{When: "one path is far slower than before and the others are not", Means: "look at what that path needs"},
			{When: "all paths are slower", Means: "they wait for the same: a processor, a pool, a lock, a service that they all need"},
			{When: "a row of calls takes long and did not before", Means: "the service waits for somebody else"},
			{When: "per_s is far above per_s_before", Means: "more people come, or something asks again and again"},
		},
	}
}

func (t Asker) requests(ctx context.Context, q probe.Question) evidence.Answer {
	tally, v, failed := tallied(ctx, t, q, "50m", request.NewTally, (*request.Tally).Add)
	if failed != nil {
		return *failed
	}
	r, ok := tally.Report(v.window.Start.UnixNano(), v.window.End.UnixNano())
	if !ok {
		return evidence.Not(evidence.NoData, "no line tells of a request with its path and status", "give this target the access log, or let the service log each request with its status and duration")
	}
	return evidence.Of(requestsValue(r, v.args.window.Seconds()), v.notes...)
}

func requestsValue(r request.Report, length float64) map[string]any {
	v := figures(r.All)
	v["per_s"], v["failed"], v["told_by"] = r.All.Now.Requests/length, int64(r.All.Now.FailedCount), "service"
	if r.Gateway {
		v["told_by"] = "gateway"
	}
	setKnown(v, "per_s_before", r.All.Before.Requests/length)
	setKnown(v, "turned_away_share", r.All.Now.Turned)
	if enough(r.All.Before) {
		setKnown(v, "turned_away_share_before", r.All.Before.Turned)
	}
	setKnown(v, "database_share", r.All.Now.InDatabase)
	setKnown(v, "statements_each", r.All.Now.Statements)
	if enough(r.All.Before) {
		setKnown(v, "database_share_before", r.All.Before.InDatabase)
		setKnown(v, "statements_each_before", r.All.Before.Statements)
	}
	setKnown(v, "call_share_before", r.CallShare[0])
	clients := []any{}
	for _, a := range r.Askers {
		row := map[string]any{"address": a.IP, "requests": int64(a.Requests), "share": a.Share}
		setKnown(row, "share_before", a.Before)
		clients = append(clients, row)
	}
	v["top_clients"] = clients
	if r.Addresses > 0 {
		v["clients"] = int64(r.Addresses)
	}
	setKnown(v, "call_share", r.CallShare[1])
	rows := func(name string, all []request.Of, most int) []any {
		out := []any{}
		for _, o := range all[:min(len(all), most)] {
			row := figures(o)
			row[name] = o.Name
			out = append(out, row)
		}
		return out
	}
	v["paths"], v["calls"] = rows("path", r.Paths, 30), rows("peer", r.Calls, 20)
	return v
}

// enough is how many requests of before a share or a quantile rests on.
func enough(f request.Figures) bool { return f.Counted >= 20 }

func figures(o request.Of) map[string]any {
	v := map[string]any{"requests": int64(o.Now.Counted), "timed": int64(o.Now.Timed), "timed_before": int64(o.Before.Timed)}
	setKnown(v, "requests_before", o.Before.Requests)
	setKnown(v, "failed_share", o.Now.Failed)
	if enough(o.Before) {
		setKnown(v, "failed_share_before", o.Before.Failed)
	}
	if o.Now.Timed >= 5 {
		setKnown(v, "p50_s", o.Now.P50)
		setKnown(v, "p95_s", o.Now.P95)
	}
	if o.Before.Timed >= 20 {
		setKnown(v, "p50_before_s", o.Before.P50)
		setKnown(v, "p95_before_s", o.Before.P95)
		if o.Now.Timed >= 5 {
			setKnown(v, "slower", o.Now.P95/o.Before.P95)
		}
	}
	return v
}

func setKnown(v map[string]any, name string, x float64) {
	if !math.IsNaN(x) && !math.IsInf(x, 0) {
		v[name] = x
	}
}
