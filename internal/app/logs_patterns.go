package app

import (
	"context"
	"time"

	"github.com/quellhq/quell/internal/logql"
	"github.com/quellhq/quell/internal/logql/pattern"
	"github.com/quellhq/quell/internal/logql/spike"
)

// Patterns are the templates of the lines that a query takes.
type Patterns struct {
	LogAnswer
	Templates []pattern.Template // new ones first, then by count
	Mined     pattern.Stats
	// Compared says that lines were written before the recent time, so that what
	// is not among them is new.
	Compared bool
}

// Patterns mines the templates of the lines in the window. Lines up to before
// (zero: all there are) ahead of it are what tells new from old; without a
// beginning nothing is.
func (l *Logs) Patterns(ctx context.Context, q logql.Query, w LogWindow, before time.Duration) (Patterns, error) {
	out := Patterns{LogAnswer: LogAnswer{From: w.From, Until: w.Until}}
	var split int64
	if !w.From.IsZero() {
		split = w.From.UnixNano() - 1 // a line of the very beginning is recent
		w.From = time.Time{}
		if before > 0 {
			w.From = out.From.Add(-before)
		}
	}
	miner := pattern.New(pattern.Config{Split: split})
	err := l.visit(ctx, q, w, &out.LogAnswer, func(m pattern.Message) {
		miner.Add(m)
		out.Compared = out.Compared || split > 0 && m.Time > 0 && m.Time <= split
	})
	if err != nil {
		return out, err
	}
	out.Mined = miner.Stats()
	for _, t := range miner.Templates() {
		if t.Count > 0 {
			out.Templates = append(out.Templates, t)
		}
	}
	if len(out.Templates) == 0 && split > 0 {
		// Why there is nothing is a question about the recent time alone.
		err = l.visit(ctx, q, LogWindow{From: out.From, Until: out.Until}, &out.LogAnswer, func(pattern.Message) {})
	}
	return out, err
}

// Spike is when lines began to come otherwise, and what changed then.
type Spike struct {
	LogAnswer
	Report spike.Report
}

// Spike compares the lines before an onset with those after. A zero split is
// looked for.
func (l *Logs) Spike(ctx context.Context, q logql.Query, w LogWindow, split time.Time) (Spike, error) {
	out := Spike{LogAnswer: LogAnswer{From: w.From, Until: w.Until}}
	collector := spike.NewCollector(spike.Config{})
	if err := l.visit(ctx, q, w, &out.LogAnswer, collector.Add); err != nil {
		return out, err
	}
	question := spike.Question{Rule: true}
	if !w.From.IsZero() {
		question.Start = w.From.UnixNano()
	}
	if !w.Until.IsZero() {
		question.End = w.Until.UnixNano()
	}
	if !split.IsZero() {
		question.Split = split.UnixNano()
	}
	out.Report = collector.Report(question)
	return out, nil
}

// visit gives each line that a log query takes as a message.
func (l *Logs) visit(ctx context.Context, q logql.Query, w LogWindow, a *LogAnswer, take func(pattern.Message)) error {
	began := time.Now()
	asked := LogAnswer{From: w.From, Until: w.Until}.asked(false)
	window := logql.Window{Start: asked.End.Add(-asked.Since), End: asked.End}
	var labels []pattern.Label
	stats, notes, hint, err := logql.VisitLabels(ctx, q.Root.(*logql.Log), l.source, window, func(e logql.Entry) {
		labels = labels[:0]
		for _, f := range e.Labels {
			labels = append(labels, pattern.Label(f))
		}
		take(pattern.Message{Text: e.Message, Level: e.Level, Error: e.Error, Time: e.Time, Labels: labels})
	})
	a.Stats, a.Notes, a.Hint, a.Took = stats, notes, hint, time.Since(began)
	a.Reading.Lines = int64(stats.Read)
	return err
}
