package host

import (
	"context"
	"os"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func memorySpec() probe.Spec {
	return probe.Spec{
		Name:     "host.memory",
		Question: "Is there memory left, and does the machine live from its swap?",
		Why:      "Available memory, not free memory, tells how near the kernel is to killing; swap in motion tells that it already hurts.",
		Cost:     "two readings of /proc/vmstat a second apart",
		Shape:    probe.Object,
		Params:   []probe.Param{sampleParam()},
		Fields: []probe.Field{
			{Name: "total_bytes", Type: "number", About: "memory of the machine"},
			{Name: "available_bytes", Type: "number", About: "what programs could still get without swapping"},
			{Name: "available_share", Type: "number", About: "the same by total, 0 to 1"},
			{Name: "swap_total_bytes", Type: "number", About: "swap"},
			{Name: "swap_used_share", Type: "number", About: "swap in use, 0 to 1; null without swap"},
			{Name: "swap_in_bytes_per_s", Type: "number", About: "read back from swap, per second"},
			{Name: "swap_out_bytes_per_s", Type: "number", About: "written to swap, per second"},
			{Name: "major_faults_per_s", Type: "number", About: "pages that had to come from a disk, per second"},
			{Name: "oom_kills", Type: "number", About: "processes that the kernel killed for memory since boot; null on kernels that do not count"},
			{Name: "oom_kills_now", Type: "number", About: "the same between the two readings"},
			{Name: "waiting_share", Type: "number", About: "share of the last ten seconds in which some task waited for memory (PSI), 0 to 1; null where the kernel does not measure it"},
			{Name: "stalled_share", Type: "number", About: "share of the last ten seconds in which all tasks waited for memory (PSI), 0 to 1; null likewise"},
			{Name: "cgroup_limit_bytes", Type: "number", About: "memory limit of our own control group; null without one"},
			{Name: "cgroup_share", Type: "number", About: "use of that limit, 0 to 1; null without one"},
			{Name: "cgroup_oom_kills", Type: "number", About: "processes of our control group that the kernel killed, ever; null when unknown"},
			{Name: "dirty_bytes", Type: "number", About: "written and not yet on a disk"},
		},
		Outcomes: []probe.Outcome{
			{When: "available_share is under 0.05 and waiting_share is over 0.1", Means: "the machine is about to kill something"},
			{When: "swap_in_bytes_per_s stays over 0", Means: "running programs wait for their own memory"},
			{When: "oom_kills is over 0", Means: "the kernel has killed before; host.oom says whom and when"},
		},
	}
}

func (t *target) memory(ctx context.Context, q probe.Question) evidence.Answer {
	var a, b, info map[string]int64
	read := func(into *map[string]int64, name string) error {
		data, err := t.sys.read(name)
		if err == nil {
			*into = pairs(data)
		}
		return err
	}
	took, err := t.twice(ctx, q, func() error { return read(&a, "vmstat") }, func() error {
		if err := read(&info, "meminfo"); err != nil {
			return err
		}
		return read(&b, "vmstat")
	})
	if err != nil {
		return failure("read the memory counters", err)
	}
	page := float64(os.Getpagesize())
	rate := func(key string, unit float64) float64 {
		return max(float64(b[key]-a[key])*unit/took.Seconds(), 0)
	}
	available := info["MemAvailable"]
	if _, ok := info["MemAvailable"]; !ok {
		available = info["MemFree"] + info["Cached"] + info["Buffers"] // kernels before 3.14
	}
	l := t.sys.cgroup(0)
	v := map[string]any{
		"total_bytes": info["MemTotal"], "available_bytes": available,
		"available_share":  share(float64(available), float64(info["MemTotal"])),
		"swap_total_bytes": info["SwapTotal"], "swap_used_share": share(float64(info["SwapTotal"]-info["SwapFree"]), float64(info["SwapTotal"])),
		"swap_in_bytes_per_s": rate("pswpin", page), "swap_out_bytes_per_s": rate("pswpout", page),
		"major_faults_per_s": rate("pgmajfault", 1), "oom_kills": nil, "oom_kills_now": nil,
		"waiting_share": nil, "stalled_share": nil, "dirty_bytes": info["Dirty"],
		"cgroup_limit_bytes": orNil(l.memoryLimit), "cgroup_share": limitShare(l.memoryUsed, l.memoryLimit),
		"cgroup_oom_kills": orNil(l.oomKills),
	}
	if n, ok := b["oom_kill"]; ok {
		v["oom_kills"], v["oom_kills_now"] = n, n-a["oom_kill"]
	}
	if p, err := t.sys.pressure("memory"); err == nil {
		v["waiting_share"], v["stalled_share"] = p["some10"], p["full10"]
	}
	return evidence.Of(v)
}
