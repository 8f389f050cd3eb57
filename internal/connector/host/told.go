package host

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/appserver"
	"github.com/quellhq/quell/internal/probe"
)

// toldFields are what an application server of Python was told, and whether
// what runs is what lies on disk.
func toldFields() []probe.Field {
	return []probe.Field{
		{Name: "workers_from", Type: "text", About: "what said the number of workers: arguments, environment, file, the machine's cores (a file that counts them), default, unknown; empty for other servers"},
		{Name: "worker_class", Type: "text", About: "gunicorn: sync, gthread, uvicorn.workers.UvicornWorker …; empty when unknown"},
		{Name: "worker_threads", Type: "number", About: "gunicorn: threads of each worker; null when unknown"},
		{Name: "timeout_s", Type: "number", About: "gunicorn: silence after which a worker is ended, seconds; 0: never; null when unknown"},
		{Name: "max_requests", Type: "number", About: "requests after which a worker is replaced; 0: never; null when unknown"},
		{Name: "preload", Type: "text", About: "yes, no or unknown: the master has loaded the application, so that a reload keeps the old code; empty for other servers"},
		{Name: "binds", Type: "list", About: "addresses that it was told to listen on"},
		{Name: "cores_allowed", Type: "number", About: "cores that it may use: those of the machine that it is not kept from, and its CPU limit; null when unknown"},
		{Name: "master_age_s", Type: "number", About: "age of its oldest master, seconds; null without one"},
		{Name: "oldest_worker_s", Type: "number", About: "age of its oldest living worker, seconds; null without one"},
		{Name: "youngest_worker_s", Type: "number", About: "age of its youngest living worker, seconds; null without one"},
		{Name: "worker_rss_max", Type: "number", About: "resident memory of the largest worker, bytes; null without workers"},
		{Name: "worker_rss_median", Type: "number", About: "the same in the middle, bytes; null without workers"},
		{Name: "master_rss_share", Type: "number", About: "resident memory of the master by that of the worker in the middle: near 1 when the master has loaded the application itself; null without both"},
		{Name: "own_libraries", Type: "number", About: "libraries of machine code that a worker has loaded and its master has not: none where the master has loaded the application itself; null when hidden, or without both"},
		{Name: "instances", Type: "number", About: "masters, and processes that serve alone: a service may run several behind a proxy"},
		{Name: "fewest_workers", Type: "number", About: "workers of the instance that has fewest, 0 for one that serves alone; null without an instance"},
		{Name: "busy_workers", Type: "number", About: "workers that used more than 0.7 of a core"},
		{Name: "code_age_s", Type: "number", About: "time since the youngest Python source in its directory was changed, seconds; null when there is none, or too many"},
		{Name: "code_newest", Type: "text", About: "that file"},
		{Name: "directory_gone", Type: "bool", About: "the directory that it works in was removed or replaced since"},
	}
}

// addTold adds them.
func (v serviceView) addTold(out map[string]any, members map[int]bool) {
	for _, f := range toldFields() {
		out[f.Name] = nil
	}
	out["workers_from"], out["worker_class"], out["preload"], out["binds"], out["code_newest"], out["directory_gone"] = "", "", "", []any{}, "", false
	head, workers := v.head(members)
	v.addWorkers(out, workers)
	heads := v.addInstances(out, members, workers)
	if head.pid == 0 {
		return
	}
	out["cores_allowed"] = v.coresAllowed(head.pid, out["quota_cores"])
	fam, role := v.now.role(head)
	if role == "master" {
		out["master_age_s"] = v.age(head)
		if m, ok := out["worker_rss_median"].(int64); ok && m > 0 {
			out["master_rss_share"] = float64(head.rss) / float64(m)
		}
		for _, w := range workers {
			if n, ok := v.target.sys.ownLibraries(w.pid, head.pid); ok && w.ppid == head.pid {
				out["own_libraries"] = n
				break
			}
		}
	}
	if fam != "gunicorn" && fam != "uvicorn" {
		return
	}
	cores := v.target.sys.cores()
	t := appserver.Of(v.target.sys.proc, head.pid, head.args, cores)
	out["workers_from"], out["worker_class"], out["preload"] = t.WorkersFrom, t.Class, string(t.Preload)
	out["worker_threads"], out["timeout_s"], out["max_requests"] = orNil(t.Threads), orNil(t.Timeout), orNil(t.MaxRequests)
	for _, b := range t.Binds {
		out["binds"] = append(out["binds"].([]any), b)
	}
	out["configured_workers"] = nil
	var sum int64
	for _, h := range heads {
		told := appserver.Of(v.target.sys.proc, h.pid, h.args, cores)
		if told.Reload == appserver.Yes {
			out["reload"] = true
		}
		if told.Workers == nil || told.WorkersFrom == "default" || family(h) == "uvicorn" && *told.Workers < 2 { // uvicorn starts none for one
			continue
		}
		sum += *told.Workers
		out["configured_workers"] = sum
	}
	dir := appserver.Directory(v.target.sys.proc, head.pid)
	out["directory_gone"] = strings.HasSuffix(dir, " (deleted)")
	if v.target.config.own() {
		if path, changed := appserver.NewestCode(dir); path != "" {
			out["code_newest"], out["code_age_s"] = path, max(time.Since(changed).Seconds(), 0)
		}
	}
}

// head is the process that was told: the oldest master, or whoever serves
// alone; and the workers that live.
func (v serviceView) head(members map[int]bool) (head process, workers []process) {
	best := 0
	for _, pid := range v.pids() {
		p := v.now.all[pid]
		if !members[pid] || p.state == "Z" {
			continue
		}
		_, role := v.now.role(p)
		rank := map[string]int{"single": 1, "reloader": 2, "master": 3}[role]
		if rank > best || rank == best && rank > 0 && p.start < head.start {
			best, head = rank, p
		}
		if role == "worker" {
			workers = append(workers, p)
		}
	}
	return head, workers
}

// ownLibraries counts the shared libraries that one process has mapped and
// another has not; false where they cannot be seen.
func (s system) ownLibraries(pid, other int) (int64, bool) {
	mine, err := s.libraries(pid)
	theirs, err2 := s.libraries(other)
	if err != nil || err2 != nil || len(mine) == 0 || len(theirs) == 0 {
		return 0, false
	}
	n := int64(0)
	for path := range mine {
		if !theirs[path] {
			n++
		}
	}
	return n, true
}

func (s system) libraries(pid int) (map[string]bool, error) {
	data, err := s.read(strconv.Itoa(pid), "maps")
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for line := range strings.Lines(string(data)) {
		if at := strings.IndexByte(line, '/'); at > 0 && strings.Contains(line[at:], ".so") {
			out[strings.TrimSpace(line[at:])] = true
		}
	}
	return out, nil
}

// addInstances counts the masters and those that serve alone.
func (v serviceView) addInstances(out map[string]any, members map[int]bool, workers []process) (heads []process) {
	of := map[int]int64{}
	for _, w := range workers {
		of[w.ppid]++
	}
	for _, pid := range v.pids() {
		p := v.now.all[pid]
		if _, role := v.now.role(p); !members[pid] || p.state == "Z" || role != "master" && role != "single" && role != "reloader" {
			continue
		}
		heads = append(heads, p)
		if n, ok := out["fewest_workers"].(int64); !ok || of[pid] < n {
			out["fewest_workers"] = of[pid]
		}
	}
	out["instances"] = int64(len(heads))
	return heads
}

func (v serviceView) addWorkers(out map[string]any, workers []process) {
	var busy int64
	var rss []int64
	for _, w := range workers {
		if v.cores(w) > 0.7 {
			busy++
		}
		rss = append(rss, w.rss)
		age := v.age(w)
		if out["oldest_worker_s"] == nil || age > out["oldest_worker_s"].(float64) {
			out["oldest_worker_s"] = age
		}
		if out["youngest_worker_s"] == nil || age < out["youngest_worker_s"].(float64) {
			out["youngest_worker_s"] = age
		}
	}
	out["busy_workers"] = busy
	if len(rss) > 0 {
		slices.Sort(rss)
		out["worker_rss_max"], out["worker_rss_median"] = rss[len(rss)-1], rss[len(rss)/2]
	}
}

// coresAllowed is how many cores a process may use: the set that it is bound
// to, and the limit in time of its control group.
func (v serviceView) coresAllowed(pid int, quota any) any {
	data, err := v.target.sys.read(strconv.Itoa(pid), "status")
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(data)) {
		list, ok := strings.CutPrefix(line, "Cpus_allowed_list:")
		if !ok {
			continue
		}
		n := 0.0
		for part := range strings.SplitSeq(strings.TrimSpace(list), ",") {
			from, to, ranged := strings.Cut(part, "-")
			a, err := strconv.Atoi(from)
			b := a
			if ranged && err == nil {
				b, err = strconv.Atoi(to)
			}
			if err != nil || b < a {
				return nil
			}
			n += float64(b - a + 1)
		}
		if q, ok := quota.(float64); ok && q > 0 {
			n = min(n, q)
		}
		return n
	}
	return nil
}

// cores counts the cores of the machine; 0 when they cannot be seen.
func (s system) cores() int {
	data, err := os.ReadFile(filepath.Join(s.proc, "stat"))
	if err != nil {
		return 0
	}
	n := 0
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "cpu") && !strings.HasPrefix(line, "cpu ") {
			n++
		}
	}
	return n
}
