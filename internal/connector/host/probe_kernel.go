package host

import (
	"context"
	"path/filepath"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func kernelSpec() probe.Spec {
	return probe.Spec{
		Name:     "host.kernel",
		Question: "Which of the kernel's own limits are near?",
		Why:      "A full table of processes, files or connections breaks everything at once, and no program's own figures show it.",
		Cost:     "a dozen small files",
		Shape:    probe.Rows,
		Fields: []probe.Field{
			{Name: "name", Type: "text", About: "pids, threads, files, conntrack, listen_backlog, syn_backlog, swappiness, overcommit"},
			{Name: "value", Type: "number", About: "in use, or the setting where nothing is counted; null when unknown"},
			{Name: "max", Type: "number", About: "the limit; null where there is none"},
			{Name: "share", Type: "number", About: "value by max, 0 to 1; null where there is no limit"},
			{Name: "setting", Type: "text", About: "the sysctl that changes it"},
		},
		Outcomes: []probe.Outcome{
			{When: "a share is over 0.9", Means: "that table is about to be full"},
		},
	}
}

func (t *target) kernel(ctx context.Context, _ probe.Question) evidence.Answer {
	rows := []any{}
	add := func(name, setting string, value, most any) {
		row := map[string]any{"name": name, "setting": setting, "value": value, "max": most, "share": nil}
		v, okV := value.(int64)
		m, okM := most.(int64)
		if okV && okM {
			row["share"] = share(float64(v), float64(m))
		}
		rows = append(rows, row)
	}
	sysctl := func(path string) any {
		if n, ok := number(filepath.Join(t.sys.proc, "sys", path)); ok {
			return n
		}
		return nil
	}
	err := t.request(ctx, func() error {
		procs, err := t.sys.processes(ctx)
		if err != nil {
			return err
		}
		threads := int64(0)
		for _, p := range procs {
			threads += p.threads
		}
		add("pids", "kernel.pid_max", threads, sysctl("kernel/pid_max")) // every thread has one
		add("threads", "kernel.threads-max", threads, sysctl("kernel/threads-max"))
		var files, most any
		if data, err := t.sys.read("sys", "fs", "file-nr"); err == nil {
			var n [3]int64
			if scan3(string(data), &n) {
				files, most = n[0]-n[1], n[2]
			}
		}
		add("files", "fs.file-max", files, most)
		if used := sysctl("net/netfilter/nf_conntrack_count"); used != nil {
			add("conntrack", "net.netfilter.nf_conntrack_max", used, sysctl("net/netfilter/nf_conntrack_max"))
		}
		add("listen_backlog", "net.core.somaxconn", sysctl("net/core/somaxconn"), nil)
		add("syn_backlog", "net.ipv4.tcp_max_syn_backlog", sysctl("net/ipv4/tcp_max_syn_backlog"), nil)
		add("swappiness", "vm.swappiness", sysctl("vm/swappiness"), nil)
		add("overcommit", "vm.overcommit_memory", sysctl("vm/overcommit_memory"), nil)
		return nil
	})
	if err != nil {
		return failure("read the kernel's limits", err)
	}
	return evidence.Of(rows)
}
