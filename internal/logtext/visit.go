package logtext

import (
	"context"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/logql"
	"github.com/quellhq/quell/internal/logql/request"
	"github.com/quellhq/quell/internal/probe"
)

// visited is what reading the lines of a question came to.
type visited struct {
	window logql.Window
	split  int64
	stats  logql.Stats
	notes  []string
	hint   string
	args   patternArgs
}

// read gives each line of the recent time and of the time before it to a
// visitor, with all of its fields. Several goroutines read; begin makes the
// visitor of each, which it is told the split of.
func (t Asker) read(ctx context.Context, q probe.Question, before string, begin func(split int64) func(logql.Entry)) (visited, *evidence.Answer) {
	var v visited
	if q.Args["before"] == nil {
		q.Args = withArg(q.Args, "before", before)
	}
	failed := func(a evidence.Answer) (visited, *evidence.Answer) { return v, &a }
	args, err := t.args(q)
	if err != nil {
		return failed(evidence.Not(evidence.Invalid, err.Error(), ""))
	}
	files, err := t.Lines(ctx, q, args.window+args.before)
	if err != nil {
		return failed(t.Failed(err))
	}
	v.args, v.split = args, q.Now.Add(-args.window).UnixNano()
	v.window = logql.Since(q.Now, args.window+args.before)
	var reading logql.Reading
	v.stats, reading, v.hint, err = logql.VisitLabels(ctx, args.log, files, v.window, func() func(logql.Entry) { return begin(v.split) })
	if err != nil {
		return failed(t.Failed(err))
	}
	v.notes = reading.Notes
	if v.stats.Matched == 0 {
		return failed(t.Silent(ctx, q, v.stats, args.window+args.before, v.hint))
	}
	return v, nil
}

// tallied gives each line of the recent time and of the time before it to a tally,
// one for each goroutine that reads, and puts them together.
func tallied[T interface{ Merge(T) }](ctx context.Context, t Asker, q probe.Question, before string, begin func(split int64) T, add func(tally T, l request.Line, level string)) (tally T, v visited, failed *evidence.Answer) {
	var tallies []T
	v, failed = t.read(ctx, q, before, func(split int64) func(logql.Entry) {
		tally := begin(split)
		tallies = append(tallies, tally)
		var fields []request.Field
		halves := request.Halves{}
		return func(e logql.Entry) {
			fields = fields[:0]
			for _, f := range e.Labels {
				fields = append(fields, request.Field(f))
			}
			add(tally, halves.Whole(request.Line{At: e.Time, Text: e.Line, Message: e.Message, Fields: fields}), e.Level)
		}
	})
	if failed != nil {
		return tally, v, failed
	}
	for _, other := range tallies[1:] {
		tallies[0].Merge(other)
	}
	return tallies[0], v, nil
}

// opened opens the lines of the time that a question asks for with its argument
// window, and the query that takes those of the service that it is about.
func (t Asker) opened(ctx context.Context, q probe.Question, fallback time.Duration) (files logql.Source, lines *logql.Log, window time.Duration, failed *evidence.Answer) {
	not := func(a evidence.Answer) (logql.Source, *logql.Log, time.Duration, *evidence.Answer) {
		return nil, nil, 0, &a
	}
	window, err := Duration(q.Args["window"], fallback)
	if err != nil {
		return not(evidence.Not(evidence.Invalid, "window: "+err.Error(), ""))
	}
	files, err = t.Lines(ctx, q, window)
	if err != nil {
		return not(t.Failed(err))
	}
	labels := map[string]string{}
	if q.Service.Name != "" {
		labels["service"] = q.Service.Name
	}
	return files, logql.SelectLabels(labels), window, nil
}

// withArg is a copy of arguments with one more.
func withArg(args map[string]any, name string, value any) map[string]any {
	out := map[string]any{name: value}
	for k, v := range args {
		out[k] = v
	}
	return out
}
