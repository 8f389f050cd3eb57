package host

import (
	"bytes"
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func cpuSpec() probe.Spec {
	return probe.Spec{
		Name:     "host.cpu",
		Question: "Is the CPU the limit, and who takes it?",
		Why:      "Busy is not sick: it matters whether tasks wait for a core, whether a neighbour or a quota takes it away, or whether one core alone is full.",
		Cost:     "two readings of /proc/stat a second apart",
		Shape:    probe.Object,
		Params:   []probe.Param{sampleParam()},
		Fields: []probe.Field{
			{Name: "cores", Type: "number", About: "cores of the machine"},
			{Name: "busy_share", Type: "number", About: "share of all cores in use, 0 to 1, without what this diagnosis itself uses; where none was idle, the share of the rest"},
			{Name: "own_share", Type: "number", About: "share of all cores that this diagnosis uses itself, 0 to 1"},
			{Name: "user_share", Type: "number", About: "in programs, 0 to 1"},
			{Name: "system_share", Type: "number", About: "in the kernel, 0 to 1"},
			{Name: "iowait_share", Type: "number", About: "idle while waiting for a disk, 0 to 1"},
			{Name: "steal_share", Type: "number", About: "taken by the hypervisor, 0 to 1"},
			{Name: "max_core_share", Type: "number", About: "use of the busiest core, 0 to 1"},
			{Name: "run_queue", Type: "number", About: "tasks that run or wait for a core, the smaller of both readings, ourselves included"},
			{Name: "queue_per_core", Type: "number", About: "run_queue by cores"},
			{Name: "blocked", Type: "number", About: "tasks that wait for a disk, the smaller of both readings"},
			{Name: "load1", Type: "number", About: "load average over one minute"},
			{Name: "load5", Type: "number", About: "over five minutes"},
			{Name: "load15", Type: "number", About: "over fifteen minutes"},
			{Name: "load_per_core", Type: "number", About: "load1 by cores; counts tasks that wait for a disk too"},
			{Name: "switches_per_s", Type: "number", About: "context switches per second"},
			{Name: "waiting_share", Type: "number", About: "share of the last ten seconds in which some task waited for a core (PSI), 0 to 1; null where the kernel does not measure it"},
			{Name: "waiting_share_60", Type: "number", About: "the same over sixty seconds, most of which were before anybody asked; null where the kernel does not measure it"},
			{Name: "quota_cores", Type: "number", About: "CPU limit of our own control group, in cores; null without one"},
			{Name: "throttled_share", Type: "number", About: "share of periods in which that group was stopped at its limit, 0 to 1; null without one"},
		},
		Outcomes: []probe.Outcome{
			{When: "busy_share is high and waiting_share is low", Means: "well used, not overloaded"},
			{When: "waiting_share and queue_per_core are high", Means: "tasks queue for a core: add cores or take load away"},
			{When: "steal_share is over 0.1", Means: "a neighbour or spent credits take the CPU away"},
			{When: "max_core_share is near 1 and busy_share is low", Means: "one thread is the limit"},
		},
	}
}

type cpuTimes struct{ user, system, iowait, steal, idle, total float64 }

type cpuReading struct {
	all               cpuTimes
	cores             []cpuTimes
	running, blocked  int64
	switches          int64
	limits            limits
	load1, load5, l15 float64
	own               time.Duration // CPU time of this process
}

func (t *target) readCPU() (cpuReading, error) {
	r := cpuReading{own: ownCPU()}
	data, err := t.sys.read("stat")
	if err != nil {
		return r, err
	}
	for line := range bytes.Lines(data) {
		f := strings.Fields(string(line))
		if len(f) < 2 {
			continue
		}
		switch {
		case f[0] == "cpu":
			r.all = parseTimes(f[1:])
		case strings.HasPrefix(f[0], "cpu"):
			r.cores = append(r.cores, parseTimes(f[1:]))
		case f[0] == "procs_running":
			r.running, _ = strconv.ParseInt(f[1], 10, 64)
		case f[0] == "procs_blocked":
			r.blocked, _ = strconv.ParseInt(f[1], 10, 64)
		case f[0] == "ctxt":
			r.switches, _ = strconv.ParseInt(f[1], 10, 64)
		}
	}
	if load, err := t.sys.read("loadavg"); err == nil {
		f := strings.Fields(string(load))
		if len(f) > 2 {
			r.load1, _ = strconv.ParseFloat(f[0], 64)
			r.load5, _ = strconv.ParseFloat(f[1], 64)
			r.l15, _ = strconv.ParseFloat(f[2], 64)
		}
	}
	r.limits = t.sys.cgroup(0)
	return r, nil
}

// parseTimes reads user nice system idle iowait irq softirq steal. Guest time
// is contained in user time and not added again.
func parseTimes(f []string) cpuTimes {
	n := make([]float64, 8)
	for i := range min(len(f), 8) {
		n[i], _ = strconv.ParseFloat(f[i], 64)
	}
	c := cpuTimes{user: n[0] + n[1], system: n[2] + n[5] + n[6], idle: n[3], iowait: n[4], steal: n[7]}
	c.total = c.user + c.system + c.idle + c.iowait + c.steal
	return c
}

// since is the share of each kind of time between two readings. Counters of a
// core may step back by a tick: that reads as nothing.
func (c cpuTimes) since(a cpuTimes) cpuTimes {
	total := c.total - a.total
	if total <= 0 {
		return cpuTimes{idle: 1}
	}
	part := func(x, y float64) float64 { return min(max((x-y)/total, 0), 1) }
	return cpuTimes{
		user: part(c.user, a.user), system: part(c.system, a.system), iowait: part(c.iowait, a.iowait),
		steal: part(c.steal, a.steal), idle: part(c.idle, a.idle),
	}
}

func (c cpuTimes) busy() float64 { return min(c.user+c.system+c.steal, 1) }

// Up to what is idle the processors count as full, and up to what we used of them
// it was taken from others.
const (
	fullShare  = 0.97
	displacing = 0.2
)

// ofOthers is the share of the processors that others use, where all and we
// ourselves use so much. Where none was idle, what we used others would have
// used: theirs is the share of the rest. Of a machine that is full because of us
// that cannot be said.
func ofOthers(all, own float64) float64 {
	if all > fullShare && own < displacing {
		return min((all-own)/(1-own), 1)
	}
	return all - own
}

func (t *target) cpu(ctx context.Context, q probe.Question) evidence.Answer {
	var a, b cpuReading
	var err error
	took, err := t.quietly(ctx, q,
		func() error { a, err = t.readCPU(); return err },
		func() {},
		func() error { b, err = t.readCPU(); return err })
	if err != nil {
		return failure("read the CPU counters", err)
	}
	all := b.all.since(a.all)
	busiest := 0.0
	for i := range min(len(a.cores), len(b.cores)) {
		busiest = max(busiest, b.cores[i].since(a.cores[i]).busy())
	}
	cores := float64(max(len(b.cores), 1))
	own := min((b.own-a.own).Seconds()/took.Seconds()/cores, all.busy())
	queue := min(a.running, b.running)
	throttled, _ := throttling(a.limits, b.limits, took.Seconds())
	v := map[string]any{
		"cores": int64(cores), "busy_share": ofOthers(all.busy(), own), "own_share": own, "user_share": all.user, "system_share": all.system,
		"iowait_share": all.iowait, "steal_share": all.steal, "max_core_share": busiest,
		"run_queue": queue, "queue_per_core": float64(queue) / cores, "blocked": min(a.blocked, b.blocked),
		"load1": b.load1, "load5": b.load5, "load15": b.l15, "load_per_core": b.load1 / cores,
		"switches_per_s": float64(b.switches-a.switches) / took.Seconds(),
		"waiting_share":  nil, "waiting_share_60": nil, "quota_cores": orNil(b.limits.quotaCores), "throttled_share": throttled,
	}
	if p, err := t.sys.pressure("cpu"); err == nil {
		v["waiting_share"], v["waiting_share_60"] = p["some10"], p["some60"]
	}
	return evidence.Of(v)
}
