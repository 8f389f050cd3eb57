package logtext

import (
	"context"
	"fmt"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/logql"
	"github.com/quellhq/quell/internal/logql/pattern"
	"github.com/quellhq/quell/internal/logql/spike"
	"github.com/quellhq/quell/internal/probe"
)

func errorsSpec() probe.Spec {
	return probe.Spec{
		Name:     "logs.errors",
		Question: "Which errors does the service log, since when, and how many?",
		Why:      "The first thing anyone looks at; grouped by template, so that one loud error does not hide the others.",
		Cost:     "reads the lines of window and before together, up to max_read of the target",
		Shape:    probe.Object,
		Params: []probe.Param{
			{Name: "query", Type: probe.Text, Default: "-", About: "a log query that takes the lines; \"-\" takes all lines of the service"},
			{Name: "window", Type: probe.Duration, Default: "10m", About: "the recent time"},
			{Name: "before", Type: probe.Duration, Default: "1h", About: "the time before it, to compare with"},
			{Name: "limit", Type: probe.Number, Default: "50", About: "how many templates to show"},
		},
		Fields: []probe.Field{
			{Name: "lines", Type: "number", About: "lines of any level in the recent time"},
			{Name: "errors", Type: "number", About: "of them at level error or above; server errors in access logs and bare traces count"},
			{Name: "before", Type: "number", About: "errors in the time before"},
			{Name: "share", Type: "number", About: "errors by lines, 0 to 1; missing where there are no lines"},
			{Name: "levelled", Type: "number", About: "share of lines, 0 to 1, whose level is known; missing where there are no lines"},
			{Name: "onset", Type: "number", About: "when errors began to come at least twice as often, in seconds since 1970; missing where they did not"},
			{Name: "templates", Type: "rows", About: "template, count (recent), before, new, level, first, last, onset (seconds since 1970; onset is missing where there is none), samples (up to 3), values (what stood in each <*>, in order: distinct, exact, top with value, count and before); new ones first, then by count"},
		},
		Outcomes: []probe.Outcome{
			{When: "errors is 0 and levelled is near 1", Means: "the service logs no errors"},
			{When: "errors is 0 and levelled is near 0", Means: "the log says nothing of levels: this is not health"},
			{When: "onset is there", Means: "compare it with deployments, restarts and what other systems did then"},
		},
	}
}

func (t Asker) errors(ctx context.Context, q probe.Question) evidence.Answer {
	args, err := t.args(q)
	if err != nil {
		return evidence.Not(evidence.Invalid, err.Error(), "")
	}
	files, err := t.Lines(ctx, q, args.window+args.before)
	if err != nil {
		return t.Failed(err)
	}
	split := q.Now.Add(-args.window).UnixNano()
	window := logql.Since(q.Now, args.window+args.before)
	var workers []*errorCount
	stats, reading, hint, err := logql.Visit(ctx, args.log, files, window, func() func(logql.Entry) {
		c := &errorCount{split: split, miner: pattern.New(pattern.Config{Split: split})}
		workers = append(workers, c)
		return c.add
	})
	if err != nil {
		return t.Failed(err)
	}
	c := workers[0]
	for _, o := range workers[1:] {
		c.merge(o)
	}
	notes := reading.Notes
	if c.recent+c.earlier == 0 {
		return t.Silent(ctx, q, stats, args.window+args.before, hint)
	}
	value := map[string]any{"lines": int64(c.recent), "errors": int64(c.failed), "before": int64(c.before)}
	if c.recent > 0 {
		value["share"] = float64(c.failed) / float64(c.recent)
		value["levelled"] = float64(c.levelled) / float64(c.recent)
	} else {
		notes = append(notes, fmt.Sprintf("no line was written in the last %s", args.window))
	}
	start, end := window.Start.UnixNano(), window.End.UnixNano()
	if at, _, ok := spike.Began(&c.failures, &c.all, start, end); ok {
		value["onset"] = seconds(at)
	}
	rows := []any{}
	for i, m := range c.miner.Templates() {
		if i == args.limit {
			notes = append(notes, fmt.Sprintf("the first %d templates are shown", args.limit))
			break
		}
		row := templateRow(&m, c.earlier > 0)
		if at, _, ok := spike.Began(&m.Times, &c.all, start, end); ok {
			row["onset"] = seconds(at)
		}
		rows = append(rows, row)
	}
	value["templates"] = rows
	return evidence.Of(value, append(notes, minerNotes(c.miner.Stats())...)...)
}

// errorCount is what one reader of the lines counts.
type errorCount struct {
	split                     int64
	miner                     *pattern.Miner
	all, failures             pattern.Series
	recent, levelled, earlier int // lines
	failed, before            int // errors, in the recent time and before it
}

func (c *errorCount) add(e logql.Entry) {
	if e.Time == 0 {
		return
	}
	c.all.Add(e.Time)
	recent := e.Time > c.split
	switch {
	case !recent:
		c.earlier++
	case e.Level != "":
		c.levelled++
		fallthrough
	default:
		c.recent++
	}
	if !e.Error {
		return
	}
	if recent {
		c.failed++
	} else {
		c.before++
	}
	c.failures.Add(e.Time)
	c.miner.Add(message(e))
}

func (c *errorCount) merge(o *errorCount) {
	c.miner.Merge(o.miner)
	c.all.Merge(&o.all)
	c.failures.Merge(&o.failures)
	c.recent += o.recent
	c.levelled += o.levelled
	c.earlier += o.earlier
	c.failed += o.failed
	c.before += o.before
}
