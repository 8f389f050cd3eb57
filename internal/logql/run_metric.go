package logql

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/quellhq/quell/internal/evidence"
)

func runMetric(ctx context.Context, q Query, src Source, asked Asked, limits Limits) (Result, error) {
	all := make([]*metricWorker, workers(src))
	for i := range all {
		w, err := newMetricWorker(q, asked, limits)
		if err != nil {
			return Result{}, err
		}
		all[i] = w
	}
	ask := Ask{Window: all[0].window, Workers: len(all)}
	if jobs := all[0].jobs; len(jobs) == 1 {
		ask.Sieve = newSieve(jobs[0].pipe.log, jobs[0].sampled()...)
	}
	reading, err := scan(ctx, src, ask, func(worker int, batch []Record) error {
		if err := all[worker].take(batch); err != nil {
			return err
		}
		return ctx.Err()
	})
	if err != nil {
		return Result{}, err
	}
	w := all[0]
	for _, o := range all[1:] {
		if err := w.merge(o); err != nil {
			return Result{}, err
		}
	}
	matched := w.matched()
	if matched == 0 {
		for _, j := range w.jobs {
			look := &logWorker{tally: newTally(w.window, true), pipe: j.pipe, newest: newNewest(limits, nil)}
			if err := look.again(ctx, src, w.window); err != nil {
				return Result{}, err
			}
			j.pipe, w.stats = look.pipe, look.stats
		}
	}
	stats, hint := w.stats, ""
	for _, j := range w.jobs {
		// Each range aggregation looks at the same lines; the most taken by one stands for all.
		stats.Selected = max(stats.Selected, j.pipe.counts.Selected)
		stats.Matched = max(stats.Matched, j.pipe.counts.Matched)
		if hint == "" {
			hint = j.pipe.hint()
		}
	}
	if matched == 0 {
		stats.Matched = 0 // what was looked at again lies partly outside of what is counted
	}
	return w.answer(stats, reading, hint)
}

// innerSeries is how many series may be kept to be folded into fewer: topk over
// all addresses of a day. Each takes some 200 bytes and its buckets.
const innerSeries = 20_000

// groupedBy is the list of labels of by (…), where the query is one aggregation.
func groupedBy(root Expr) []string {
	for {
		a, ok := root.(*Aggregate)
		if !ok {
			return nil
		}
		if a.Grouping != nil {
			if a.Grouping.Without {
				return nil
			}
			return a.Grouping.Labels
		}
		root = a.Inner
	}
}

// metricWorker counts for the records that one goroutine reads.
type metricWorker struct {
	tally
	window Window
	root   Expr
	grid   grid
	limits Limits // of the answer
	jobs   []*rangeJob
}

// newMetricWorker prepares to count. Errors say which limit was passed, or what
// is wrong with the query.
func newMetricWorker(q Query, asked Asked, limits Limits) (*metricWorker, error) {
	w := &metricWorker{root: q.Root, limits: limits, grid: makeGrid(asked.End, asked.Since, asked.Step, q.Dialect.rules().fromStart)}
	if w.grid.steps > limits.Steps {
		return nil, fmt.Errorf("%d points in time are more than the %d allowed: take a longer step", w.grid.steps, limits.Steps)
	}
	inner := limits
	if q.Dialect.rules().askedSeries {
		inner.Series = max(limits.Series, innerSeries)
	}
	err := plan(w.root, nil, func(r *Range, group []string, without bool) error {
		job, err := newRangeJob(r, w.grid, inner)
		if err != nil {
			return err
		}
		job.identity(group, without)
		if outer := groupedBy(w.root); job.asked == nil && !without {
			job.asked = outer
		}
		w.jobs = append(w.jobs, job)
		return nil
	})
	if err != nil {
		return nil, err
	}
	w.window = Window{Start: asked.End, End: time.Unix(0, w.grid.end)}
	for _, j := range w.jobs {
		if start := time.Unix(0, w.grid.at(0)).Add(-j.node.Range - j.node.Back); start.Before(w.window.Start) {
			w.window.Start = start
		}
	}
	w.tally = newTally(w.window, true)
	return w, nil
}

func (w *metricWorker) take(batch []Record) error {
	for i := range batch {
		if r := &batch[i]; w.in(r) {
			if err := w.one(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// one takes a record of the window. Errors say which limit was passed.
func (w *metricWorker) one(r *Record) error {
	for _, j := range w.jobs {
		if err := j.add(r); err != nil {
			return err
		}
	}
	return nil
}

func (w *metricWorker) merge(o *metricWorker) error {
	w.tally.merge(&o.tally)
	for i, j := range w.jobs {
		if err := j.merge(o.jobs[i]); err != nil {
			return err
		}
	}
	return nil
}

func (w *metricWorker) matched() int {
	matched := 0
	for _, j := range w.jobs {
		matched += j.pipe.counts.Matched
	}
	return matched
}

// answer works out what was counted, and says all that is to be said of it.
func (w *metricWorker) answer(stats Stats, reading Reading, hint string) (Result, error) {
	e := &evaluator{grid: w.grid, jobs: map[*Range]*rangeJob{}}
	result := Result{Stats: stats, Reading: reading, Notes: slices.Clone(reading.Notes), Hint: hint}
	for _, j := range w.jobs {
		e.jobs[j.node] = j
		result.Notes = append(result.Notes, j.notes()...)
	}
	if n := stats.Timeless; n > 0 {
		result.Notes = append(result.Notes, fmt.Sprintf("%s no time and could not be counted", count(n, "line bears", "lines bear")))
	}
	result.Notes = unique(result.Notes)
	list, err := e.eval(w.root)
	if err != nil {
		return result, err
	}
	if len(list) > w.limits.Series {
		labels := make([]map[string]string, len(list))
		for i, s := range list {
			labels[i] = s.labels
		}
		return result, tooManySeries(w.limits.Series, labels)
	}
	result.Notes = append(result.Notes, e.notes...)
	for _, s := range list {
		stream := evidence.Stream{Labels: s.labels}
		for i, has := range s.has {
			if has {
				stream.Points = append(stream.Points, evidence.Point{T: float64(w.grid.at(i)) / 1e9, V: s.values[i]})
			}
		}
		result.Series = append(result.Series, stream)
	}
	return result, nil
}
