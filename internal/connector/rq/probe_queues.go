package rq

import (
	"context"
	"strings"

	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisapi"
)

func queuesQuestion() question {
	number := numberField
	return question{ask: askQueues, spec: probe.Spec{
		Name:     "rq.queues",
		Question: "Which jobs wait, run and have failed, and since when?",
		Why:      "A queue that grows with workers alive is slow work; with none, nobody works; failed jobs wait for someone to look.",
		Cost:     "SSCAN of at most 100 queues, six lengths and one field of a job for each",
		Shape:    probe.Object,
		Fields: []probe.Field{
			{Name: "queues", Type: "rows", About: "name, waiting, running, failed, scheduled, deferred, finished, oldest_s (age of the oldest waiting job; null where none waits), listeners (workers alive that take from it)"},
			number("waiting", "jobs that wait, all queues"), number("running", "jobs under way"), number("failed", "jobs that failed and were not looked at"),
			number("oldest_s", "age of the oldest waiting job; null where none waits"),
			number("workers", "workers alive: with a heartbeat within 420 s, and whose process is not known to have ended"),
			number("unheard", "jobs that wait in queues that nobody alive takes from"),
			{Name: "unheard_queues", Type: "list", About: "names of these queues, sorted"},
			{Name: "suspended", Type: "bool", About: "rq suspend was called: workers take nothing"},
		},
		Outcomes: []probe.Outcome{
			{When: "waiting above 0 and workers is 0", Means: "nobody works: rq.start_worker, or whatever runs them"},
			{When: "failed above 0", Means: "jobs raised or their worker was killed: rq.requeue when the cause is gone"},
			{When: "unheard above 0 and workers above 0", Means: "workers live and listen to other queues: a name, a database number or a prefix differs"},
			{When: "running above workers", Means: "jobs whose worker was killed, until RQ notices"},
		},
	}}
}

// states are the lengths of one queue, in the order in which they are asked.
var states = []struct{ field, registry string }{
	{"running", "wip"}, {"failed", "failed"}, {"scheduled", "scheduled"}, {"deferred", "deferred"}, {"finished", "finished"},
}

func askQueues(ctx context.Context, s *redisapi.Session) (map[string]any, error) {
	names, err := listed(ctx, s, queuesKey, queuePrefix)
	if err != nil {
		return nil, err
	}
	all, now, err := allWorkers(ctx, s)
	if err != nil {
		return nil, err
	}
	listeners, n := map[string]int64{}, int64(0)
	for _, w := range all {
		if !w.lives(now) {
			continue
		}
		n++
		for _, q := range strings.Split(w.queues, ",") {
			listeners[q]++
		}
	}
	closed, err := suspended(ctx, s)
	if err != nil {
		return nil, err
	}
	rows, err := queueRows(ctx, s, names)
	if err != nil {
		return nil, err
	}
	out := map[string]any{"queues": rows, "workers": n, "suspended": closed != "", "oldest_s": nil}
	for _, field := range []string{"waiting", "running", "failed"} {
		var sum int64
		for _, r := range rows {
			sum += r.(map[string]any)[field].(int64)
		}
		out[field] = sum
	}
	unheard, where := int64(0), map[string]bool{}
	for _, r := range rows {
		row := r.(map[string]any)
		name, waiting := row["name"].(string), row["waiting"].(int64)
		row["listeners"] = listeners[name]
		if waiting > 0 && listeners[name] == 0 {
			unheard += waiting
			where[name] = true
		}
		out["oldest_s"] = larger(out["oldest_s"], row["oldest_s"])
	}
	out["unheard"], out["unheard_queues"] = unheard, sortedTrue(where)
	return out, nil
}

func queueRows(ctx context.Context, s *redisapi.Session, names []string) ([]any, error) {
	rows := []any{}
	var cmds [][]any
	for _, name := range names {
		cmds = append(cmds, []any{"LLEN", queuePrefix + name}, []any{"LINDEX", queuePrefix + name, 0})
		for _, st := range states {
			cmds = append(cmds, []any{"ZCARD", registry(st.registry, name)})
		}
	}
	replies, err := s.All(ctx, cmds...)
	if err != nil {
		return nil, err
	}
	each := 2 + len(states)
	var dated [][]any
	for i, name := range names {
		r := replies[each*i : each*i+each]
		row := map[string]any{"name": name, "waiting": count(r[0].Val), "oldest_s": nil}
		for j, st := range states {
			row[st.field] = count(r[2+j].Val)
		}
		rows = append(rows, row)
		first, _ := r[1].Val.(string)
		dated = append(dated, []any{"HGET", jobPrefix + first, "enqueued_at"})
	}
	now, err := s.Time(ctx)
	if err != nil {
		return nil, err
	}
	ages, err := s.All(ctx, dated...)
	for i := range ages {
		rows[i].(map[string]any)["oldest_s"] = age(ages[i].Val, now)
	}
	return rows, err
}
