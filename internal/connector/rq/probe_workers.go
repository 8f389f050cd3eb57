package rq

import (
	"context"
	"strings"

	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisapi"
)

func workersQuestion() question {
	number := func(name, about string) probe.Field { return probe.Field{Name: name, Type: "number", About: about} }
	return question{ask: askWorkers, spec: probe.Spec{
		Name:     "rq.workers",
		Question: "Who works, on which queues, and do they still say a word?",
		Why:      "A worker that was killed stays in the list until its time is over; one that listens to other queues is of no help to this one.",
		Cost:     "SSCAN of at most 100 workers, nine fields of each",
		Shape:    probe.Object,
		Fields: []probe.Field{
			{Name: "workers", Type: "rows", About: "name, state, queues, host, version, alive, heartbeat_age_s, age_s, job (bool: works on one), stopping (bool)"},
			number("alive", "with a heartbeat within 420 s"), number("busy", "of these, with a job"), number("silent", "the others"),
			{Name: "queues", Type: "list", About: "queues that somebody alive listens to, sorted"},
		},
		Outcomes: []probe.Outcome{
			{When: "alive is 0", Means: "nobody works"},
			{When: "silent above 0", Means: "workers were killed, or cannot reach the server"},
			{When: "busy is alive, and jobs wait", Means: "too few workers, or jobs that take too long"},
		},
	}}
}

func askWorkers(ctx context.Context, s *redisapi.Session) (map[string]any, error) {
	names, err := listed(ctx, s, workersKey, workerPrefix)
	if err != nil {
		return nil, err
	}
	now, err := s.Time(ctx)
	if err != nil {
		return nil, err
	}
	all, err := readWorkers(ctx, s, names)
	if err != nil {
		return nil, err
	}
	rows := []any{}
	var alive, busy, silent int64
	served := map[string]bool{}
	for _, w := range all {
		queues := []any{}
		for _, q := range strings.Split(w.queues, ",") {
			queues = append(queues, q)
			served[q] = served[q] || w.lives(now)
		}
		switch {
		case !w.lives(now):
			silent++
		case w.job:
			busy++
			alive++
		default:
			alive++
		}
		rows = append(rows, map[string]any{
			"name": redisapi.Clip(w.name), "state": w.state, "queues": queues, "host": w.host, "version": w.version, "alive": w.lives(now),
			"heartbeat_age_s": age(w.heartbeat, now), "age_s": age(w.born, now), "job": w.job, "stopping": w.stopping,
		})
	}
	return map[string]any{"workers": rows, "alive": alive, "busy": busy, "silent": silent, "queues": sortedTrue(served)}, nil
}
