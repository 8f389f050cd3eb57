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
	var miners []*pattern.Miner
	err := l.visit(ctx, q, w, &out.LogAnswer, false, func() func(pattern.Message) {
		miner := pattern.New(pattern.Config{Split: split})
		miners = append(miners, miner)
		return miner.Add
	})
	if err != nil {
		return out, err
	}
	miner := miners[0]
	for _, o := range miners[1:] {
		miner.Merge(o)
	}
	out.Mined = miner.Stats()
	for _, t := range miner.Templates() {
		out.Compared = out.Compared || split > 0 && t.Before > 0
		if t.Count > 0 {
			out.Templates = append(out.Templates, t)
		}
	}
	if len(out.Templates) == 0 && split > 0 {
		// Why there is nothing is a question about the recent time alone.
		err = l.visit(ctx, q, LogWindow{From: out.From, Until: out.Until}, &out.LogAnswer, false, func() func(pattern.Message) {
			return func(pattern.Message) {}
		})
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
	var collectors []*spike.Collector
	err := l.visit(ctx, q, w, &out.LogAnswer, true, func() func(pattern.Message) {
		collector := spike.NewCollector(spike.Config{})
		collectors = append(collectors, collector)
		return collector.Add
	})
	if err != nil {
		return out, err
	}
	collector := collectors[0]
	for _, o := range collectors[1:] {
		collector.Merge(o)
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

// visit gives each line that a log query takes as a message, with its labels or
// without, to what begin makes for each of several readers.
func (l *Logs) visit(ctx context.Context, q logql.Query, w LogWindow, a *LogAnswer, withLabels bool, begin func() func(pattern.Message)) error {
	began := time.Now()
	asked := LogAnswer{From: w.From, Until: w.Until}.asked(false)
	window := logql.Window{Start: asked.End.Add(-asked.Since), End: asked.End}
	visit := logql.Visit
	if withLabels {
		visit = logql.VisitLabels
	}
	var err error
	a.Stats, a.Reading, a.Hint, err = visit(ctx, q.Root.(*logql.Log), l.source, window, func() func(logql.Entry) {
		take := begin()
		var labels []pattern.Label
		return func(e logql.Entry) {
			labels = labels[:0]
			for _, f := range e.Labels {
				labels = append(labels, pattern.Label(f))
			}
			take(pattern.Message{Text: e.Message, Level: e.Level, Error: e.Error, Time: e.Time, Labels: labels})
		}
	})
	a.Notes, a.Took = a.Reading.Notes, time.Since(began)
	return err
}
