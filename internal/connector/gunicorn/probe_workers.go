package gunicorn

import (
	"context"
	"errors"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/pid"
	"github.com/quellhq/quell/internal/probe"
)

func workersSpec() probe.Spec {
	return probe.Spec{
		Name:     "gunicorn.workers",
		Question: "Does the master live and keep its workers, how old are they, and what do they hold?",
		Why:      "Workers that are replaced again and again, that only grow, or that a halted master no longer replaces each need another remedy, and a reload changes nothing where the code is preloaded.",
		Cost:     "one reading of the process table",
		Shape:    probe.Object,
		Fields: []probe.Field{
			{Name: "master_pid", Type: "number", About: "process number of the master"},
			{Name: "master_age_s", Type: "number", About: "how long it has run, seconds"},
			{Name: "master_halted", Type: "bool", About: "it was stopped by a signal or a debugger, and replaces no worker"},
			{Name: "workers", Type: "number", About: "how many workers live"},
			{Name: "configured", Type: "number", About: "how many its arguments ask for; null: the default, a file or the environment says it"},
			{Name: "preload", Type: "text", About: "yes, no or unknown: whether the master has loaded the application, so that a reload keeps the old code"},
			{Name: "rss_bytes", Type: "number", About: "resident memory of all workers"},
			{Name: "youngest_s", Type: "number", About: "age of the youngest worker, seconds; null without one"},
			{Name: "reloaded_s", Type: "number", About: "seconds since all workers were replaced while the master stayed, as a reload does; null where the oldest came with the master, or is gone"},
			{Name: "list", Type: "rows", About: "pid, age_s, rss_bytes, state, up (it has loaded the application), connections (null when hidden) of each worker, oldest first"},
		},
		Outcomes: []probe.Outcome{
			{When: "workers is below configured", Means: "workers die faster than the master replaces them, or the master does not replace them"},
			{When: "youngest_s stays small", Means: "workers are replaced all the time: killed by the timeout, for want of memory, or by max_requests"},
			{When: "master_halted is true", Means: "nothing is replaced and no signal is heeded until it goes on"},
		},
		Changes: []probe.Moment{
			{Kind: probe.Restart, Ago: "master_age_s", What: "gunicorn master {master_pid}"},
			{Kind: probe.Reload, Ago: "reloaded_s", What: "workers of gunicorn {master_pid}"},
		},
		Timeline: true,
	}
}

func (t *target) workers(ctx context.Context) evidence.Answer {
	leave, err := t.tools.Gate.Enter(ctx)
	if err != nil {
		return connector.Failure("look at gunicorn", err)
	}
	defer leave()
	s, err := t.look(ctx)
	var refusal *action.Refusal
	switch {
	case ctx.Err() != nil:
		return connector.Failure("look at gunicorn", ctx.Err())
	case errors.As(err, &refusal):
		return evidence.Not(evidence.NotApplicable, refusal.Text, refusal.Hint)
	case err != nil:
		return evidence.Not(evidence.Unreachable, err.Error(), "")
	}
	value := map[string]any{
		"master_pid": int64(s.master.PID), "master_age_s": age(s.master), "master_halted": s.halted(),
		"workers": int64(len(s.workers)), "configured": configured(s.master), "preload": string(preloads(s.master)), "youngest_s": nil, "reloaded_s": nil,
	}
	// A worker that is a little younger than its master came with it.
	if old := byAge(s.workers); len(old) > 0 && age(s.master)-age(old[0]) > besideStart {
		value["reloaded_s"] = age(old[0])
	}
	var rss int64
	rows := []any{}
	for _, w := range byAge(s.workers) {
		rss += w.RSS
		row := map[string]any{"pid": int64(w.PID), "age_s": age(w), "rss_bytes": w.RSS, "state": w.State, "up": up(w), "connections": nil}
		if n, known := pid.Connections(ctx, []pid.Process{w}); known {
			row["connections"] = int64(n)
		}
		value["youngest_s"] = row["age_s"]
		if len(rows) < t.tools.Gate.Limits().Rows {
			rows = append(rows, row)
		}
	}
	value["rss_bytes"], value["list"] = rss, rows
	return evidence.Of(value)
}

// besideStart is how much younger than the master a worker of its start may be,
// in seconds: a preloaded application takes its time.
const besideStart = 60

func age(p pid.Process) float64 { return max(time.Since(p.Started()).Seconds(), 0) }
