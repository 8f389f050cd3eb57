package host

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strconv"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func serviceSpec() probe.Spec {
	return probe.Spec{
		Name:     "host.service",
		Question: "Is the service's process here, does it hold its port, and are its workers well?",
		Why:      "Most failures to start, and many slow services, show in the process tree: no process, a stranger on the port, one worker where there should be four, a stopped master, a full file table.",
		Cost:     "two readings of /proc a second apart",
		Shape:    probe.Object,
		Params: []probe.Param{
			{Name: "service", Type: probe.Text, Default: `""`, About: "the service's name; empty: the one under investigation"},
			{Name: "host", Type: probe.Text, Default: `""`, About: "host of its url; when that is another machine the question is not applicable"},
			{Name: "port", Type: probe.Text, Default: `""`, About: "port it should listen on; empty: that of its url"},
			{Name: "match", Type: probe.Text, Default: `""`, About: "regular expression for its command line; empty: the setting processes, else its name"},
			sampleParam(),
		},
		Fields: slices.Concat([]probe.Field{
			{Name: "found", Type: "bool", About: "at least one process of the service was found"},
			{Name: "found_by", Type: "text", About: "match (an expression), name (its name in a command line, unit or directory), port (nothing bears its name: whoever holds the port is taken for it), or empty"},
			{Name: "port", Type: "number", About: "the port it should listen on; null when unknown"},
			{Name: "port_owner", Type: "text", About: "service, other (a process that is not the service's), proxy (a web server or balancer, which may stand before the service on purpose), container (a container's port), assumed (somebody, and nothing bears the service's name), hidden (we may not see who), nobody; empty without a port"},
			{Name: "port_pid", Type: "number", About: "process that holds the port; null when unknown"},
			{Name: "port_command", Type: "text", About: "its command line, without secrets"},
			{Name: "port_holder_age_s", Type: "number", About: "how long it has run, seconds; null when unknown"},
			{Name: "port_holder_orphaned", Type: "bool", About: "its parent is process 1 although the rest of the service has another parent: left over from before"},
			{Name: "loopback_only", Type: "bool", About: "the port is open for this machine only"},
			{Name: "url_loopback", Type: "bool", About: "the service's url names this machine by a loopback address, or by a name for one"},
			{Name: "waiting", Type: "number", About: "connections that wait to be accepted, at the port and at every other that the service's processes listen on (behind a proxy)"},
			{Name: "listens_on", Type: "list", About: "ports that the service's processes listen on (tcp)"},
			{Name: "processes", Type: "number", About: "processes of the service"},
			{Name: "server", Type: "text", About: "gunicorn, uvicorn, celery, rq, puma … when recognised"},
			{Name: "masters", Type: "number", About: "masters among them"},
			{Name: "workers", Type: "number", About: "workers among them that are alive"},
			{Name: "configured_workers", Type: "number", About: "number of workers that it was told, on the command line, in its configuration file or by the environment; null when it was not, or not plainly"},
			{Name: "worker_wanted", Type: "bool", About: "the server is of a kind that serves with several workers"},
			{Name: "reload", Type: "bool", About: "the reloader of development is switched on, on the command line or in its configuration"},
			{Name: "zombies", Type: "number", About: "dead children that nobody has buried"},
			{Name: "stopped", Type: "number", About: "processes that are stopped (state T)"},
			{Name: "master_stopped", Type: "bool", About: "a master is stopped"},
			{Name: "orphans", Type: "number", About: "workers whose master is gone"},
			{Name: "blocked", Type: "number", About: "processes in uninterruptible wait (state D) in both readings"},
			{Name: "youngest_s", Type: "number", About: "age of the youngest process, seconds"},
			{Name: "oldest_s", Type: "number", About: "age of the oldest process, seconds"},
			{Name: "rss_bytes", Type: "number", About: "resident memory, summed"},
			{Name: "cpu_cores", Type: "number", About: "cores used between the two readings"},
			{Name: "max_cpu_cores", Type: "number", About: "cores used by the busiest process"},
			{Name: "fd_share", Type: "number", About: "open files by soft limit, of the fullest process, 0 to 1; null when hidden"},
			{Name: "fds", Type: "number", About: "open files of that process; null when hidden"},
			{Name: "fd_limit", Type: "number", About: "its soft limit; null when hidden"},
			{Name: "memory_limit_bytes", Type: "number", About: "memory limit of its control group; null without one"},
			{Name: "memory_share", Type: "number", About: "use of that limit, 0 to 1; null without one"},
			{Name: "oom_kills", Type: "number", About: "processes of its control group that the kernel killed for memory, ever; null when unknown"},
			{Name: "quota_cores", Type: "number", About: "CPU limit of its control group, in cores; null without one"},
			{Name: "throttled_share", Type: "number", About: "share of periods in which it was stopped at that limit, 0 to 1; null without one"},
			{Name: "tasks", Type: "number", About: "processes and threads of its control group; null without a limit"},
			{Name: "tasks_limit", Type: "number", About: "how many its control group may have; null without a limit"},
			{Name: "tasks_share", Type: "number", About: "use of that limit, 0 to 1; null without one"},
			{Name: "list", Type: "rows", About: "pid, ppid, role, state, command, rss_bytes, age_s, threads, cpu_cores of each process"},
		}, toldFields(), loopFields()),
		Outcomes: []probe.Outcome{
			{When: "found is false", Means: "no process bears the service's name or holds its port: it is not running here, or runs under another name (set processes)"},
			{When: "port_owner is other", Means: "a stranger sits on the service's port"},
			{When: "loopback_only is true", Means: "connections from other machines are refused"},
			{When: "server is uvicorn or gunicorn and workers is 0", Means: "one process serves everything"},
		},
	}
}

func (t *target) service(ctx context.Context, q probe.Question) evidence.Answer {
	text := func(name, otherwise string) string {
		if s := fmt.Sprint(q.Args[name]); q.Args[name] != nil && s != "" {
			return s
		}
		return otherwise
	}
	name, host, port := text("service", q.Service.Name), text("host", q.Service.Host), text("port", q.Service.Port)
	if host != "" && t.config.own() && !isLocal(ctx, host) {
		return evidence.Not(evidence.NotApplicable, host+" is another machine than this one", "run quell on the machine that the service runs on")
	}
	match, explicit, err := t.matcher(name, text("match", ""))
	if err != nil {
		return evidence.Not(evidence.Invalid, err.Error(), "")
	}
	match = remembered(match)
	var before []process
	var limitsBefore map[int]limits
	var found []listener
	var after []process
	loops := newLoopWatch(t.sys, nil)
	first := func() error {
		if before, err = t.sys.processes(ctx); err != nil {
			return err
		}
		limitsBefore = map[int]limits{}
		for _, p := range before {
			if match(t.sys, p) {
				limitsBefore[p.pid] = t.sys.cgroup(p.pid)
			}
		}
		early := serviceView{now: newTree(before), target: t}
		own := early.members(func(p process) bool { return match(t.sys, p) })
		if len(own) == 0 { // it may turn out to be whoever holds the port
			own = early.members(func(p process) bool { return family(p) != "" })
		}
		loops = newLoopWatch(t.sys, early.loops(own))
		return nil
	}
	took, err := t.quietly(ctx, q, first, func() { loops.look() }, func() error { after, err = t.sys.processes(ctx); return err })
	if err != nil {
		return failure("read the process table", err)
	}
	now := newTree(after)
	view := serviceView{now: now, then: newTree(before), seconds: took.Seconds(), uptime: t.sys.uptime(), target: t}
	members := view.members(func(p process) bool { return match(t.sys, p) })
	found, _, hidden, err := t.listening(ctx)
	// A machine without a free processor is where the processes matter most, and
	// whose ports they hold the least: what is known is told.
	late := errors.Is(err, context.DeadlineExceeded) && len(members) > 0
	if err != nil && !late {
		return failure("read the socket tables", err)
	}
	foundBy := ""
	if len(members) > 0 {
		foundBy = "name"
		if explicit {
			foundBy = "match"
		}
	}
	holder, listeners := portHolder(now, found, port)
	owner := ""
	if port != "" {
		owner = portOwner(listeners, holder, members, explicit)
	}
	if owner == "assumed" {
		members = view.around(holder, listeners)
		foundBy = "port"
	}
	v := view.value(members)
	v["found"], v["found_by"] = len(members) > 0, foundBy
	v["listens_on"] = portsOf(found, members)
	v["url_loopback"] = loopbackName(host) || resolvesToLoopback(ctx, host)
	v["port"], v["port_owner"] = portNumber(port), owner
	v["port_pid"], v["port_command"], v["port_holder_age_s"] = nil, "", nil
	v["port_holder_orphaned"] = false
	v["loopback_only"], v["waiting"] = onlyLoopback(listeners), waiting(listeners)+waiting(elsewhere(found, listeners, members))
	if holder.pid > 0 {
		v["port_pid"], v["port_command"] = int64(holder.pid), t.tools.Redact.Text(holder.line())
		v["port_holder_age_s"] = view.age(holder)
		v["port_holder_orphaned"] = view.leftOver(holder, members)
	}
	view.addLimits(v, members, limitsBefore)
	view.addTold(v, members)
	loops.add(v, members)
	var notes []string
	if late {
		for _, field := range []string{"listens_on", "port_owner", "loopback_only", "waiting"} {
			v[field] = nil
		}
		notes = append(notes, "the time was used up before the socket tables were read: ports are not known")
	}
	if owner == "assumed" {
		notes = append(notes, fmt.Sprintf("nothing bears the name %s: the process on port %s is taken for it; set processes in quell.yaml to be sure", name, port))
	}
	if hidden > 0 && len(listeners) > 0 && holder.pid == 0 {
		notes = append(notes, "who holds the port is hidden from us: "+hintHidden)
	}
	return evidence.Of(v, notes...)
}

// remembered asks once of each process: it is asked of every process of the
// machine, several times, and may have to read files.
func remembered(match func(system, process) bool) func(system, process) bool {
	type one struct {
		pid   int
		start float64
	}
	known := map[one]bool{}
	return func(s system, p process) bool {
		is, ok := known[one{p.pid, p.start}]
		if !ok {
			is = match(s, p)
			known[one{p.pid, p.start}] = is
		}
		return is
	}
}

// portHolder finds the listeners of a TCP port and the process behind them.
func portHolder(now tree, found []listener, port string) (process, []listener) {
	var mine []listener
	var pids []int
	for _, l := range found {
		if l.protocol == "tcp" && fmt.Sprint(l.local.Port()) == port {
			mine = append(mine, l)
			pids = append(pids, l.pids...)
		}
	}
	if len(pids) == 0 {
		return process{}, mine
	}
	return now.oldest(pids), mine
}

func portOwner(listeners []listener, holder process, members map[int]bool, explicit bool) string {
	switch {
	case len(listeners) == 0:
		return "nobody"
	case holder.pid == 0:
		return "hidden"
	case members[holder.pid]:
		return "service"
	case holder.comm == "docker-proxy" || holder.comm == "rootlessport" || holder.comm == "conmon":
		return "container"
	case proxies[holder.comm]:
		return "proxy"
	case explicit || len(members) > 0:
		return "other"
	}
	return "assumed"
}

// proxies are programs that take connections for others. comm is cut at fifteen letters.
var proxies = map[string]bool{
	"nginx": true, "openresty": true, "haproxy": true, "envoy": true, "traefik": true, "caddy": true, "apache2": true, "httpd": true,
	"varnishd": true, "pound": true, "hitch": true, "angie": true, "lighttpd": true,
}

func portsOf(found []listener, members map[int]bool) []any {
	seen := map[int]bool{}
	for _, l := range found {
		for _, pid := range l.pids {
			if members[pid] && l.protocol == "tcp" {
				seen[int(l.local.Port())] = true
			}
		}
	}
	var ports []int
	for p := range seen {
		ports = append(ports, p)
	}
	sort.Ints(ports)
	out := make([]any, len(ports))
	for i, p := range ports {
		out[i] = int64(p)
	}
	return out
}

func onlyLoopback(listeners []listener) bool {
	for _, l := range listeners {
		if !l.local.Addr().IsLoopback() {
			return false
		}
	}
	return len(listeners) > 0
}

func waiting(listeners []listener) int64 {
	var n int64
	for _, l := range listeners {
		n += l.queue
	}
	return n
}

// elsewhere are the service's own listeners on other ports than the one that it
// is asked at: what stands behind a proxy.
func elsewhere(found, at []listener, members map[int]bool) (out []listener) {
	for _, l := range found {
		own := l.protocol == "tcp" && slices.ContainsFunc(l.pids, func(pid int) bool { return members[pid] })
		if own && !slices.ContainsFunc(at, func(a listener) bool { return a.local == l.local }) {
			out = append(out, l)
		}
	}
	return out
}

func portNumber(text string) any {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil
	}
	return n
}
