package nginx

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func errorsSpec() probe.Spec {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.name
	}
	return probe.Spec{
		Name:     "nginx.errors",
		Question: "What does the error log complain of, about which servers, since when?",
		Why:      "The number in brackets decides: 111 is a dead process, 110 a stuck one or a silent way, 104 a killed worker; limits, files, headers and certificates each have words of their own.",
		Cost:     "reads the error logs of the two times, the newest 192 MiB at most",
		Shape:    probe.Rows,
		Params:   windowParams(),
		Fields: []probe.Field{
			{Name: "kind", Type: "text", About: strings.Join(names, ", ") + ", or other"},
			{Name: "means", Type: "text", About: "the kind in one sentence"},
			{Name: "upstream", Type: "text", About: "the server that it is about, or the group's name; empty for none"},
			{Name: "level", Type: "text", About: "warn, error, crit, alert or emerg"},
			{Name: "recent", Type: "number", About: "lines in the recent time"},
			{Name: "before", Type: "number", About: "lines in the time before"},
			{Name: "per_s", Type: "number", About: "recent lines per second"},
			{Name: "clients", Type: "number", About: "different clients in the recent time, 1000 at most"},
			{Name: "first_ago_s", Type: "number", About: "seconds since the first line of both times"},
			{Name: "last_ago_s", Type: "number", About: "seconds since the last line"},
			{Name: "example", Type: "text", About: "the message of the last one"},
			{Name: "request", Type: "text", About: "the request of the last one: method and path"},
		},
		Outcomes: []probe.Outcome{
			{When: "there is no row", Means: "the log was read and nothing was complained of; with error_log at level crit that says little, and a note says so"},
			{When: "refused for one server only", Means: "that one is dead, and nginx asks the others"},
			{When: "no_live", Means: "all of a group are taken out: look at the other kinds for why"},
			{When: "hung_up now and then, while the server lives", Means: "its keep-alive is shorter than nginx's, or its workers are recycled"},
		},
	}
}

// trouble is what is counted of one kind and server.
type trouble struct {
	kind, upstream, level, example, request string
	recent, before                          int64
	first, last                             time.Time
	clients                                 map[string]bool
}

// mostTroubles bounds the rows, and mostClientsOf the clients of one.
const (
	mostTroubles  = 200
	mostClientsOf = 1000
)

func (t *target) complaints(ctx context.Context, q probe.Question) evidence.Answer {
	tree, failed := t.configuration("read nginx's error log")
	if failed != nil {
		return *failed
	}
	s, err := spanOf(q, t.tools.Now())
	if err != nil {
		return evidence.Not(evidence.Invalid, err.Error(), "write a duration like 5m")
	}
	b, m := t.surroundings(ctx, tree)
	paths, notes := t.errorLogs(tree, m, b)
	if len(paths) == 0 {
		return evidence.Not(evidence.NotApplicable, "the configuration names no error log that can be read: "+strings.Join(notes, "; "), "write error_log into a file")
	}
	found := map[string]*trouble{}
	read := 0
	var last error
	for _, path := range paths {
		more, err := s.read(ctx, path, bytesRead/int64(len(paths)), func(line string, at time.Time) {
			if c, ok := readComplaint(line); ok && !at.IsZero() {
				count(found, c, at, s)
			}
		})
		notes = append(notes, more...)
		if err != nil {
			last = err
			notes = append(notes, err.Error())
			continue
		}
		read++
	}
	if read == 0 {
		return unread(last)
	}
	return evidence.Of(troubleRows(found, s), append(notes, quietLogs(tree)...)...)
}

func count(found map[string]*trouble, c complaint, at time.Time, s span) {
	kind := c.kindOf()
	if kind == "" {
		return
	}
	key := kind + " " + c.upstream
	t := found[key]
	if t == nil {
		if len(found) >= mostTroubles {
			return
		}
		t = &trouble{kind: kind, upstream: c.upstream, first: at, clients: map[string]bool{}}
		found[key] = t
	}
	if at.Before(t.first) {
		t.first = at
	}
	if !at.Before(t.last) {
		t.last, t.level, t.example = at, c.level, clipped(c.text)
		t.request = clipped(asked(c.request))
	}
	if !at.After(s.split) {
		t.before++
		return
	}
	t.recent++
	if len(t.clients) < mostClientsOf && c.client != "" {
		t.clients[c.client] = true
	}
}

// asked is method and path of a request line, without its query.
func asked(request string) string {
	method, path := requestOf(map[string]string{"request": request})
	return strings.TrimSpace(method + " " + path)
}

func clipped(s string) string {
	const most = 300
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

func troubleRows(found map[string]*trouble, s span) []any {
	list := make([]*trouble, 0, len(found))
	for _, t := range found {
		list = append(list, t)
	}
	slices.SortFunc(list, func(a, b *trouble) int {
		switch {
		case a.recent != b.recent:
			return int(b.recent - a.recent)
		case a.before != b.before:
			return int(b.before - a.before)
		}
		return strings.Compare(a.kind+" "+a.upstream, b.kind+" "+b.upstream)
	})
	rows := []any{}
	for _, t := range list {
		rows = append(rows, map[string]any{
			"kind": t.kind, "means": meaning(t.kind), "upstream": t.upstream, "level": t.level,
			"recent": t.recent, "before": t.before, "per_s": round(float64(t.recent) / s.seconds()),
			"clients": int64(len(t.clients)), "first_ago_s": round(s.end.Sub(t.first).Seconds()), "last_ago_s": round(s.end.Sub(t.last).Seconds()),
			"example": t.example, "request": t.request,
		})
	}
	return rows
}

// quietLogs says of error logs whose level leaves out most of what is looked for.
func quietLogs(tree *tree) []string {
	var notes []string
	tree.walk(func(d *directive, _ []*directive) {
		if d.name.text != "error_log" {
			return
		}
		switch d.arg(1) {
		case "crit", "alert", "emerg":
			notes = append(notes, "error_log "+d.arg(0)+" is at level "+d.arg(1)+": refused and timed out servers are not written")
		}
	})
	return notes
}
