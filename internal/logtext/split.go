package logtext

import (
	"context"
	"slices"
	"strings"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/logql"
	"github.com/quellhq/quell/internal/logql/request"
	"github.com/quellhq/quell/internal/probe"
)

func splitSpec() probe.Spec {
	return probe.Spec{
		Name:     "logs.split",
		Question: "Is the same client let in by one process and turned away by another?",
		Why:      "State that lives in the memory of one process looks like chance from outside: what decides is which process is asked. Two requests of one client in a row agree when one process answered both, and differ when two did.",
		Cost:     "reads the lines of the window",
		Shape:    probe.Object,
		Params: []probe.Param{
			{Name: "query", Type: probe.Text, Default: "-", About: "a log query that takes the request lines; \"-\" takes all lines of the service"},
			{Name: "window", Type: probe.Duration, Default: "10m", About: "the time that is looked at"},
		},
		Fields: []probe.Field{
			{Name: "lines", Type: "number", About: "request lines with a status, a process and a client"},
			{Name: "processes", Type: "number", About: "processes that they name, by instance and number"},
			{Name: "clients", Type: "number", About: "clients that they name"},
			{Name: "refused_share", Type: "number", About: "share of the lines that were refused (401 or 403) on paths where both happens, 0 to 1; null without any"},
			{Name: "same_pairs", Type: "number", About: "two requests of a client in a row that one process answered"},
			{Name: "same_differ", Type: "number", About: "share of these in which one was refused and one was not; null without any"},
			{Name: "other_pairs", Type: "number", About: "two requests of a client in a row that two processes of one instance answered"},
			{Name: "other_differ", Type: "number", About: "share of these with different answers; null without any"},
			{Name: "far_pairs", Type: "number", About: "two requests of a client in a row that two instances answered"},
			{Name: "far_differ", Type: "number", About: "share of these with different answers; null without any"},
			{Name: "other_p", Type: "number", About: "chance that two processes differ that much more than one does, if the process did not matter, 0 to 1"},
			{Name: "far_p", Type: "number", About: "the same of two instances against one"},
			{Name: "paths", Type: "list", About: "paths on which both happens, ten at most"},
		},
		Outcomes: []probe.Outcome{
			{When: "same_differ is near 0 and other_differ is not", Means: "the answer depends on the process: something lives in its memory"},
			{When: "same_differ and other_differ are near 0 and far_differ is not", Means: "the answer depends on the instance: its memory, its settings, or its keys"},
			{When: "same_differ is as large as the others", Means: "chance, not a process, decides: a race, or clients that do different things"},
			{When: "there are few pairs", Means: "cannot tell: this is not health"},
		},
	}
}

// mostSplit bounds the lines that are kept.
const mostSplit = 200_000

// answer is one request as the log tells it.
type answer struct {
	at                int64
	client, path      string
	instance, process string
	refused, entered  bool // entered: a login that went well
}

func (t Asker) split(ctx context.Context, q probe.Question) evidence.Answer {
	args, err := t.args(q)
	if err != nil {
		return evidence.Not(evidence.Invalid, err.Error(), "")
	}
	files, err := t.Lines(ctx, q, args.window)
	if err != nil {
		return t.Failed(err)
	}
	var readers []*[]answer
	stats, reading, hint, err := logql.VisitLabels(ctx, args.log, files, logql.Since(q.Now, args.window), func() func(logql.Entry) {
		mine := &[]answer{}
		readers = append(readers, mine)
		return func(e logql.Entry) {
			if a, ok := answerOf(e); ok && len(*mine) < mostSplit {
				*mine = append(*mine, a)
			}
		}
	})
	if err != nil {
		return t.Failed(err)
	}
	var all []answer
	for _, r := range readers {
		all = append(all, *r...)
	}
	if len(all) == 0 && stats.Matched == 0 {
		return t.Silent(ctx, q, stats, args.window, hint)
	}
	return evidence.Of(splitValue(all), reading.Notes...)
}

// Names that people give to these fields, the best first.
var (
	clientFields   = []string{"session_id", "session", "user_id", "user", "client_ip", "source_ip", "remote_addr", "remote_ip", "client", "ip", "x_forwarded_for"}
	instanceFields = []string{"instance", "pod", "hostname", "host", "node", "container"}
	processFields  = []string{"pid", "process_id", "worker_pid", "worker_id", "worker", "process"}
)

// logins are paths behind which a client is let in: what follows depends on it.
var logins = []string{"login", "signin", "sign-in", "sign_in", "auth/token", "oauth/token", "sessions"}

func answerOf(e logql.Entry) (answer, bool) {
	field := func(names []string) string {
		for _, n := range names {
			for _, f := range e.Labels {
				if string(f.Name) == n && len(f.Value) > 0 && string(f.Value) != "-" {
					return string(f.Value)
				}
			}
		}
		return ""
	}
	part := func(is ...request.Part) (value []byte) {
		for _, want := range is {
			for _, f := range e.Labels {
				if len(value) == 0 && request.PartOf(f.Name) == want {
					value = f.Value
				}
			}
		}
		return value
	}
	status, told := request.StatusOf(part(request.Status))
	a := answer{at: e.Time, client: field(clientFields), instance: field(instanceFields), process: field(processFields)}
	if !told || status < 200 || status > 499 || a.client == "" || a.process == "" {
		return a, false
	}
	a.path = request.Route(part(request.Pattern, request.Target))
	login := slices.ContainsFunc(logins, func(l string) bool { return strings.Contains(strings.ToLower(a.path), l) })
	a.refused, a.entered = status == 401 || status == 403, login && status < 400
	// Who mistypes a password, and who asks for what belongs to another, is turned away rightly.
	return a, a.entered || !login && !strings.Contains(a.path, "*")
}

func splitValue(all []answer) map[string]any {
	slices.SortStableFunc(all, func(a, b answer) int {
		switch {
		case a.at < b.at:
			return -1
		case a.at > b.at:
			return 1
		}
		return 0
	})
	yes, no := map[string]int{}, map[string]int{}
	processes, clients := map[string]bool{}, map[string]bool{}
	for _, a := range all {
		processes[a.instance+"/"+a.process], clients[a.client] = true, true
		if a.refused {
			no[a.path]++
		} else {
			yes[a.path]++
		}
	}
	mixed := func(path string) bool { return yes[path] > 0 && no[path] > 0 }
	last := map[string]answer{}
	var pairs, differ [3]int64 // by one process, two of one instance, two instances
	var refused, judged int64
	for _, a := range all {
		if !mixed(a.path) && !a.entered {
			continue
		}
		if mixed(a.path) {
			judged++
			if a.refused {
				refused++
			}
		}
		before, known := last[a.client]
		last[a.client] = a
		if !known || a.entered { // a new login makes what was before it worthless
			continue
		}
		kind := 0
		switch {
		case before.instance != a.instance:
			kind = 2
		case before.process != a.process:
			kind = 1
		}
		pairs[kind]++
		if before.refused != a.refused {
			differ[kind]++
		}
	}
	share := func(part, whole int64) any {
		if whole == 0 {
			return nil
		}
		return float64(part) / float64(whole)
	}
	paths := []any{}
	var names []string
	for path := range yes {
		if mixed(path) {
			names = append(names, path)
		}
	}
	slices.Sort(names)
	for _, path := range names[:min(len(names), 10)] {
		paths = append(paths, path)
	}
	return map[string]any{
		"lines": int64(len(all)), "processes": int64(len(processes)), "clients": int64(len(clients)), "refused_share": share(refused, judged),
		"same_pairs": pairs[0], "same_differ": share(differ[0], pairs[0]), "other_pairs": pairs[1], "other_differ": share(differ[1], pairs[1]),
		"far_pairs": pairs[2], "far_differ": share(differ[2], pairs[2]),
		"other_p": moreByChance(differ[1], pairs[1], differ[0], pairs[0]),
		"far_p":   moreByChance(differ[2], pairs[2], differ[0]+differ[1], pairs[0]+pairs[1]), "paths": paths,
	}
}
