package logql

import "context"

// Count says how many lines of the window a log query takes. Unlike Run it
// never stops early, and keeps nothing.
func Count(ctx context.Context, log *Log, src Source, w Window) (int, Reading, error) {
	return countIn(ctx, log, src, Ask{Window: w})
}

// countIn is Count for a part of the source.
func countIn(ctx context.Context, log *Log, src Source, ask Ask) (int, Reading, error) {
	type worker struct {
		tally
		pipe *pipeline
	}
	all := make([]*worker, workers(src))
	for i := range all {
		pipe, err := compilePipeline(log)
		if err != nil {
			return 0, Reading{}, err
		}
		pipe.want = needed(log)
		all[i] = &worker{newTally(ask.Window, false), pipe}
	}
	ask.Workers, ask.Sieve = len(all), newSieve(log)
	reading, err := scan(ctx, src, ask, func(n int, batch []Record) error {
		own := all[n]
		for i := range batch {
			if own.in(&batch[i]) {
				own.pipe.run(&batch[i])
			}
		}
		return ctx.Err()
	})
	matched := 0
	for _, own := range all {
		matched += own.pipe.counts.Matched
	}
	return matched, reading, err
}
