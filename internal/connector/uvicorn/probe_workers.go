package uvicorn

import (
	"context"
	"runtime"
	"time"

	"github.com/quellhq/quell/internal/appserver"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/pid"
	"github.com/quellhq/quell/internal/probe"
)

// procDir is where the kernel shows the processes of this machine.
const procDir = "/proc"

func workersSpec() probe.Spec {
	field := func(name, kind, about string) probe.Field { return probe.Field{Name: name, Type: kind, About: about} }
	return probe.Spec{
		Name:     "uvicorn.workers",
		Question: "Does it serve alone, under its reloader or with workers, what was it told, and what do they hold?",
		Why:      "One line of a process list says nothing: its workers do not bear its name, the reloader takes them all away, and a number of 0 means one.",
		Cost:     "two readings of the process table, a third of a second apart",
		Shape:    probe.Object,
		Fields: []probe.Field{
			field("pid", "number", "process number of the server, or of the parent of its workers"),
			field("age_s", "number", "how long it has run, seconds"),
			field("part", "text", "single (it serves alone), parent (of workers), reloader"),
			field("halted", "number", "processes that were stopped by a signal or a debugger"),
			field("workers", "number", "workers that live; 0 when it serves alone"),
			field("dead", "number", "workers that have ended and were not buried"),
			field("configured", "number", "how many it was told to start; null: not plainly"),
			field("configured_by", "text", "arguments, environment, default, unknown"),
			field("reload", "text", "yes, no or unknown: the reloader of development, with which the number of workers is ignored"),
			field("limit_concurrency", "number", "requests at once above which it answers 503; null without"),
			field("max_requests", "number", "requests after which it ends; null without"),
			field("binds", "list", "addresses that it was told to listen on"),
			field("listens_on", "list", "TCP addresses that it does listen on; null when hidden"),
			field("cpu_cores", "number", "cores that it and its workers used between the readings"),
			field("max_cpu_cores", "number", "cores that the busiest used"),
			field("rss_bytes", "number", "resident memory of all of them"),
			field("list", "rows", "pid, age_s, rss_bytes, cpu_cores, threads, state of each, the parent first"),
		},
		Outcomes: []probe.Outcome{
			{When: "part is single and configured is above 1", Means: "the workers have ended, or the reloader has taken them away"},
			{When: "workers is below configured", Means: "workers have died: older versions of uvicorn do not replace them"},
		},
	}
}

func (t *target) workers(ctx context.Context, _ probe.Question) evidence.Answer {
	leave, err := t.tools.Gate.EnterBulk(ctx)
	if err != nil {
		return connector.Failure("look at uvicorn", err)
	}
	defer leave()
	before, err := t.look(ctx)
	if err != nil {
		return unseen(ctx, err)
	}
	started := time.Now()
	timer := time.NewTimer(300 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return unseen(ctx, ctx.Err())
	}
	s, err := t.look(ctx)
	if err != nil {
		return unseen(ctx, err)
	}
	return evidence.Of(s.value(ctx, before, time.Since(started).Seconds()))
}

func unseen(ctx context.Context, err error) evidence.Answer {
	if ctx.Err() != nil {
		return connector.Failure("look at uvicorn", ctx.Err())
	}
	return evidence.Not(evidence.Unreachable, err.Error(), "")
}

func (s server) value(ctx context.Context, before server, seconds float64) map[string]any {
	set := appserver.Of(procDir, s.parent.PID, s.parent.Args, runtime.NumCPU())
	used := map[pid.ID]float64{}
	for _, p := range append([]pid.Process{before.parent}, before.workers...) {
		used[p.ID] = p.CPU
	}
	v := map[string]any{
		"pid": int64(s.parent.PID), "age_s": age(s.parent), "part": s.part(set), "workers": int64(len(s.workers)), "dead": int64(s.dead),
		"configured": orNil(set.Workers), "configured_by": set.WorkersFrom, "reload": string(set.Reload),
		"limit_concurrency": orNil(set.Limit), "max_requests": orNil(set.MaxRequests), "binds": texts(set.Binds), "listens_on": nil,
	}
	if at, known := pid.Listens(ctx, s.parent); known {
		v["listens_on"] = texts(at)
	}
	var rss, halted int64
	var cores, most float64
	rows := []any{}
	for _, p := range append([]pid.Process{s.parent}, s.workers...) {
		now := 0.0
		if then, ok := used[p.ID]; ok && seconds > 0 {
			now = (p.CPU - then) / seconds
		}
		rss, cores, most = rss+p.RSS, cores+now, max(most, now)
		if p.Halted() {
			halted++
		}
		if len(rows) < mostListed {
			rows = append(rows, map[string]any{"pid": int64(p.PID), "age_s": age(p), "rss_bytes": p.RSS, "cpu_cores": now, "threads": p.Threads, "state": p.State})
		}
	}
	v["rss_bytes"], v["halted"], v["cpu_cores"], v["max_cpu_cores"], v["list"] = rss, halted, cores, most, rows
	return v
}

// mostListed bounds the rows.
const mostListed = 100

func (s server) part(set appserver.Told) string {
	switch {
	case set.Reload == appserver.Yes:
		return "reloader"
	case len(s.workers) > 0:
		return "parent"
	}
	return "single"
}

func age(p pid.Process) float64 { return max(time.Since(p.Started()).Seconds(), 0) }

func texts(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

func orNil[T any](p *T) any {
	if p == nil {
		return nil
	}
	return *p
}
