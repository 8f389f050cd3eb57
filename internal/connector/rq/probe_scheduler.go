package rq

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisapi"
)

func schedulerQuestion() question {
	return question{ask: askScheduler, spec: probe.Spec{
		Name:     "rq.scheduler",
		Question: "Are jobs for a later time put into their queues when it comes, and does anybody do it?",
		Why:      "Jobs with a time, and retries with a pause, need a scheduler: `rq worker --with-scheduler`, or the program rqscheduler. Without it queues are empty, workers idle, and nothing complains.",
		Cost:     "for at most 100 queues the lock of its scheduler, lengths and heads of two registries; the keys of rqscheduler; at most 100 jobs that wait for others",
		Shape:    probe.Object,
		Fields: []probe.Field{
			rowsField("queues", "name, scheduled, overdue (should have been put in a minute ago and more), overdue_s (the most), next_in_s (until the next one, null without), locked (a scheduler has it), deferred, stuck (of at most 20 that wait for another: that one failed, was stopped or is gone)"),
			numberField("scheduled", "jobs for a later time, all queues and rqscheduler's"), numberField("overdue", "of these, overdue by a minute and more"),
			numberField("overdue_s", "how long the most overdue is; null without"),
			numberField("next_in_s", "until the next one is due; null without"),
			numberField("locks", "queues whose scheduler gave a sign of life within its interval and a minute"),
			{Name: "external", Type: "bool", About: "rqscheduler gave a sign of life within its interval"},
			{Name: "scheduler", Type: "bool", About: "either of them did"},
			numberField("stuck", "jobs that wait for one that will not end well"),
		},
		Outcomes: []probe.Outcome{
			{When: "overdue above 0 and scheduler is false", Means: "no scheduler runs: start one"},
			{When: "overdue above 0 and scheduler is true", Means: "the scheduler hangs, has just died, or looks after other queues"},
			{When: "stuck above 0", Means: "jobs wait for one that failed: requeue that one, or call them off"},
		},
	}}
}

// overdueAfter: a scheduler looks every second (RQ) or every minute (rqscheduler).
const overdueAfter = time.Minute

// mostDeferred bounds the waiting jobs that are looked at, of each queue and in all.
const (
	mostDeferred    = 20
	mostDeferredAll = 100
)

// The keys of the program rqscheduler.
const (
	externalKey  = "rq:scheduler"
	externalLock = "rq:scheduler_lock"
	externalJobs = "rq:scheduler:scheduled_jobs"
)

func askScheduler(ctx context.Context, s *redisapi.Session) (map[string]any, error) {
	names, err := listed(ctx, s, queuesKey, queuePrefix)
	if err != nil {
		return nil, err
	}
	now, err := s.Time(ctx)
	if err != nil {
		return nil, err
	}
	late := strconv.FormatInt(now.Add(-overdueAfter).Unix(), 10)
	cmds := [][]any{{"EXISTS", externalKey, externalLock}}
	ask := func(key string) {
		cmds = append(cmds, []any{"ZCARD", key}, []any{"ZCOUNT", key, "-inf", late}, []any{"ZRANGE", key, 0, 0, "WITHSCORES"})
	}
	ask(externalJobs)
	for _, n := range names {
		ask(registry("scheduled", n))
		cmds = append(cmds, []any{"EXISTS", lockPrefix + n}, []any{"ZRANGE", registry("deferred", n), 0, mostDeferred - 1}, []any{"ZCARD", registry("deferred", n)})
	}
	replies, err := s.All(ctx, cmds...)
	if err != nil {
		return nil, err
	}
	out := map[string]any{"overdue_s": nil, "next_in_s": nil}
	var scheduled, overdue, locks int64
	tally := func(r []redisapi.Reply) map[string]any {
		row := map[string]any{"scheduled": count(r[0].Val), "overdue": count(r[1].Val), "overdue_s": nil, "next_in_s": nil}
		if pair := redisapi.Texts(r[2].Val); len(pair) == 2 {
			at, _ := strconv.ParseFloat(pair[1], 64)
			in := at - float64(now.UnixMilli())/1000
			switch {
			case in < -overdueAfter.Seconds():
				row["overdue_s"] = -in
			default:
				row["next_in_s"] = max(0, in)
			}
		}
		scheduled, overdue = scheduled+row["scheduled"].(int64), overdue+row["overdue"].(int64)
		out["overdue_s"] = larger(out["overdue_s"], row["overdue_s"])
		if in, ok := row["next_in_s"].(float64); ok {
			if soonest, known := out["next_in_s"].(float64); !known || in < soonest {
				out["next_in_s"] = in
			}
		}
		return row
	}
	external := count(replies[0].Val) > 0
	tally(replies[1:4])
	rows, waiting := []any{}, map[string][]string{}
	for i, n := range names {
		r := replies[4+6*i : 10+6*i]
		row := tally(r)
		row["name"], row["locked"], row["deferred"], row["stuck"] = n, count(r[3].Val) > 0, count(r[5].Val), int64(0)
		if row["locked"].(bool) {
			locks++
		}
		waiting[n] = redisapi.Texts(r[4].Val)
		rows = append(rows, row)
	}
	stuck, err := stuckJobs(ctx, s, names, waiting)
	if err != nil {
		return nil, err
	}
	var sum int64
	for _, r := range rows {
		row := r.(map[string]any)
		row["stuck"] = stuck[row["name"].(string)]
		sum += stuck[row["name"].(string)]
	}
	out["queues"], out["scheduled"], out["overdue"], out["locks"] = rows, scheduled, overdue, locks
	out["external"], out["scheduler"], out["stuck"] = external, external || locks > 0, sum
	return out, nil
}

// stuckJobs counts the jobs of each queue that wait for one that will not end well.
func stuckJobs(ctx context.Context, s *redisapi.Session, names []string, waiting map[string][]string) (map[string]int64, error) {
	var cmds [][]any
	var queues []string
	for _, n := range names {
		for _, id := range waiting[n] {
			if len(cmds) < mostDeferredAll {
				cmds, queues = append(cmds, []any{"HMGET", jobPrefix + id, "dependency_ids", "dependency_id", "allow_dependency_failures"}), append(queues, n)
			}
		}
	}
	replies, err := s.All(ctx, cmds...)
	if err != nil {
		return nil, err
	}
	cmds = nil
	var of []string
	for i, r := range replies {
		f, _ := r.Val.([]any)
		if len(f) != 3 || f[2] == "1" {
			continue
		}
		for _, id := range dependencies(f) {
			if len(cmds) < 2*mostDeferredAll {
				cmds, of = append(cmds, []any{"HGET", jobPrefix + id, "status"}), append(of, queues[i])
			}
		}
	}
	replies, err = s.All(ctx, cmds...)
	out := map[string]int64{}
	for i, r := range replies {
		switch r.Val {
		case nil, "failed", "stopped", "canceled":
			out[of[i]]++
		}
	}
	return out, err
}

func dependencies(f []any) (ids []string) {
	if text, ok := f[0].(string); ok && json.Unmarshal([]byte(text), &ids) == nil {
		return ids
	}
	if id, ok := f[1].(string); ok && id != "" {
		return []string{id}
	}
	return nil
}
