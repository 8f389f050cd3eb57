package logql

import "context"

// Count says how many lines of the window a log query takes. Unlike Run it
// never stops early, and keeps nothing.
func Count(ctx context.Context, log *Log, src Source, w Window) (int, Reading, error) {
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
		all[i] = &worker{newTally(w, false), pipe}
	}
	ask := Ask{Window: w, Workers: len(all), Sieve: newSieve(log)}
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
