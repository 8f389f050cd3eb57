package logtext

import (
	"context"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/logql"
	"github.com/quellhq/quell/internal/logql/gateway"
	"github.com/quellhq/quell/internal/probe"
)

// GatewayFields are those of a row about what a gateway complains of.
func GatewayFields() []probe.Field {
	return []probe.Field{
		{Name: "kind", Type: "text", About: strings.Join(gateway.Kinds(), ", ") + ", or other"},
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
	}
}

func gatewaySpec() probe.Spec {
	return probe.Spec{
		Name:     "logs.gateway",
		Question: "What do the error lines of nginx or HAProxy complain of, about which servers, since when?",
		Why:      "Where nobody may ask the gateway itself, its log still names the server that refuses, hangs or is taken out, and what it turns away.",
		Cost:     "reads the gateway's error lines of window and before together",
		Shape:    probe.Rows,
		Params: []probe.Param{
			{Name: "window", Type: probe.Duration, Default: "2m", About: "the recent time"},
			{Name: "before", Type: probe.Duration, Default: "28m", About: "the time before it, to compare with"},
		},
		Fields: GatewayFields(),
		Outcomes: []probe.Outcome{
			{When: "refused for one server only", Means: "that one is dead, and the gateway asks the others"},
			{When: "no_live", Means: "all of a group are taken out: look at the other kinds for why"},
			{When: "no data", Means: "no line is of a gateway: it is content, or writes elsewhere"},
		},
	}
}

// mayComplain are in the lines of nginx's error log and of HAProxy's checks.
var mayComplain = []string{"[warn] ", "[error] ", "[crit] ", "[alert] ", "[emerg] ", " DOWN", "no server available"}

func (t Asker) gateway(ctx context.Context, q probe.Question) evidence.Answer {
	window, err := Duration(q.Args["window"], 2*time.Minute)
	if err != nil {
		return evidence.Not(evidence.Invalid, "window: "+err.Error(), "")
	}
	before, err := Duration(q.Args["before"], 28*time.Minute)
	if err != nil {
		return evidence.Not(evidence.Invalid, "before: "+err.Error(), "")
	}
	files, err := t.Lines(ctx, q, window+before)
	if err != nil {
		return t.Failed(err)
	}
	lines := logql.SelectLabels(nil)
	lines.Stages = append(lines.Stages, &logql.LineFilter{Op: "|=", Values: mayComplain})
	var tallies []*gateway.Tally
	split := q.Now.Add(-window)
	stats, reading, hint, err := logql.Visit(ctx, lines, files, logql.Since(q.Now, window+before), func() func(logql.Entry) {
		tally := gateway.NewTally(split)
		tallies = append(tallies, tally)
		return func(e logql.Entry) {
			if c, ok := gateway.Read(string(e.Message)); ok && e.Time != 0 {
				tally.Add(c, time.Unix(0, e.Time))
			}
		}
	})
	if err != nil {
		return t.Failed(err)
	}
	for _, other := range tallies[1:] {
		tallies[0].Merge(other)
	}
	rows := tallies[0].Rows(q.Now)
	switch {
	case stats.Selected == 0:
		return t.Silent(ctx, q, stats, window+before, hint)
	case len(rows) == 0:
		return evidence.Not(evidence.NoData, "no line is of a gateway that complains", "")
	}
	return evidence.Of(rows, reading.Notes...)
}
