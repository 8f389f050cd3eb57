package host

import (
	"path/filepath"
	"strconv"
	"strings"
)

// limits are what a control group allows its processes, and what became of it.
// A nil pointer is "not known here".
type limits struct {
	memoryLimit, memoryUsed *int64
	oomKills                *int64
	quotaCores              *float64
	periods, throttled      *int64
	throttledS              *float64
	pids, pidsMax           *int64
}

// cgroup reads the limits around a process (0: around ourselves, as a container
// sees itself), of cgroup version 2 or 1. A limit set further up counts for
// memory and CPU: the tightest one on the way up is what a process feels.
func (s system) cgroup(pid int) limits {
	id := "self"
	if pid > 0 {
		id = strconv.Itoa(pid)
	}
	paths := map[string]string{}
	if data, err := s.read(id, "cgroup"); err == nil {
		for line := range strings.Lines(string(data)) {
			parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
			if len(parts) == 3 {
				for _, name := range strings.Split(parts[1], ",") {
					paths[name] = parts[2]
				}
			}
		}
	}
	base := filepath.Join(s.sys, "fs", "cgroup")
	var l limits
	for _, dir := range upwards(base, paths[""]) { // version 2
		l.tightenMemory(dir, "memory.max", "memory.current")
		l.take(&l.oomKills, filepath.Join(dir, "memory.events"), "oom_kill")
		l.tightenCPU(v2quota(filepath.Join(dir, "cpu.max")), filepath.Join(dir, "cpu.stat"), "throttled_usec", 1e-6)
		l.takeNumber(&l.pidsMax, &l.pids, dir, "pids.max", "pids.current")
	}
	if path, ok := paths["memory"]; ok {
		for _, dir := range upwards(filepath.Join(base, "memory"), path) {
			l.tightenMemory(dir, "memory.limit_in_bytes", "memory.usage_in_bytes")
			l.take(&l.oomKills, filepath.Join(dir, "memory.oom_control"), "oom_kill")
		}
	}
	if path, ok := paths["cpu"]; ok {
		for _, dir := range upwards(filepath.Join(base, "cpu"), path) {
			l.tightenCPU(v1quota(dir), filepath.Join(dir, "cpu.stat"), "throttled_time", 1e-9)
		}
	}
	if path, ok := paths["pids"]; ok {
		for _, dir := range upwards(filepath.Join(base, "pids"), path) {
			l.takeNumber(&l.pidsMax, &l.pids, dir, "pids.max", "pids.current")
		}
	}
	return l
}

// upwards lists the group's directory and those above it, nearest first.
func upwards(base, path string) []string {
	var out []string
	for p := filepath.Clean("/" + path); ; p = filepath.Dir(p) {
		out = append(out, filepath.Join(base, p))
		if p == "/" {
			return out
		}
	}
}

// unlimited is what version 1 says for no limit: near the top of 63 bits.
const unlimited = 1 << 60

func (l *limits) tightenMemory(dir, limitFile, usedFile string) {
	limit, ok := number(filepath.Join(dir, limitFile))
	if !ok || limit >= unlimited || l.memoryLimit != nil && *l.memoryLimit <= limit {
		return
	}
	l.memoryLimit = &limit
	if used, ok := number(filepath.Join(dir, usedFile)); ok {
		l.memoryUsed = &used
	}
}

func (l *limits) tightenCPU(quota float64, statFile, key string, unit float64) {
	if quota <= 0 || l.quotaCores != nil && *l.quotaCores <= quota {
		return
	}
	l.quotaCores = &quota
	data, err := readFile(statFile)
	if err != nil {
		return
	}
	stat := pairs(data)
	periods, throttled, s := stat["nr_periods"], stat["nr_throttled"], float64(stat[key])*unit
	l.periods, l.throttled, l.throttledS = &periods, &throttled, &s
}

func (l *limits) take(into **int64, file, key string) {
	if *into != nil {
		return
	}
	data, err := readFile(file)
	if err != nil {
		return
	}
	if n, ok := pairs(data)[key]; ok {
		*into = &n
	}
}

func (l *limits) takeNumber(limit, used **int64, dir, limitFile, usedFile string) {
	if *limit != nil {
		return
	}
	n, ok := number(filepath.Join(dir, limitFile))
	if !ok {
		return
	}
	*limit = &n
	if u, ok := number(filepath.Join(dir, usedFile)); ok {
		*used = &u
	}
}

func v2quota(file string) float64 {
	data, err := readFile(file)
	if err != nil {
		return 0
	}
	words := strings.Fields(string(data))
	if len(words) != 2 || words[0] == "max" {
		return 0
	}
	quota, errQ := strconv.ParseFloat(words[0], 64)
	period, errP := strconv.ParseFloat(words[1], 64)
	if errQ != nil || errP != nil || period <= 0 {
		return 0
	}
	return quota / period
}

func v1quota(dir string) float64 {
	quota, ok := number(filepath.Join(dir, "cpu.cfs_quota_us"))
	period, okP := number(filepath.Join(dir, "cpu.cfs_period_us"))
	if !ok || !okP || quota <= 0 || period <= 0 {
		return 0
	}
	return float64(quota) / float64(period)
}

// throttling compares two readings: the share of periods in which the group was
// stopped, and the seconds per second that its threads stood still. Nil without
// a quota, or without a period in between.
func throttling(a, b limits, seconds float64) (shareOfPeriods, stopped any) {
	if a.periods == nil || b.periods == nil || seconds <= 0 {
		return nil, nil
	}
	if periods := *b.periods - *a.periods; periods > 0 {
		shareOfPeriods = float64(*b.throttled-*a.throttled) / float64(periods)
	} else {
		shareOfPeriods = 0.0
	}
	return shareOfPeriods, (*b.throttledS - *a.throttledS) / seconds
}

func orNil[T any](p *T) any {
	if p == nil {
		return nil
	}
	return *p
}

func limitShare(used, limit *int64) any {
	if used == nil || limit == nil {
		return nil
	}
	return share(float64(*used), float64(*limit))
}
