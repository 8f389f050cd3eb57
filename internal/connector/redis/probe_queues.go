package redis

import (
	"context"
	"sort"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisapi"
)

func queuesQuestion() builtin {
	number := func(name, about string) probe.Field { return probe.Field{Name: name, Type: "number", About: about} }
	return builtin{ask: askQueues, spec: probe.Spec{
		Name:     "redis.queues",
		Question: "Do jobs wait here, and does anyone work on them?",
		Why:      "Job queues keep their state in Redis; it tells a dead worker from a slow one without the workers' help. Only the database of the target's url is looked at.",
		Cost:     "SSCAN of the lists of queues and workers (at most 100 each), a few length commands for each queue, three fields for each worker, CLIENT LIST and a SCAN of at most 20,000 keys for queues of Bull; of Sidekiq the oldest job of each queue is read whole, of others none",
		Shape:    probe.Object,
		Params:   []probe.Param{{Name: "lists", Type: probe.Text, Default: "celery", About: "names of further lists that are queues, with commas"}},
		Fields: []probe.Field{
			{Name: "found", Type: "list", About: "rq, sidekiq, bull, list: kinds of queues seen"},
			{Name: "queues", Type: "rows", About: "kind, name, waiting, running, failed, scheduled, deferred, oldest_s (age of the oldest waiting job; null where not told), workers (that listen; null where not told), paused (null where not told)"},
			{Name: "workers", Type: "rows", About: "RQ workers: name (long ids hidden), state, queues, heartbeat_age_s, job (bool: has one)"},
			number("waiting", "jobs that wait, all queues"), number("failed", "jobs in failed registries, all queues"), number("oldest_s", "age of the oldest waiting job; null where not told"),
			number("live_workers", "RQ workers with a heartbeat within 420 s (its own time to live); null without RQ"),
			{Name: "suspended", Type: "bool", About: "rq:suspended is set: workers take nothing"},
			number("unacked", "Celery jobs taken and not acknowledged"),
		},
		Outcomes: []probe.Outcome{
			{When: "waiting above 0 and live_workers is 0", Means: "nobody works"},
			{When: "a queue waits and its workers is 0", Means: "workers live and listen to other queues"},
		},
	}}
}

// liveWithin is RQ's own time to live of a worker's key.
const liveWithin = 420

func askQueues(ctx context.Context, t *target, args arguments) evidence.Answer {
	lists := []string{}
	for _, name := range strings.Split(args.text("lists"), ",") {
		if name = strings.TrimSpace(name); name != "" && len(lists) < 20 {
			lists = append(lists, name)
		}
	}
	cmds := [][]any{{"SSCAN", "rq:queues", 0, "COUNT", 100}, {"SSCAN", "rq:workers", 0, "COUNT", 100},
		{"EXISTS", "rq:suspended"}, {"SSCAN", "queues", 0, "COUNT", 100}, {"HLEN", "unacked"}, {"TIME"}}
	for _, name := range lists {
		cmds = append(cmds, []any{"TYPE", name}, []any{"LLEN", name})
	}
	replies, err := t.client.do(ctx, cmds...)
	if err != nil {
		return t.client.answer("look for queues", err)
	}
	if e := replies[0].Err; strings.HasPrefix(e, "NOPERM") {
		return redisapi.Refused("sscan", e, t.client.at)
	}
	out := map[string]any{"suspended": replies[2].Val == int64(1), "unacked": replies[4].Val, "live_workers": nil, "workers": []any{}}
	now := serverTime(replies[5], t.tools.Now())
	rows := []any{}
	for i, name := range lists {
		n, _ := replies[7+2*i].Val.(int64)
		if replies[6+2*i].Val == "list" {
			rows = append(rows, queueRow("list", name, n))
		}
	}
	rqQueues, rqWorkers := scanned(replies[0]), scanned(replies[1])
	if len(rqQueues)+len(rqWorkers) > 0 {
		workers, failed := t.rqWorkers(ctx, rqWorkers, now)
		if failed != nil {
			return *failed
		}
		more, failed := t.rqQueues(ctx, rqQueues, workers, now)
		if failed != nil {
			return *failed
		}
		rows = append(rows, more...)
		out["workers"], out["live_workers"] = workers, alive(workers)
	}
	more, failed := t.sidekiqQueues(ctx, scanned(replies[3]), now)
	if failed != nil {
		return *failed
	}
	rows = append(rows, more...)
	if more, failed = t.bullQueues(ctx, now); failed != nil {
		return *failed
	}
	rows = append(rows, more...)
	out["queues"] = rows
	sumQueues(out, rows)
	return evidence.Of(out)
}

func queueRow(kind, name string, waiting int64) map[string]any {
	return map[string]any{"kind": kind, "name": shown(name), "waiting": waiting, "running": nil, "failed": nil, "scheduled": nil,
		"deferred": nil, "oldest_s": nil, "workers": nil, "paused": nil}
}

func scanned(r redisapi.Reply) []string {
	_, names := scanReply(r.Val)
	sort.Strings(names)
	return names[:min(len(names), 100)]
}

func sumQueues(out map[string]any, rows []any) {
	var waiting, failed int64
	found := map[string]bool{}
	out["oldest_s"] = nil
	for _, r := range rows {
		row := r.(map[string]any)
		found[row["kind"].(string)] = true
		waiting += row["waiting"].(int64)
		if n, ok := row["failed"].(int64); ok {
			failed += n
		}
		if age, ok := row["oldest_s"].(float64); ok {
			if worst, ok := out["oldest_s"].(float64); !ok || age > worst {
				out["oldest_s"] = age
			}
		}
	}
	out["waiting"], out["failed"], out["found"] = waiting, failed, some(found)
}

func alive(workers []any) int64 {
	var n int64
	for _, w := range workers {
		if age, ok := w.(map[string]any)["heartbeat_age_s"].(float64); ok && age <= liveWithin {
			n++
		}
	}
	return n
}

func (t *target) rqWorkers(ctx context.Context, keys []string, now float64) ([]any, *evidence.Answer) {
	rows := []any{}
	if len(keys) == 0 {
		return rows, nil
	}
	var cmds [][]any
	for _, k := range keys {
		cmds = append(cmds, []any{"HMGET", k, "last_heartbeat", "state", "queues", "current_job"})
	}
	replies, err := t.client.do(ctx, cmds...)
	if err != nil {
		a := t.client.answer("HMGET", err)
		return nil, &a
	}
	for i, k := range keys {
		f, _ := replies[i].Val.([]any)
		if len(f) < 4 || f[0] == nil {
			continue // its key has expired: the worker is gone
		}
		state, _ := f[1].(string)
		queues, _ := f[2].(string)
		names := []any{}
		for _, q := range strings.Split(queues, ",") {
			names = append(names, q)
		}
		rows = append(rows, map[string]any{"name": shown(strings.TrimPrefix(k, "rq:worker:")), "state": state, "queues": names,
			"heartbeat_age_s": age(f[0], now), "job": f[3] != nil})
	}
	return rows, nil
}

// age reads RQ's time stamps (UTC, with or without fractions).
func age(v any, now float64) any {
	s, _ := v.(string)
	for _, layout := range []string{"2006-01-02T15:04:05.999999Z07:00", "2006-01-02T15:04:05Z"} {
		if at, err := time.Parse(layout, s); err == nil {
			return max(0, now-float64(at.UnixMilli())/1000)
		}
	}
	return nil
}

func (t *target) rqQueues(ctx context.Context, keys []string, workers []any, now float64) ([]any, *evidence.Answer) {
	rows := []any{}
	var cmds [][]any
	for _, k := range keys {
		name := strings.TrimPrefix(k, "rq:queue:")
		cmds = append(cmds, []any{"LLEN", k}, []any{"ZCARD", "rq:wip:" + name}, []any{"ZCARD", "rq:failed:" + name},
			[]any{"ZCARD", "rq:scheduled:" + name}, []any{"ZCARD", "rq:deferred:" + name}, []any{"LINDEX", k, 0})
	}
	if len(cmds) == 0 {
		return rows, nil
	}
	replies, err := t.client.do(ctx, cmds...)
	if err != nil {
		a := t.client.answer("LLEN", err)
		return nil, &a
	}
	cmds = nil
	var dated []map[string]any
	for i, k := range keys {
		r := replies[6*i:]
		waiting, _ := r[0].Val.(int64)
		name := strings.TrimPrefix(k, "rq:queue:")
		row := queueRow("rq", name, waiting)
		row["running"], row["failed"], row["scheduled"], row["deferred"] = r[1].Val, r[2].Val, r[3].Val, r[4].Val
		row["workers"] = listeningTo(workers, name)
		rows = append(rows, row)
		if id, ok := r[5].Val.(string); ok {
			cmds = append(cmds, []any{"HGET", "rq:job:" + id, "enqueued_at"})
			dated = append(dated, row)
		}
	}
	if len(cmds) > 0 {
		if replies, err = t.client.do(ctx, cmds...); err != nil {
			a := t.client.answer("HGET", err)
			return nil, &a
		}
		for i, row := range dated {
			row["oldest_s"] = age(replies[i].Val, now)
		}
	}
	return rows, nil
}

func listeningTo(workers []any, queue string) int64 {
	var n int64
	for _, w := range workers {
		row := w.(map[string]any)
		if age, ok := row["heartbeat_age_s"].(float64); !ok || age > liveWithin {
			continue
		}
		for _, q := range row["queues"].([]any) {
			if q == queue {
				n++
			}
		}
	}
	return n
}
