package series

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/promtext"
)

// Fitted is Query for a history that may be shorter than what is asked. first
// is when the oldest sample was taken. What was cut is in the notes.
func (e *Engine) Fitted(ctx context.Context, text string, w promtext.Window, first time.Time) (promtext.Result, error) {
	expr, err := promtext.NewParser().ParseExpr(text)
	if err != nil {
		return promtext.Result{}, promtext.Fail(evidence.Invalid, "PromQL: "+err.Error(), "")
	}
	f := fit{window: w, history: w.End.Sub(first), expr: expr}
	f.fit()
	result, err := e.Query(ctx, f.expr.String(), f.window)
	if err != nil {
		return result, err
	}
	result.Streams = f.filled(result.Streams)
	result.Notes = append(f.notes, result.Notes...)
	return result, nil
}

// A fit makes a question answerable from a history that is shorter than what
// it asks for. A rate over a window that is mostly empty would be far too low,
// and would seem to rise as the window fills; so windows are cut to the history,
// and points whose window is not filled are left out. Each cut is a note.
type fit struct {
	expr    parser.Expr
	window  promtext.Window
	history time.Duration
	notes   []string
	longest time.Duration // the longest window after cutting
}

const (
	// A range query keeps windows of at most half of the history, so that at
	// least half of it gives points.
	fewestPoints = 20
	finestStep   = time.Second
)

func (f *fit) fit() {
	most := f.history + time.Millisecond // windows are open at their left end
	if f.window.Range && f.history > 4*time.Second {
		most = f.history / 2
	}
	cut := time.Duration(0)
	parser.Inspect(f.expr, func(node parser.Node, _ []parser.Node) error {
		if m, ok := node.(*parser.MatrixSelector); ok {
			if m.Range > most && most >= time.Millisecond {
				cut = max(cut, m.Range)
				m.Range = most.Truncate(time.Millisecond)
			}
			f.longest = max(f.longest, m.Range)
		}
		return nil
	})
	if cut > 0 {
		f.note("the endpoints are read for %s only: windows of up to %s are cut to %s", f.history, cut, most)
	}
	if span := f.window.End.Sub(f.window.Start); f.window.Range && span > f.history {
		f.note("the series reach back %s of the %s asked for", f.history, span)
		f.window.Step = min(f.window.Step, max(finestStep, (f.history/fewestPoints).Truncate(time.Millisecond)))
		f.window.Start = f.window.End.Add(-f.history / f.window.Step * f.window.Step)
	}
}

func (f *fit) note(format string, args ...any) {
	for i, a := range args {
		if d, ok := a.(time.Duration); ok {
			args[i] = short(d)
		}
	}
	f.notes = append(f.notes, fmt.Sprintf(format, args...))
}

func short(d time.Duration) string {
	if d < 10*time.Second {
		return promtext.Duration(d.Round(100 * time.Millisecond))
	}
	return promtext.Duration(d.Round(time.Second))
}

// filled drops the points whose windows reach back before the history, where
// at least one point remains.
func (f *fit) filled(streams []evidence.Stream) []evidence.Stream {
	if !f.window.Range || f.longest == 0 {
		return streams
	}
	from := float64(f.window.End.Add(f.longest-f.history-5*time.Millisecond).UnixMilli()) / 1000
	for i, s := range streams {
		for len(s.Points) > 1 && s.Points[0].T < from {
			s.Points = s.Points[1:]
		}
		streams[i].Points = s.Points
	}
	return streams
}
