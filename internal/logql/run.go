package logql

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/quellhq/quell/internal/evidence"
)

// Limits bound what an answer may hold and what the engine may keep in memory.
// Zero fields take defaults.
type Limits struct {
	Lines   int // of a log query's answer: the newest ones, or with Oldest the oldest; 1000
	Series  int // of the answer; 500, as Loki has it. What is folded into it may have innerSeries
	Steps   int // points in time of a metric query; 2000
	Buckets int // stretches of time over all series; 100,000 (10 MB)
	Samples int // numbers kept for quantiles; 1,000,000 (8 MB)
	Bytes   int // of the text of lines kept; 8 MiB
	Line    int // of the text of one line kept; 4 KiB
	Oldest  bool
	Bare    bool // keep lines without their labels and byte for byte: for who prints the text alone
}

func (l Limits) filled() Limits {
	for _, f := range []struct {
		field *int
		value int
	}{{&l.Lines, 1000}, {&l.Series, 500}, {&l.Steps, 2000}, {&l.Buckets, 100_000}, {&l.Samples, 1_000_000}, {&l.Bytes, 8 << 20}, {&l.Line, maxLineShown}} {
		if *f.field <= 0 {
			*f.field = f.value
		}
	}
	return l
}

// Result is what came of a query.
type Result struct {
	Lines   []evidence.Line   // of a log query, oldest first
	Series  []evidence.Stream // of a metric query, ordered by labels
	Stats   Stats
	Reading Reading  // what the source did; not the same from run to run
	Notes   []string // what was left out, cut or read otherwise than asked
	Hint    string   // where the selector took no line: what there is instead
}

// Stats says what a query looked at.
type Stats struct {
	Read     int // records that the source gave
	Window   int // those in the window
	Timeless int // those without any time
	Selected int // lines of the window that the selector took
	Matched  int // lines that passed every stage
}

// Asked is a query's place in time. Since is the window of a log query, and the
// span of a metric query's points; with Step 0 a metric query gives one point
// at End.
type Asked struct {
	End   time.Time
	Since time.Duration
	Step  time.Duration
}

// Run asks a query of a source. Errors are the context's, the source's, *Error,
// or say which limit was passed and what to change.
func Run(ctx context.Context, q Query, src Source, asked Asked, limits Limits) (Result, error) {
	limits = limits.filled()
	if log, ok := q.Root.(*Log); ok {
		return runLog(ctx, log, src, asked, limits)
	}
	return runMetric(ctx, q, src, asked, limits)
}

func runLog(ctx context.Context, log *Log, src Source, asked Asked, limits Limits) (Result, error) {
	window := Window{Start: asked.End.Add(-asked.Since), End: asked.End}
	edge := &Edge{oldest: limits.Oldest}
	all := make([]*logWorker, workers(src))
	for i := range all {
		w, err := newLogWorker(log, window, limits)
		if err != nil {
			return Result{}, err
		}
		w.newest.edge = edge
		all[i] = w
	}
	ask := Ask{Window: window, Workers: len(all), Sieve: newSieve(log), Edge: edge, Oldest: limits.Oldest}
	reading, err := scan(ctx, src, ask, func(worker int, batch []Record) error {
		all[worker].take(batch)
		return ctx.Err()
	})
	if err != nil {
		return Result{}, err
	}
	w := all[0]
	for _, o := range all[1:] {
		w.merge(o)
	}
	lines := w.newest
	if w.pipe.counts.Matched == 0 {
		if err := w.again(ctx, src, window); err != nil {
			return Result{}, err
		}
	}
	stats := w.stats
	stats.Selected, stats.Matched = w.pipe.counts.Selected, w.pipe.counts.Matched
	w.newest = lines
	return w.answer(stats, reading, w.pipe.hint()), nil
}

// answer puts the lines and all that is to be said of them together.
func (w *logWorker) answer(stats Stats, reading Reading, hint string) Result {
	result := Result{Lines: w.newest.sorted(), Reading: reading, Stats: stats, Hint: hint}
	result.Notes = append(slices.Clone(reading.Notes), w.pipe.notes()...)
	if n := stats.Timeless; n > 0 {
		result.Notes = append(result.Notes, fmt.Sprintf("%s no time: taken whatever the window", count(n, "line bears", "lines bear")))
	}
	if w.newest.full {
		result.Notes = append(result.Notes, fmt.Sprintf("only the %s %d matching lines were kept", w.newest.end(), len(result.Lines)))
	}
	return result
}

// tally tells the records of the window from others, and counts them.
type tally struct {
	start, end int64
	timed      bool // records without a time are of no use
	stats      Stats
}

func newTally(w Window, timed bool) tally {
	return tally{start: w.Start.UnixNano(), end: w.End.UnixNano(), timed: timed}
}

// in reports whether the record lies in the window; one without a time may.
func (t *tally) in(r *Record) bool {
	t.stats.Read++
	switch {
	case r.Time == 0:
		t.stats.Timeless++
		if t.timed {
			return false
		}
	case r.Time <= t.start || r.Time > t.end:
		return false
	}
	t.stats.Window++
	return true
}

func (t *tally) merge(o *tally) {
	t.stats.Read += o.stats.Read
	t.stats.Window += o.stats.Window
	t.stats.Timeless += o.stats.Timeless
}

// logWorker answers a log query for the records that one goroutine reads.
type logWorker struct {
	tally
	pipe   *pipeline
	newest *newest
	line   int // bytes of a line's text that are kept
	bare   bool
}

func newLogWorker(log *Log, w Window, limits Limits) (*logWorker, error) {
	pipe, err := compilePipeline(log)
	if err != nil {
		return nil, err
	}
	pipe.want = needed(log)
	return &logWorker{tally: newTally(w, false), pipe: pipe, newest: newNewest(limits, nil), line: limits.Line, bare: limits.Bare}, nil
}

func (w *logWorker) take(batch []Record) {
	for i := range batch {
		if r := &batch[i]; w.in(r) {
			w.one(r)
		}
	}
}

// one takes a record of the window.
func (w *logWorker) one(r *Record) {
	if !w.pipe.run(r) || !w.newest.wants(r) {
		return
	}
	line := evidence.Line{T: float64(r.Time) / 1e9}
	if w.bare {
		line.Text = string(w.pipe.line[:min(len(w.pipe.line), w.line)])
	} else {
		w.pipe.full()
		line.Labels, line.Text = w.pipe.labels.toMap(), cut(w.pipe.line, w.line)
	}
	w.newest.add(r, line)
}

// sample is how much of the newest lines is read again, in bytes, to say why
// nothing matched: some thousand lines, which name the labels that there are.
const sample = 1 << 20

// again looks at the newest lines without a sieve where no line matched: what
// the sieve refused was not counted, and the reader wants to know what there is.
func (w *logWorker) again(ctx context.Context, src Source, window Window) error {
	if _, ok := src.(Scanner); !ok {
		return nil
	}
	pipe, err := compilePipeline(w.pipe.log)
	if err != nil {
		return err
	}
	pipe.want = needed(pipe.log)
	w.tally, w.pipe = newTally(window, w.timed), pipe
	_, err = scan(ctx, src, Ask{Window: window, Workers: 1, Most: sample}, func(_ int, batch []Record) error {
		w.take(batch)
		return ctx.Err()
	})
	return err
}

func (w *logWorker) merge(o *logWorker) {
	w.tally.merge(&o.tally)
	w.pipe.counts.merge(&o.pipe.counts)
	w.pipe.meet(o.pipe)
	w.newest.merge(o.newest)
}

// plan visits the range aggregations of a query and says what makes a series of
// each. In this dialect a series is what somebody asked for: the labels of the
// selector and of by (…), not every value that a parser found in the line.
func plan(node Expr, outer *Aggregate, visit func(*Range, []string, bool) error) error {
	switch n := node.(type) {
	case *Aggregate:
		return plan(n.Inner, n, visit)
	case *LabelReplace:
		// It may read and write any label, so that nothing is pushed through it.
		return plan(n.Inner, outer.unpushed(), visit)
	case *Binary:
		// What stands around an operator cannot be pushed through it, but its
		// labels must survive.
		keep := outer.unpushed()
		if err := plan(n.Left, keep, visit); err != nil {
			return err
		}
		return plan(n.Right, keep, visit)
	case *Range:
		if g := n.Grouping; g != nil {
			return visit(n, g.Labels, g.Without)
		}
		var group []string
		if outer != nil && outer.Grouping != nil {
			group = outer.Grouping.Labels
			if outer.Grouping.Without {
				if !pushes(outer.Op, n.Op) {
					group = nil
				}
				return visit(n, group, true)
			}
		}
		if n.Op == "absent_over_time" {
			return visit(n, nil, false) // one series, or none
		}
		rules := n.Log.Dialect.rules()
		if outer != nil && pushes(outer.Op, n.Op) && (rules.askedSeries || outer.Op != "avg") {
			return visit(n, group, false)
		}
		if !rules.askedSeries {
			return visit(n, nil, true)
		}
		all := append([]string(nil), group...)
		for _, m := range n.Log.Matchers {
			all = append(all, m.Name)
		}
		return visit(n, unique(all), false)
	}
	return nil
}

// unpushed is an aggregation whose labels must survive, and which cannot be
// computed while lines are read.
func (a *Aggregate) unpushed() *Aggregate {
	if a == nil {
		return nil
	}
	return &Aggregate{Op: "count", Grouping: a.Grouping}
}

// pushes reports whether folding by labels while counting gives what folding
// the series afterwards would. The average of averages is read as the average
// over lines, which is what people mean by it.
func pushes(outer, inner string) bool {
	switch inner {
	case "count_over_time", "rate", "bytes_over_time", "bytes_rate", "sum_over_time":
		return outer == "sum"
	case "min_over_time":
		return outer == "min"
	case "max_over_time":
		return outer == "max"
	case "avg_over_time":
		return outer == "avg"
	}
	return false
}

func unique(list []string) []string {
	var out []string
	seen := map[string]bool{}
	for _, s := range list {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}
