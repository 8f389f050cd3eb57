package host

import (
	"context"
	"math"
	"regexp"
	"slices"
	"strconv"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func oomSpec() probe.Spec {
	return probe.Spec{
		Name:     "host.oom",
		Question: "Whom did the kernel kill for want of memory, and whose limit was it?",
		Why:      "A process that dies by signal 9 was killed by the kernel, by a supervisor or by a person. Only the kernel's own record tells.",
		Cost:     "reads the kernel's messages and its counter",
		Shape:    probe.Object,
		Params: []probe.Param{
			{Name: "service", Type: probe.Text, Default: `""`, About: "name of the service whose kills are told from those of others; empty: the one under investigation"},
		},
		Fields: []probe.Field{
			{Name: "kills_since_boot", Type: "number", About: "the kernel's counter; null on kernels that do not count"},
			{Name: "kills", Type: "rows", About: "at (seconds since 1970, 0 unknown), age_s (null unknown), process, pid, scope (host or group), group, rss_bytes (null unknown), of_service (whether it was a process of the service under investigation; null when nobody can tell); newest first, at most 50"},
			{Name: "recent", Type: "number", About: "kills within the time that the investigation looks back; null when the messages cannot be read"},
			{Name: "newest_age_s", Type: "number", About: "seconds since the newest kill; null when there is none, or unknown"},
			{Name: "newest_process", Type: "text", About: "its name"},
			{Name: "newest_scope", Type: "text", About: "host: the machine was full; group: a limit of a container or unit was reached"},
			{Name: "own_group_age_s", Type: "number", About: "seconds since the newest kill at the limit of a group that was the service's, or may have been; null when there is none"},
			{Name: "own_process", Type: "text", About: "the name of that process"},
			{Name: "source", Type: "text", About: "where the messages came from; empty when they cannot be read"},
			{Name: "up_s", Type: "number", About: "seconds since the machine started"},
		},
		Outcomes: []probe.Outcome{
			{When: "newest_scope is group", Means: "the limit of that container or unit is too low, or it leaks; the machine had memory"},
			{When: "newest_scope is host", Means: "the whole machine was full; the victim need not be the culprit"},
			{When: "recent is 0", Means: "a process that vanished was not killed for memory"},
		},
	}
}

type kill struct {
	at            float64
	process       string
	pid           int64
	scope, group  string
	rss           any
	fromCondensed bool
}

var (
	oomScope  = regexp.MustCompile(`oom-kill:constraint=(CONSTRAINT_[A-Z_]+).*?(?:oom_memcg=([^,]*),)?(?:task_memcg=[^,]*,)?task=([^,]*),pid=(\d+)`)
	oomVictim = regexp.MustCompile(`(Memory cgroup out of memory|Out of memory)[^:]*: Killed process (\d+) \(([^)]*)\)(?:.*?anon-rss:(\d+)kB)?`)
)

// kills puts the two lines that the kernel writes for each kill together.
func kills(lines []kernelLine) []kill {
	var out []kill
	for _, l := range lines {
		if m := oomScope.FindStringSubmatch(l.text); m != nil {
			k := kill{at: l.at, process: m[3], scope: "host", group: m[2], fromCondensed: true}
			k.pid, _ = strconv.ParseInt(m[4], 10, 64)
			if m[1] == "CONSTRAINT_MEMCG" {
				k.scope = "group"
			}
			out = append(out, k)
			continue
		}
		m := oomVictim.FindStringSubmatch(l.text)
		if m == nil {
			continue
		}
		k := kill{at: l.at, process: m[3], scope: "host"}
		k.pid, _ = strconv.ParseInt(m[2], 10, 64)
		if m[1] == "Memory cgroup out of memory" {
			k.scope = "group"
		}
		if kb, err := strconv.ParseInt(m[4], 10, 64); err == nil {
			k.rss = kb * 1024
		}
		if n := len(out); n > 0 && out[n-1].fromCondensed && out[n-1].pid == k.pid {
			out[n-1].rss, out[n-1].fromCondensed = k.rss, false
			continue
		}
		out = append(out, k)
	}
	return out
}

// burst is how close two kills of one name are, in seconds, to be of one group.
const burst = 5

// grouped gives kills without a group that of a kill beside them: when many die
// within moments, the kernel leaves out the line that names it (printk_ratelimit).
func grouped(list []kill) []kill {
	out := slices.Clone(list)
	for i := range out {
		k := &out[i]
		if k.scope != "group" || k.group != "" || k.at <= 0 {
			continue
		}
		nearest := float64(burst)
		for _, other := range list {
			if d := math.Abs(other.at - k.at); other.scope == "group" && other.group != "" && other.process == k.process && d <= nearest {
				nearest, k.group = d, other.group
			}
		}
	}
	return out
}

// maxKills bounds the list.
const maxKills = 50

func (t *target) oom(ctx context.Context, q probe.Question) evidence.Answer {
	v := map[string]any{
		"kills_since_boot": nil, "kills": []any{}, "recent": nil, "newest_age_s": nil,
		"newest_process": "", "newest_scope": "", "own_group_age_s": nil, "own_process": "", "source": "", "up_s": t.sys.uptime(),
	}
	counted := false
	if data, err := t.sys.read("vmstat"); err == nil {
		if n, ok := pairs(data)["oom_kill"]; ok {
			v["kills_since_boot"], counted = n, true
		}
	}
	lines, source, err := t.kernelLines(ctx)
	if err != nil {
		if !counted {
			return failure("read the kernel's messages", err)
		}
		if v["kills_since_boot"] == int64(0) {
			v["recent"] = int64(0) // none since boot is none lately
		}
		return evidence.Of(v, "the kernel's messages cannot be read, only its counter: "+hintKernelLog)
	}
	now := float64(q.Now.Unix())
	if q.Now.IsZero() {
		now = float64(t.tools.Now().Unix())
	}
	rows, recent := []any{}, int64(0)
	list := grouped(kills(lines))
	name := q.Service.Name
	if given, ok := q.Args["service"].(string); ok && given != "" {
		name = given
	}
	victims := t.victims(ctx, name)
	for i := len(list) - 1; i >= 0 && len(rows) < maxKills; i-- {
		k := list[i]
		row := map[string]any{"at": k.at, "age_s": nil, "process": k.process, "pid": k.pid, "scope": k.scope, "group": k.group, "rss_bytes": k.rss, "of_service": victims.of(k)}
		if k.at > 0 {
			age := max(now-k.at, 0)
			row["age_s"] = age
			if q.Since <= 0 || age <= q.Since.Seconds() {
				recent++
			}
			if v["newest_age_s"] == nil {
				v["newest_age_s"] = age
			}
			if v["own_group_age_s"] == nil && k.scope == "group" && row["of_service"] != false {
				v["own_group_age_s"], v["own_process"] = age, k.process
			}
		}
		if len(rows) == 0 {
			v["newest_process"], v["newest_scope"] = k.process, k.scope
		}
		rows = append(rows, row)
	}
	v["kills"], v["recent"], v["source"] = rows, recent, source
	return evidence.Of(v)
}
