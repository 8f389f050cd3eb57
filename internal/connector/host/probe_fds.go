package host

import (
	"context"
	"fmt"
	"os"
	"sort"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func fdsSpec() probe.Spec {
	return probe.Spec{
		Name:     "host.fds",
		Question: "Which process is near its limit of open files, and is the machine?",
		Why:      `A full file table stops new connections with "too many open files" while CPU and memory look fine.`,
		Cost:     "counts the open files of every process",
		Shape:    probe.Object,
		Fields: []probe.Field{
			{Name: "max_share", Type: "number", About: "fullest process: open files by soft limit, 0 to 1"},
			{Name: "max_command", Type: "text", About: "its command"},
			{Name: "max_pid", Type: "number", About: "its pid"},
			{Name: "processes", Type: "rows", About: "pid, command, fds, limit, share: the ten fullest"},
			{Name: "host_used", Type: "number", About: "open files of the whole machine"},
			{Name: "host_max", Type: "number", About: "limit of the whole machine"},
			{Name: "host_share", Type: "number", About: "the same as a share, 0 to 1"},
		},
		Outcomes: []probe.Outcome{
			{When: "max_share is over 0.9", Means: "that process will soon fail to open files and sockets: it leaks them, or its limit is low"},
			{When: "host_share is over 0.9", Means: "the machine's own limit is near: fs.file-max"},
		},
	}
}

func (t *target) fds(ctx context.Context, _ probe.Question) evidence.Answer {
	type row struct {
		p        process
		n, limit int64
		share    float64
	}
	var rows []row
	hidden, all := 0, 0
	v := map[string]any{"host_used": nil, "host_max": nil, "host_share": nil}
	err := t.request(ctx, func() error {
		procs, err := t.sys.processes(ctx)
		if err != nil {
			return err
		}
		for _, p := range procs {
			if err := ctx.Err(); err != nil {
				return err
			}
			n, err := t.sys.countFDs(p.pid)
			if err != nil {
				if os.IsPermission(err) {
					hidden++
				}
				continue
			}
			all++
			if limit, ok := t.sys.fdLimit(p.pid); ok && limit > 0 {
				rows = append(rows, row{p, int64(n), limit, float64(n) / float64(limit)})
			}
		}
		if data, err := t.sys.read("sys", "fs", "file-nr"); err == nil {
			var n [3]int64
			if scan3(string(data), &n) {
				v["host_used"], v["host_max"], v["host_share"] = n[0]-n[1], n[2], share(float64(n[0]-n[1]), float64(n[2]))
			}
		}
		return nil
	})
	if err != nil {
		return failure("count open files", err)
	}
	if all == 0 {
		return evidence.Not(evidence.Denied, "the open files of all processes are hidden from us", hintHidden)
	}
	sort.SliceStable(rows, func(i, j int) bool { return rows[i].share > rows[j].share })
	list := []any{}
	for _, r := range rows[:min(len(rows), 10)] {
		list = append(list, map[string]any{"pid": int64(r.p.pid), "command": r.p.comm, "fds": r.n, "limit": r.limit, "share": r.share})
	}
	v["processes"], v["max_share"], v["max_command"], v["max_pid"] = list, nil, "", nil
	if len(rows) > 0 {
		v["max_share"], v["max_command"], v["max_pid"] = rows[0].share, rows[0].p.comm, int64(rows[0].p.pid)
	}
	var notes []string
	if hidden > 0 {
		notes = append(notes, fmt.Sprintf("open files of %d processes are hidden from us: %s", hidden, hintHidden))
	}
	return evidence.Of(v, notes...)
}
