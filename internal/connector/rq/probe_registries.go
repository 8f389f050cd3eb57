package rq

import (
	"context"

	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisapi"
)

func registriesQuestion() question {
	return question{ask: askRegistries, spec: probe.Spec{
		Name:     "rq.registries",
		Question: "How many jobs are in each state, how old is the oldest, and how many are kept for ever?",
		Why:      "A registry that only grows says what nobody looks after: failures that nobody reads, jobs that wait for another that never ends, results without an end.",
		Cost:     "for at most 100 queues six lengths, a count and the first job of each, two fields of that job",
		Shape:    probe.Object,
		Fields: []probe.Field{
			rowsField("registries", "queue, state (started, failed, scheduled, deferred, finished, canceled), count, oldest_s (since the job at its head was put in; null without), for_ever (jobs without an end of their time there)"),
			numberField("finished", "jobs that ended well and are still kept"),
			numberField("for_ever", "of these, jobs kept for ever (result_ttl -1)"),
			numberField("deferred", "jobs that wait for another one"),
			numberField("canceled", "jobs that were called off and are still kept"),
		},
		Outcomes: []probe.Outcome{
			{When: "for_ever grows", Means: "results are kept without an end: give jobs a result_ttl"},
			{When: "deferred has an old one", Means: "it waits for a job that failed or is gone: see rq.scheduler"},
		},
	}}
}

// kept are the registries and their names in keys.
var kept = []struct{ state, key string }{
	{"started", "wip"}, {"failed", "failed"}, {"scheduled", "scheduled"}, {"deferred", "deferred"}, {"finished", "finished"}, {"canceled", "canceled"},
}

func askRegistries(ctx context.Context, s *redisapi.Session) (map[string]any, error) {
	names, err := listed(ctx, s, queuesKey, queuePrefix)
	if err != nil {
		return nil, err
	}
	now, err := s.Time(ctx)
	if err != nil {
		return nil, err
	}
	var cmds [][]any
	for _, name := range names {
		for _, k := range kept {
			key := registry(k.key, name)
			cmds = append(cmds, []any{"ZCARD", key}, []any{"ZCOUNT", key, "+inf", "+inf"}, []any{"ZRANGE", key, 0, 0})
		}
	}
	replies, err := s.All(ctx, cmds...)
	if err != nil {
		return nil, err
	}
	out := map[string]any{"finished": int64(0), "for_ever": int64(0), "deferred": int64(0), "canceled": int64(0)}
	rows, heads := []any{}, [][]any{}
	for i := range len(replies) / 3 {
		k, r := kept[i%len(kept)], replies[3*i:3*i+3]
		n, ever := count(r[0].Val), count(r[1].Val)
		if sum, counted := out[k.state].(int64); counted {
			out[k.state] = sum + n
		}
		if k.state == "finished" {
			out["for_ever"] = out["for_ever"].(int64) + ever
		}
		if n == 0 {
			continue
		}
		rows = append(rows, map[string]any{"queue": names[i/len(kept)], "state": k.state, "count": n, "for_ever": ever})
		head := ""
		if first := redisapi.Texts(r[2].Val); len(first) > 0 {
			head = first[0]
		}
		heads = append(heads, []any{"HMGET", jobPrefix + jobOf(head), "enqueued_at", "created_at"})
	}
	replies, err = s.All(ctx, heads...)
	for i, r := range replies {
		f, _ := r.Val.([]any)
		f = append(f, nil, nil)
		since := age(f[0], now)
		if since == nil {
			since = age(f[1], now)
		}
		rows[i].(map[string]any)["oldest_s"] = since
	}
	out["registries"] = rows
	return out, err
}
