package host

import (
	"context"
	"fmt"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func processesSpec() probe.Spec {
	return probe.Spec{
		Name:     "host.processes",
		Question: "What runs here, under whom, and what does it use?",
		Why:      "The top of this list names the process that takes the CPU or the memory; the tree shows which worker belongs to which master. This diagnosis itself is left out.",
		Cost:     "two readings of /proc a second apart",
		Shape:    probe.Rows,
		Params: []probe.Param{
			{Name: "kernel", Type: probe.Bool, Default: "false", About: "list the kernel's own threads too"},
			sampleParam(),
		},
		Fields: []probe.Field{
			{Name: "pid", Type: "number", About: "process id"},
			{Name: "ppid", Type: "number", About: "its parent's"},
			{Name: "user", Type: "text", About: "owner"},
			{Name: "state", Type: "text", About: "R runs, S sleeps, D waits for a disk, Z dead and not buried, T stopped"},
			{Name: "command", Type: "text", About: "command"},
			{Name: "cmdline", Type: "text", About: "command line, without secrets"},
			{Name: "server", Type: "text", About: "gunicorn, uvicorn, celery, rq, puma … when recognised"},
			{Name: "role", Type: "text", About: "master, worker, reloader or single; empty when not recognised"},
			{Name: "children", Type: "number", About: "direct children"},
			{Name: "rss_bytes", Type: "number", About: "resident memory"},
			{Name: "cpu_cores", Type: "number", About: "cores used between the two readings"},
			{Name: "age_s", Type: "number", About: "how long it has run, seconds"},
			{Name: "threads", Type: "number", About: "threads"},
			{Name: "fds", Type: "number", About: "open files; null when hidden from us"},
		},
		Outcomes: []probe.Outcome{
			{When: "one row has cpu_cores near 1 and the rest are idle", Means: "a single thread is the limit: more cores do not help"},
			{When: "rows with state Z gather under one parent", Means: "that parent does not bury its children"},
		},
	}
}

func (t *target) processes(ctx context.Context, q probe.Question) evidence.Answer {
	var before, after []process
	var err error
	took, err := t.quietly(ctx, q,
		func() error { before, err = t.sys.processes(ctx); return err },
		func() {},
		func() error { after, err = t.sys.processes(ctx); return err })
	if err != nil {
		return failure("read the process table", err)
	}
	view := serviceView{now: newTree(after), then: newTree(before), seconds: took.Seconds(), uptime: t.sys.uptime(), target: t}
	withKernel, _ := q.Args["kernel"].(bool)
	who := names{}
	rows, hidden := []any{}, 0
	for _, p := range after {
		if !withKernel && (p.ppid == 2 || p.pid == 2) || t.sys.ours(p) {
			continue
		}
		fam, role := view.now.role(p)
		row := map[string]any{
			"pid": int64(p.pid), "ppid": int64(p.ppid), "user": who.of(p.uid), "state": p.state, "command": p.comm,
			"cmdline": t.tools.Redact.Text(p.line()), "server": fam, "role": role,
			"children": int64(len(view.now.children[p.pid])), "rss_bytes": p.rss,
			"cpu_cores": view.cores(p), "age_s": view.age(p), "threads": p.threads, "fds": nil,
		}
		if n, err := t.sys.countFDs(p.pid); err == nil {
			row["fds"] = int64(n)
		} else {
			hidden++
		}
		rows = append(rows, row)
	}
	var notes []string
	if hidden > 0 {
		notes = append(notes, fmt.Sprintf("open files of %d processes are hidden from us: %s", hidden, hintHidden))
	}
	rows, notes = t.cap(rows, notes)
	return evidence.Of(rows, notes...)
}
