package nginx

import (
	"context"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/logql/gateway"
	"github.com/quellhq/quell/internal/logtext"
	"github.com/quellhq/quell/internal/probe"
)

func errorsSpec() probe.Spec {
	return probe.Spec{
		Name:     "nginx.errors",
		Question: "What does the error log complain of, about which servers, since when?",
		Why:      "The number in brackets decides: 111 is a dead process, 110 a stuck one or a silent way, 104 a killed worker; limits, files, headers and certificates each have words of their own.",
		Cost:     "reads the error logs of the two times, the newest 192 MiB at most",
		Shape:    probe.Rows,
		Params:   windowParams(),
		Fields:   logtext.GatewayFields(),
		Outcomes: []probe.Outcome{
			{When: "there is no row", Means: "the log was read and nothing was complained of; with error_log at level crit that says little, and a note says so"},
			{When: "refused for one server only", Means: "that one is dead, and nginx asks the others"},
			{When: "no_live", Means: "all of a group are taken out: look at the other kinds for why"},
			{When: "hung_up now and then, while the server lives", Means: "its keep-alive is shorter than nginx's, or its workers are recycled"},
		},
	}
}

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
	found := gateway.NewTally(s.split)
	read := 0
	var last error
	for _, path := range paths {
		more, err := s.read(ctx, path, bytesRead/int64(len(paths)), func(line string, at time.Time) {
			if c, ok := gateway.Read(line); ok && !at.IsZero() {
				found.Add(c, at)
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
	return evidence.Of(found.Rows(s.end), append(notes, quietLogs(tree)...)...)
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
