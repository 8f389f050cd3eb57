package gunicorn

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
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
		Question: "Does the master live and keep its workers, what was it told, how old are they, and what do they hold?",
		Why:      "Workers that are replaced again and again, that only grow, or that a halted master no longer replaces each need another remedy, and a reload changes nothing where the code is preloaded.",
		Cost:     "two readings of the process table, a third of a second apart",
		Shape:    probe.Object,
		Params: []probe.Param{
			{Name: "sample", Type: probe.Duration, Default: "300ms", About: "time between the two readings, at most 5s"},
		},
		Fields: []probe.Field{
			{Name: "master_pid", Type: "number", About: "process number of the master"},
			{Name: "master_age_s", Type: "number", About: "how long it has run, seconds"},
			{Name: "master_halted", Type: "bool", About: "it was stopped by a signal or a debugger, and replaces no worker"},
			{Name: "workers", Type: "number", About: "how many workers live"},
			{Name: "dead", Type: "number", About: "workers that have ended and that the master has not buried"},
			{Name: "halted", Type: "number", About: "workers that were stopped by a signal or a debugger"},
			{Name: "configured", Type: "number", About: "how many it was told to keep; null: the default, or not plainly"},
			{Name: "configured_by", Type: "text", About: "arguments, environment, file, the machine's cores (a file that counts them), default, unknown"},
			{Name: "worker_class", Type: "text", About: "sync, gthread, uvicorn.workers.UvicornWorker …; empty when unknown"},
			{Name: "threads", Type: "number", About: "threads that it was told for each worker; null when unknown"},
			{Name: "timeout_s", Type: "number", About: "silence after which it ends a worker, seconds; 0: never; null when unknown"},
			{Name: "max_requests", Type: "number", About: "requests after which a worker is replaced; 0: never; null when unknown"},
			{Name: "preload", Type: "text", About: "yes, no or unknown: whether the master has loaded the application, so that a reload keeps the old code"},
			{Name: "reload", Type: "text", About: "yes, no or unknown: whether it was told to watch its code, as in development"},
			{Name: "binds", Type: "list", About: "addresses that it was told to listen on"},
			{Name: "listens_on", Type: "list", About: "TCP addresses that it does listen on; null when hidden"},
			{Name: "cpu_cores", Type: "number", About: "cores that all workers used between the readings"},
			{Name: "max_cpu_cores", Type: "number", About: "cores that the busiest used"},
			{Name: "rss_bytes", Type: "number", About: "resident memory of all workers"},
			{Name: "rss_max", Type: "number", About: "that of the largest; null without one"},
			{Name: "rss_median", Type: "number", About: "that of the one in the middle; null without one"},
			{Name: "youngest_s", Type: "number", About: "age of the youngest worker, seconds; null without one"},
			{Name: "oldest_s", Type: "number", About: "age of the oldest worker, seconds; null without one"},
			{Name: "reloaded_s", Type: "number", About: "seconds since all workers were replaced while the master stayed, as a reload does; null where the oldest came with the master, or is gone"},
			{Name: "list", Type: "rows", About: "pid, age_s, rss_bytes, cpu_cores, threads, files (null when hidden), state, up (it has loaded the application), connections (null when hidden) of each worker, oldest first"},
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

// unseen says why the server could not be looked at.
func unseen(ctx context.Context, err error) evidence.Answer {
	var refusal *action.Refusal
	switch {
	case ctx.Err() != nil:
		return connector.Failure("look at gunicorn", ctx.Err())
	case errors.As(err, &refusal):
		return evidence.Not(evidence.NotApplicable, refusal.Text, refusal.Hint)
	}
	return evidence.Not(evidence.Unreachable, err.Error(), "")
}

// entered looks once, through the gate.
func (t *target) entered(ctx context.Context) (server, error) {
	leave, err := t.tools.Gate.EnterBulk(ctx)
	if err != nil {
		return server{}, err
	}
	defer leave()
	return t.look(ctx)
}

func (t *target) workers(ctx context.Context, q probe.Question) evidence.Answer {
	before, err := t.entered(ctx)
	if err != nil {
		return unseen(ctx, err)
	}
	started := time.Now()
	if !wait(ctx, sampled(ctx, q)) { // with the gate open
		return unseen(ctx, ctx.Err())
	}
	s, err := t.entered(ctx)
	if err != nil {
		return unseen(ctx, err)
	}
	seconds := time.Since(started).Seconds()
	used := map[pid.ID]float64{}
	for _, w := range before.workers {
		used[w.ID] = w.CPU
	}
	set := told(s.master)
	value := map[string]any{
		"master_pid": int64(s.master.PID), "master_age_s": age(s.master), "master_halted": s.halted(),
		"workers": int64(len(s.workers)), "dead": int64(s.dead), "configured": configured(set), "configured_by": set.WorkersFrom,
		"worker_class": set.Class, "threads": orNil(set.Threads), "timeout_s": orNil(set.Timeout), "max_requests": orNil(set.MaxRequests),
		"preload": string(set.Preload), "reload": string(set.Reload), "binds": texts(set.Binds), "listens_on": nil,
		"youngest_s": nil, "oldest_s": nil, "rss_max": nil, "rss_median": nil, "reloaded_s": nil,
	}
	// A worker that is a little younger than its master came with it.
	if old := byAge(s.workers); len(old) > 0 && age(s.master)-age(old[0]) > besideStart {
		value["reloaded_s"] = age(old[0])
	}
	if at, known := pid.Listens(ctx, s.master); known {
		value["listens_on"] = texts(at)
	}
	var rss, halted int64
	var cores, most float64
	var sizes []int64
	rows := []any{}
	for _, w := range byAge(s.workers) {
		rss, sizes = rss+w.RSS, append(sizes, w.RSS)
		row := map[string]any{"pid": int64(w.PID), "age_s": age(w), "rss_bytes": w.RSS, "cpu_cores": 0.0, "threads": w.Threads, "files": nil, "state": w.State, "up": up(w), "connections": nil}
		if then, ok := used[w.ID]; ok && seconds > 0 {
			row["cpu_cores"] = (w.CPU - then) / seconds
		}
		cores, most = cores+row["cpu_cores"].(float64), max(most, row["cpu_cores"].(float64))
		if w.Halted() {
			halted++
		}
		if n, known := pid.Connections(ctx, []pid.Process{w}); known {
			row["connections"] = int64(n)
		}
		if files, err := os.ReadDir(filepath.Join(procDir, strconv.Itoa(w.PID), "fd")); err == nil {
			row["files"] = int64(len(files))
		}
		if value["oldest_s"] == nil {
			value["oldest_s"] = row["age_s"]
		}
		value["youngest_s"] = row["age_s"]
		if len(rows) < t.tools.Gate.Limits().Rows {
			rows = append(rows, row)
		}
	}
	if len(sizes) > 0 {
		slices.Sort(sizes)
		value["rss_max"], value["rss_median"] = sizes[len(sizes)-1], sizes[len(sizes)/2]
	}
	value["rss_bytes"], value["halted"], value["cpu_cores"], value["max_cpu_cores"], value["list"] = rss, halted, cores, most, rows
	return evidence.Of(value)
}

// sampled is how long to wait between the readings: less with little time left.
func sampled(ctx context.Context, q probe.Question) time.Duration {
	d := 300 * time.Millisecond
	if asked, ok := q.Args["sample"].(time.Duration); ok && asked > 0 {
		d = min(asked, 5*time.Second)
	}
	if deadline, ok := ctx.Deadline(); ok {
		d = min(d, time.Until(deadline)/2)
	}
	return d
}

func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(max(d, time.Millisecond))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// besideStart is how much younger than the master a worker of its start may be,
// in seconds: a preloaded application takes its time.
const besideStart = 60

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
