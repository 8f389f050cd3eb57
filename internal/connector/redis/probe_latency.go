package redis

import (
	"context"
	"sort"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisapi"
)

func latencyQuestion() builtin {
	return builtin{ask: askLatency, spec: probe.Spec{
		Name:     "redis.latency",
		Question: "What made the server itself stand still?",
		Why:      "The latency monitor names the cause of a stall: fork, command, fast-command, aof-…, expire-cycle, eviction-cycle. It is off by default.",
		Cost:     "LATENCY LATEST, one LATENCY HISTORY for each event, INFO latencystats; nothing is reset",
		Shape:    probe.Object,
		Params:   []probe.Param{{Name: "recent", Type: probe.Duration, Default: "10m", About: "how old an event may be to count as recent"}},
		Fields: []probe.Field{
			{Name: "threshold_ms", Type: "number", About: "latency-monitor-threshold; 0 is off; null when CONFIG GET is not permitted"},
			{Name: "monitoring", Type: "bool", About: "the monitor is on; null when not known"},
			{Name: "events", Type: "rows", About: "event, age_s of the latest, latest_ms, max_ms since the start, recent (samples within the argument recent), recent_max_ms"},
			{Name: "recent", Type: "list", About: "names of events within the argument recent"},
			{Name: "percentiles", Type: "rows", About: "command, p50, p99, p999 in microseconds since the start (7.0+), slowest p99 first, our own kind of commands included"},
		},
		Outcomes: []probe.Outcome{
			{When: "monitoring is false", Means: "the server keeps no events: CONFIG SET latency-monitor-threshold 100 would"},
			{When: "fast-command is among the recent", Means: "commands that cannot be slow were slow: scheduler, swap or huge pages, no command's fault"},
		},
	}}
}

// maxEvents bounds the histories asked for; Redis has about a dozen events.
const maxEvents = 20

func askLatency(ctx context.Context, t *target, args arguments) evidence.Answer {
	replies, err := t.client.do(ctx, []any{"LATENCY", "LATEST"}, []any{"CONFIG", "GET", "latency-monitor-threshold"},
		[]any{"TIME"}, []any{"INFO", "latencystats"})
	if err != nil {
		return t.client.answer("LATENCY LATEST", err)
	}
	if e := replies[0].Err; e != "" {
		return redisapi.Refused("latency latest", e, t.client.at)
	}
	now := serverTime(replies[2], t.tools.Now())
	events, failed := t.events(ctx, replies[0].Val, now, args.duration("recent").Seconds())
	if failed != nil {
		return *failed
	}
	recent := []any{}
	for _, e := range events {
		if row := e.(map[string]any); row["recent"].(int64) > 0 {
			recent = append(recent, row["event"])
		}
	}
	out := map[string]any{"threshold_ms": configNumber(replies[1]), "monitoring": nil, "events": events, "recent": recent,
		"percentiles": percentiles(replies[3])}
	a := evidence.Of(out)
	if n, ok := out["threshold_ms"].(int64); ok {
		out["monitoring"] = n > 0
		if n <= 0 {
			a.Notes = append(a.Notes, "the latency monitor is off: CONFIG SET latency-monitor-threshold 100 makes the server keep what stalled it")
		}
	}
	if note := configNote("latency-monitor-threshold", replies[1], t.client.at); note != "" {
		a.Notes = append(a.Notes, note)
	}
	return a
}

// events reads LATENCY LATEST and asks for the history of each event.
func (t *target) events(ctx context.Context, latest any, now, recent float64) ([]any, *evidence.Answer) {
	list, _ := latest.([]any)
	list = list[:min(len(list), maxEvents)]
	rows, cmds := []any{}, [][]any{}
	for _, item := range list {
		f, _ := item.([]any)
		if len(f) < 4 {
			continue
		}
		name, _ := f[0].(string)
		at, _ := f[1].(int64)
		rows = append(rows, map[string]any{"event": name, "age_s": max(0, now-float64(at)), "latest_ms": f[2], "max_ms": f[3],
			"recent": int64(0), "recent_max_ms": nil})
		cmds = append(cmds, []any{"LATENCY", "HISTORY", name})
	}
	if len(cmds) == 0 {
		return rows, nil
	}
	replies, err := t.client.do(ctx, cmds...)
	if err != nil {
		a := t.client.answer("LATENCY HISTORY", err)
		return nil, &a
	}
	for i, r := range replies {
		row := rows[i].(map[string]any)
		points, _ := r.Val.([]any)
		var count, longest int64
		for _, p := range points {
			pair, _ := p.([]any)
			if len(pair) < 2 {
				continue
			}
			at, _ := pair[0].(int64)
			ms, _ := pair[1].(int64)
			if now-float64(at) <= recent {
				count, longest = count+1, max(longest, ms)
			}
		}
		row["recent"] = count
		if count > 0 {
			row["recent_max_ms"] = longest
		}
	}
	sort.SliceStable(rows, func(i, j int) bool {
		return rows[i].(map[string]any)["event"].(string) < rows[j].(map[string]any)["event"].(string)
	})
	return rows, nil
}

func percentiles(r redisapi.Reply) []any {
	text, _ := r.Val.(string)
	in := parseInfo(text)
	names := make([]string, 0, len(in.latency))
	for name := range in.latency {
		names = append(names, name)
	}
	sort.Slice(names, func(i, j int) bool {
		a, b := in.latency[names[i]]["p99"], in.latency[names[j]]["p99"]
		if a != b {
			return a > b
		}
		return names[i] < names[j]
	})
	out := []any{}
	for i, name := range names {
		if i == 20 {
			break
		}
		p := in.latency[name]
		out = append(out, map[string]any{"command": name, "p50": p["p50"], "p99": p["p99"], "p999": p["p99.9"]})
	}
	return out
}
