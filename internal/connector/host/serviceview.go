package host

import (
	"sort"
)

// serviceView is one service in two readings of the process table.
type serviceView struct {
	now, then tree
	seconds   float64
	uptime    float64
	target    *target
}

// members are the processes that match, their descendants, and the masters
// above them that are of the same family.
func (v serviceView) members(match func(process) bool) map[int]bool {
	found := map[int]bool{}
	for _, pid := range v.pids() {
		p := v.now.all[pid]
		if !match(p) {
			continue
		}
		v.down(pid, found)
		for fam := family(p); fam != ""; {
			parent := v.now.all[p.ppid]
			if parent.pid == 0 || family(parent) != fam {
				break
			}
			p = parent
			v.down(p.pid, found)
		}
	}
	return found
}

// around is the family around one process: its masters and all below them. Of
// the others that listen beside it those belong to it that look like it: workers
// that have lost their master share its socket.
func (v serviceView) around(p process, beside []listener) map[int]bool {
	like := map[int]bool{p.pid: true}
	for _, l := range beside {
		for _, pid := range l.pids {
			if q := v.now.all[pid]; spawned(q) && spawned(p) || q.line() == p.line() {
				like[pid] = true
			}
		}
	}
	return v.members(func(q process) bool { return like[q.pid] })
}

func (v serviceView) pids() []int {
	pids := make([]int, 0, len(v.now.all))
	for pid := range v.now.all {
		pids = append(pids, pid)
	}
	sort.Ints(pids)
	return pids
}

func (v serviceView) down(pid int, found map[int]bool) {
	if found[pid] || tracker(v.now.all[pid]) {
		return
	}
	found[pid] = true
	for _, c := range v.now.children[pid] {
		v.down(c, found)
	}
}

func (v serviceView) age(p process) float64 { return max(v.uptime-p.start, 0) }

// cores is the CPU that a process used between the readings.
func (v serviceView) cores(p process) float64 {
	before, ok := v.then.all[p.pid]
	if !ok || before.start != p.start || v.seconds <= 0 {
		return 0
	}
	return (p.cpu - before.cpu) / v.seconds
}

// leftOver reports whether the port's holder is the service's program from
// before: adopted by process 1 while the rest of the service hangs under
// another parent.
func (v serviceView) leftOver(holder process, members map[int]bool) bool {
	if !members[holder.pid] || holder.ppid != 1 {
		return false
	}
	for pid := range members {
		p := v.now.all[pid]
		if pid != holder.pid && p.ppid != 1 && !members[p.ppid] && p.start > holder.start {
			return true
		}
	}
	return false
}

// value describes the members.
func (v serviceView) value(members map[int]bool) map[string]any {
	var (
		rows                                      = []any{}
		masters, workers, zombies, stopped, stuck int64
		orphans, rss                              int64
		cores, maxCores                           float64
		server                                    string
		configured, youngest, oldest              any
		reload, masterStopped                     bool
	)
	for _, pid := range v.pids() {
		if !members[pid] {
			continue
		}
		p := v.now.all[pid]
		fam, role := v.now.role(p)
		if fam != "" && server == "" {
			server = fam
		}
		if configured == nil && (role == "master" || role == "single" || role == "reloader") {
			configured = configuredWorkers(fam, p.args)
		}
		reload = reload || hasFlag(p.args, "--reload")
		switch {
		case p.state == "Z":
			zombies++
		case role == "worker":
			workers++
		case role == "master":
			masters++
		}
		if p.state == "T" || p.state == "t" {
			stopped++
			masterStopped = masterStopped || role == "master"
		}
		if p.state == "D" && v.then.all[pid].state == "D" {
			stuck++
		}
		if v.now.orphan(p) {
			orphans++
		}
		rss += p.rss
		used, age := v.cores(p), v.age(p)
		cores, maxCores = cores+used, max(maxCores, used)
		if p.state != "Z" {
			if youngest == nil || age < youngest.(float64) {
				youngest = age
			}
			if oldest == nil || age > oldest.(float64) {
				oldest = age
			}
		}
		if len(rows) < maxListed {
			rows = append(rows, map[string]any{
				"pid": int64(p.pid), "ppid": int64(p.ppid), "role": role, "state": p.state,
				"command": v.target.tools.Redact.Text(p.line()), "rss_bytes": p.rss, "age_s": age,
				"threads": p.threads, "cpu_cores": used,
			})
		}
	}
	return map[string]any{
		"processes": int64(len(members)), "server": server, "masters": masters, "workers": workers,
		"configured_workers": configured, "reload": reload,
		"worker_wanted": server == "gunicorn" || server == "uvicorn" || server == "hypercorn",
		"zombies":       zombies, "stopped": stopped, "master_stopped": masterStopped, "orphans": orphans, "blocked": stuck,
		"youngest_s": youngest, "oldest_s": oldest, "rss_bytes": rss, "cpu_cores": cores, "max_cpu_cores": maxCores,
		"list": rows,
	}
}

// maxListed bounds the rows of one service.
const maxListed = 100

// addLimits adds the fullest file table among the members, and of their control
// groups for each limit the one that is nearest to it: instances of one service
// may each have a group of their own.
func (v serviceView) addLimits(out map[string]any, members map[int]bool, before map[int]limits) {
	for _, k := range []string{"fd_share", "fds", "fd_limit", "memory_limit_bytes", "memory_share", "oom_kills", "quota_cores", "throttled_share", "tasks", "tasks_limit", "tasks_share"} {
		out[k] = nil
	}
	sys, looked := v.target.sys, 0
	nearer := func(share any, name string) bool {
		n, ok := share.(float64)
		old, known := out[name].(float64)
		return ok && (!known || n > old)
	}
	for _, pid := range v.pids() {
		if !members[pid] {
			continue
		}
		if n, err := sys.countFDs(pid); err == nil {
			if limit, ok := sys.fdLimit(pid); ok && limit > 0 && nearer(float64(n)/float64(limit), "fd_share") {
				out["fd_share"], out["fds"], out["fd_limit"] = float64(n)/float64(limit), int64(n), limit
			}
		}
		if looked++; looked > maxListed {
			continue
		}
		l := sys.cgroup(pid)
		if share := limitShare(l.memoryUsed, l.memoryLimit); nearer(share, "memory_share") {
			out["memory_limit_bytes"], out["memory_share"] = *l.memoryLimit, share
		}
		if share := limitShare(l.pids, l.pidsMax); nearer(share, "tasks_share") {
			out["tasks"], out["tasks_limit"], out["tasks_share"] = orNil(l.pids), orNil(l.pidsMax), share
		}
		if old, known := out["oom_kills"].(int64); l.oomKills != nil && (!known || *l.oomKills > old) {
			out["oom_kills"] = *l.oomKills
		}
		if old, known := out["quota_cores"].(float64); l.quotaCores != nil && (!known || *l.quotaCores < old) {
			out["quota_cores"] = *l.quotaCores
		}
		if b, ok := before[pid]; ok {
			if share, _ := throttling(b, l, v.seconds); nearer(share, "throttled_share") {
				out["throttled_share"] = share
			}
		}
	}
}
