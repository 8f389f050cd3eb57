package logtext

import (
	"context"
	"fmt"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/logql"
	"github.com/quellhq/quell/internal/logql/pattern"
	"github.com/quellhq/quell/internal/logql/spike"
	"github.com/quellhq/quell/internal/probe"
)

func spikeSpec() probe.Spec {
	return probe.Spec{
		Name:     "logs.spike",
		Question: "When did it start, and what is different in the log since?",
		Why:      "The moment names the change that made it, and what is said since, by whom, names the part that is broken.",
		Cost:     "reads the lines of the window, up to max_read of the target",
		Shape:    probe.Object,
		Params: []probe.Param{
			{Name: "query", Type: probe.Text, Default: "-", About: "a log query that takes the lines; \"-\" takes all lines of the service"},
			{Name: "window", Type: probe.Duration, Default: "1h", About: "the time looked at, the usual and the unusual part of it"},
			{Name: "recent", Type: probe.Text, Default: "-", About: "compare this last part of the window, like 10m, with the rest; \"-\" compares from the onset on"},
			{Name: "limit", Type: probe.Number, Default: "20", About: "how many rows of each kind to show"},
		},
		Fields: []probe.Field{
			{Name: "verdict", Type: "text", About: "rose, nothing rose, or cannot tell"},
			{Name: "reason", Type: "text", About: "why nothing rose, or why it cannot be told; empty where it rose"},
			{Name: "onset", Type: "number", About: "when it began, in seconds since 1970; missing where there is no such moment"},
			{Name: "over", Type: "number", About: "when it was over, in seconds since 1970; missing where it lasts"},
			{Name: "ramp", Type: "bool", About: "it grew slowly over the window, so that there is no moment at which it began"},
			{Name: "subject", Type: "text", About: "what the onset is of: errors, lines, or \"template: …\"; empty without an onset"},
			{Name: "split", Type: "number", About: "what before and after are parted by, in seconds since 1970; missing where nothing was compared"},
			{Name: "lines_before", Type: "number", About: "lines before the split; this and the next three are missing where nothing was compared"},
			{Name: "lines_after", Type: "number", About: "lines after it"},
			{Name: "errors_before", Type: "number", About: "errors before it"},
			{Name: "errors_after", Type: "number", About: "errors after it"},
			{Name: "new", Type: "rows", About: "templates first seen after the split: template, before, after, expected (after, had it gone on as before), p (chance to see it by accident), failed (most of them are errors), level, first, onset (missing where there is none), samples; errors first, then the least likely by chance"},
			{Name: "risen", Type: "rows", About: "templates that come at least twice as often, beyond chance; the same columns"},
			{Name: "vanished", Type: "rows", About: "templates that came before and come no more, beyond chance; the same columns"},
			{Name: "labels", Type: "rows", About: "label values with a larger share since: label, value, before, after (counts), share_before, share_after (0 to 1), against (before, or other lines of the same time where too few errors were there before), g (likelihood ratio), p; the strongest first"},
			{Name: "dropped", Type: "list", About: "labels with too many values to compare, like ids"},
		},
		Outcomes: []probe.Outcome{
			{When: "verdict is rose and a row of new has failed true", Means: "this message is the first thing to read"},
			{When: "a row of labels names a version, a host or an endpoint with share_after near 1", Means: "only this one is broken: compare it with the others"},
			{When: "verdict is nothing rose", Means: "the log changed at no moment of the window; it may have begun earlier: ask for a longer window"},
			{When: "verdict is cannot tell", Means: "too little was written before to compare with: this is not health"},
		},
		Began: "onset",
	}
}

func (t Asker) spike(ctx context.Context, q probe.Question) evidence.Answer {
	// The window of a spike is the whole time; what args calls before is not asked.
	args, err := t.args(q)
	if err != nil {
		return evidence.Not(evidence.Invalid, err.Error(), "")
	}
	if q.Args["window"] == nil {
		args.window = time.Hour
	}
	if q.Args["limit"] == nil {
		args.limit = 20
	}
	window := logql.Since(q.Now, args.window)
	ask := spike.Question{Start: window.Start.UnixNano(), End: window.End.UnixNano()}
	if text, _ := q.Args["recent"].(string); text != "" && text != "-" {
		recent, err := Duration(text, 0)
		if err != nil || recent >= args.window {
			return evidence.Not(evidence.Invalid, fmt.Sprintf("recent: %q is not a part of the window of %s, like 10m", text, args.window), "")
		}
		ask.Split = q.Now.Add(-recent).UnixNano()
	}
	files, err := t.Lines(ctx, q, args.window)
	if err != nil {
		return t.Failed(err)
	}
	var collectors []*spike.Collector
	stats, reading, hint, err := logql.VisitLabels(ctx, args.log, files, window, func() func(logql.Entry) {
		collector := spike.NewCollector(spike.Config{Pattern: pattern.Config{Split: ask.Split}})
		collectors = append(collectors, collector)
		var labels []pattern.Label
		return func(e logql.Entry) {
			if e.Time == 0 {
				return
			}
			labels = labels[:0]
			for _, f := range e.Labels {
				labels = append(labels, pattern.Label(f))
			}
			m := message(e)
			m.Labels = labels
			collector.Add(m)
		}
	})
	if err != nil {
		return t.Failed(err)
	}
	collector, notes := collectors[0], reading.Notes
	for _, o := range collectors[1:] {
		collector.Merge(o)
	}
	if collector.Miner().Stats().Messages == 0 {
		return t.Silent(ctx, q, stats, args.window, hint)
	}
	r := collector.Report(ask)
	notes = append(append(notes, r.Notes...), minerNotes(collector.Miner().Stats())...)
	return evidence.Of(spikeValue(&r, args.limit, &notes), notes...)
}

func spikeValue(r *spike.Report, limit int, notes *[]string) map[string]any {
	v := map[string]any{"verdict": string(r.Verdict), "reason": r.Reason, "ramp": r.Ramp, "subject": r.Subject}
	for name, at := range map[string]int64{"onset": r.Onset, "over": r.Over, "split": r.Split} {
		if at != 0 {
			v[name] = seconds(at)
		}
	}
	if r.Split != 0 {
		v["lines_before"], v["lines_after"] = int64(r.Before.Lines), int64(r.After.Lines)
		v["errors_before"], v["errors_after"] = int64(r.Before.Errors), int64(r.After.Errors)
	}
	changes := func(name string, list []spike.Change) {
		rows := []any{}
		for i := range list[:min(len(list), limit)] {
			rows = append(rows, changeRow(&list[i]))
		}
		if len(list) > limit {
			*notes = append(*notes, fmt.Sprintf("the first %d of %d templates in %s are shown", limit, len(list), name))
		}
		v[name] = rows
	}
	changes("new", r.New)
	changes("risen", r.Risen)
	changes("vanished", r.Vanished)
	rows := []any{}
	for _, l := range r.Labels[:min(len(r.Labels), limit)] {
		rows = append(rows, map[string]any{
			"label": l.Name, "value": l.Value, "before": int64(l.Before), "after": int64(l.After),
			"share_before": l.ShareBefore, "share_after": l.ShareAfter, "against": l.Against, "g": l.G, "p": l.P,
		})
	}
	if len(r.Labels) > limit {
		*notes = append(*notes, fmt.Sprintf("the first %d of %d label values are shown", limit, len(r.Labels)))
	}
	v["labels"] = rows
	dropped := make([]any, len(r.Dropped))
	for i, name := range r.Dropped {
		dropped[i] = name
	}
	v["dropped"] = dropped
	return v
}

func changeRow(c *spike.Change) map[string]any {
	t := &c.Template
	row := map[string]any{
		"template": t.Text, "before": int64(c.Before), "after": int64(c.After), "expected": c.Expected, "p": c.P,
		"failed": 2*t.Errors > t.Total(), "level": t.Level, "first": seconds(t.First), "samples": samples(t),
	}
	if c.Onset != 0 {
		row["onset"] = seconds(c.Onset)
	}
	return row
}
