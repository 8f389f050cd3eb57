package rq

import (
	"context"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisapi"
)

func workersQuestion() question {
	number := func(name, about string) probe.Field { return probe.Field{Name: name, Type: "number", About: about} }
	return question{ask: askWorkers, spec: probe.Spec{
		Name:     "rq.workers",
		Question: "Who works, on which queues, and do they still say a word?",
		Why:      "A worker that was killed stays in the list until its time is over; one that listens to other queues is of no help to this one.",
		Cost:     "SSCAN of at most 100 workers, thirteen fields of each; PUBSUB NUMSUB of their channels; where one is not subscribed, CLIENT LIST; of workers of this machine, /proc",
		Shape:    probe.Object,
		Fields: []probe.Field{
			{Name: "workers", Type: "rows", About: "name, state, queues, host, pid, version, alive, gone (bool: its process has ended, though the list still has it; null where that cannot be told), heartbeat_age_s, age_s, job (bool: works on one), job_id, job_s (how long), stopping (bool), done, errors (jobs since its start)"},
			number("alive", "with a heartbeat within 420 s, and not gone"), number("busy", "of these, with a job"), number("silent", "the others"),
			number("gone", "of the silent, those whose process has certainly ended"),
			number("longest_s", "how long the longest job under way has run; null without"),
			{Name: "queues", Type: "list", About: "queues that somebody alive listens to, sorted"},
		},
		Outcomes: []probe.Outcome{
			{When: "alive is 0", Means: "nobody works"},
			{When: "silent above 0", Means: "workers were killed, or cannot reach the server"},
			{When: "gone above 0", Means: "workers were killed without a word: what they had in hand is orphaned"},
			{When: "busy is alive, and jobs wait", Means: "too few workers, or jobs that take too long"},
		},
	}}
}

func askWorkers(ctx context.Context, s *redisapi.Session) (map[string]any, error) {
	all, now, err := allWorkers(ctx, s)
	if err != nil {
		return nil, err
	}
	since, err := jobTimes(ctx, s, all, now)
	if err != nil {
		return nil, err
	}
	rows := []any{}
	var alive, busy, silent, gone int64
	var longest any
	served := map[string]bool{}
	for i, w := range all {
		queues := []any{}
		for _, q := range strings.Split(w.queues, ",") {
			queues = append(queues, q)
			served[q] = served[q] || w.lives(now)
		}
		switch {
		case !w.lives(now):
			silent++
			if w.gone == true {
				gone++
			}
		case w.job:
			busy++
			alive++
			longest = larger(longest, since[i])
		default:
			alive++
		}
		rows = append(rows, map[string]any{
			"name": redisapi.Clip(w.name), "state": w.state, "queues": queues, "host": w.host, "version": w.version, "alive": w.lives(now),
			"heartbeat_age_s": age(w.heartbeat, now), "age_s": age(w.born, now), "job": w.job, "stopping": w.stopping,
			"pid": w.pid, "gone": w.gone, "job_id": redisapi.Clip(w.jobID), "job_s": since[i], "done": w.done, "errors": w.errors,
		})
	}
	return map[string]any{
		"workers": rows, "alive": alive, "busy": busy, "silent": silent, "gone": gone, "longest_s": longest, "queues": sortedTrue(served),
	}, nil
}

// jobTimes says for each worker how long it has had its job; nil without.
func jobTimes(ctx context.Context, s *redisapi.Session, all []worker, now time.Time) ([]any, error) {
	out := make([]any, len(all))
	var cmds [][]any
	var of []int
	for i, w := range all {
		if w.jobID != "" {
			cmds, of = append(cmds, []any{"HGET", jobPrefix + w.jobID, "started_at"}), append(of, i)
		}
	}
	replies, err := s.All(ctx, cmds...)
	for i := range replies {
		out[of[i]] = age(replies[i].Val, now)
	}
	return out, err
}
