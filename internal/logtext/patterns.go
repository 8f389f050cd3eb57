package logtext

import (
	"context"
	"fmt"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/logql"
	"github.com/quellhq/quell/internal/logql/pattern"
	"github.com/quellhq/quell/internal/probe"
)

func patternsSpec() probe.Spec {
	return probe.Spec{
		Name:     "logs.patterns",
		Question: "Which kinds of messages are there, and which are new?",
		Why:      "After a change or at the start of an incident the message that was never there before is often the cause itself.",
		Cost:     "reads the lines of window and before together, up to max_read of the target",
		Shape:    probe.Object,
		Params: []probe.Param{
			{Name: "query", Type: probe.Text, Default: "-", About: "a log query that takes the lines; \"-\" takes all lines of the service"},
			{Name: "window", Type: probe.Duration, Default: "10m", About: "the recent time"},
			{Name: "before", Type: probe.Duration, Default: "1h", About: "the time before it, to compare with"},
			{Name: "limit", Type: probe.Number, Default: "50", About: "how many templates to show"},
		},
		Fields: []probe.Field{
			{Name: "lines", Type: "number", About: "lines looked at, in both times"},
			{Name: "kinds", Type: "number", About: "templates found"},
			{Name: "fresh", Type: "number", About: "templates that occur only in the recent time; missing where nothing was written before it"},
			{Name: "templates", Type: "rows", About: "template, count (recent), before, new (true where it was not there before; missing where nothing was written before), level, first, last (seconds since 1970), samples (up to 3), values (what stood in each <*>, in order: distinct, exact, top with value, count and before); new ones first, then by count"},
		},
		Outcomes: []probe.Outcome{
			{When: "a template with new true and level error", Means: "look here first"},
			{When: "fresh is 0", Means: "nothing is said that was not said before"},
		},
	}
}

// patternArgs are what patterns and errors have in common.
type patternArgs struct {
	log            *logql.Log
	window, before time.Duration
	limit          int
}

func (t Asker) args(q probe.Question) (patternArgs, error) {
	var a patternArgs
	var err error
	if a.window, err = Duration(q.Args["window"], 10*time.Minute); err != nil {
		return a, fmt.Errorf("window: %w", err)
	}
	if a.before, err = Duration(q.Args["before"], time.Hour); err != nil {
		return a, fmt.Errorf("before: %w", err)
	}
	a.limit = 50
	switch n := q.Args["limit"].(type) {
	case float64:
		a.limit = int(n)
	case int64:
		a.limit = int(n)
	}
	if a.limit < 1 || a.limit > t.Rows {
		return a, fmt.Errorf("limit: it lies between 1 and %d", t.Rows)
	}
	text, _ := q.Args["query"].(string)
	if text == "" || text == "-" {
		labels := map[string]string{}
		if q.Service.Name != "" {
			labels["service"] = q.Service.Name
		}
		a.log = logql.SelectLabels(labels)
		return a, nil
	}
	query, err := logql.Parse(text)
	if err != nil {
		return a, fmt.Errorf("query: %w", err)
	}
	log, ok := query.Root.(*logql.Log)
	if !ok {
		return a, fmt.Errorf("query: a log query is needed, like {service=\"shop\"}, not a metric query")
	}
	a.log = log
	return a, nil
}

func (t Asker) patterns(ctx context.Context, q probe.Question) evidence.Answer {
	args, err := t.args(q)
	if err != nil {
		return evidence.Not(evidence.Invalid, err.Error(), "")
	}
	files, err := t.Lines(ctx, q, args.window+args.before)
	if err != nil {
		return t.Failed(err)
	}
	split := q.Now.Add(-args.window)
	window := logql.Since(q.Now, args.window+args.before)
	var miners []*pattern.Miner
	stats, reading, hint, err := logql.Visit(ctx, args.log, files, window, func() func(logql.Entry) {
		miner := pattern.New(pattern.Config{Split: split.UnixNano()})
		miners = append(miners, miner)
		return func(e logql.Entry) {
			if e.Time != 0 {
				miner.Add(message(e))
			}
		}
	})
	if err != nil {
		return t.Failed(err)
	}
	miner, notes := miners[0], reading.Notes
	for _, o := range miners[1:] {
		miner.Merge(o)
	}
	if miner.Stats().Messages == 0 {
		return t.Silent(ctx, q, stats, args.window+args.before, hint)
	}
	templates := miner.Templates()
	fresh, earlier, rows := 0, 0, []any{}
	for i := range templates {
		earlier += templates[i].Before
	}
	for i := range templates {
		if templates[i].New() {
			fresh++
		}
		if i < args.limit {
			rows = append(rows, templateRow(&templates[i], earlier > 0))
		}
	}
	value := map[string]any{"lines": int64(miner.Stats().Messages), "kinds": int64(len(templates)), "templates": rows}
	if earlier > 0 {
		value["fresh"] = int64(fresh)
	} else {
		notes = append(notes, "nothing was written before the recent time, so nothing can be called new")
	}
	return evidence.Of(value, append(notes, minerNotes(miner.Stats())...)...)
}

// message is a visited line as a miner takes it.
func message(e logql.Entry) pattern.Message {
	return pattern.Message{Text: e.Message, Level: e.Level, Error: e.Error, Time: e.Time}
}

// minerNotes says what the miner could not keep apart.
func minerNotes(s pattern.Stats) []string {
	var notes []string
	if s.Guessed > 0 {
		notes = append(notes, fmt.Sprintf("%d messages have shapes beyond the bound of their family: each was counted to the template most like it", s.Guessed))
	}
	if s.Lost > 0 {
		notes = append(notes, fmt.Sprintf("%d messages of further kinds were not told apart", s.Lost))
	}
	return notes
}

func seconds(nanoseconds int64) float64 { return float64(nanoseconds) / 1e9 }

func templateRow(m *pattern.Template, comparable bool) map[string]any {
	row := map[string]any{
		"template": m.Text, "count": int64(m.Count), "before": int64(m.Before), "level": m.Level,
		"first": seconds(m.First), "last": seconds(m.Last), "samples": samples(m), "values": values(m),
	}
	if comparable {
		row["new"] = m.New()
	}
	return row
}

func samples(m *pattern.Template) []any {
	list := make([]any, len(m.Samples))
	for i, s := range m.Samples {
		list[i] = s.Text
	}
	return list
}

// values says what stood in each hole of a template.
func values(m *pattern.Template) []any {
	list := make([]any, len(m.Holes))
	for i, h := range m.Holes {
		top := make([]any, len(h.Top))
		for j, v := range h.Top {
			top[j] = map[string]any{"value": v.Text, "count": int64(v.Count), "before": int64(v.Before)}
		}
		list[i] = map[string]any{"distinct": int64(h.Distinct), "exact": h.Exact, "top": top}
	}
	return list
}
