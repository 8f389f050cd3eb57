package postgres

import (
	"context"
	"errors"

	"github.com/quellhq/quell/internal/probe"
)

func isContext(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// sample is one reading; at is the server's clock in seconds.
type sample struct {
	rows []map[string]any
	at   float64
}

// sampled reads the same statement twice, a window apart. Its rows must have a
// column "at", the server's clock in seconds. Where tooFew says so of the two,
// the second is read once more, two windows later; nil: never.
func (t *Target) sampled(ctx context.Context, q probe.Question, what, sql string, tooFew func(before, after sample) bool) (before, after sample, err error) {
	read := func(ctx context.Context) (sample, error) {
		r, err := t.query(ctx, sql)
		return sample{rows: r.rows, at: num(r.first(), "at")}, err
	}
	both, err := t.pairs.share(ctx, pairKey{what: what, at: q.Now}, func(ctx context.Context) (any, error) {
		var both [2]sample
		var err error
		if both[0], err = read(ctx); err != nil {
			return both, err
		}
		if err = t.pairs.wait(ctx); err != nil {
			return both, err
		}
		if both[1], err = read(ctx); err != nil || tooFew == nil || !tooFew(both[0], both[1]) {
			return both, err
		}
		if err = sleep(ctx, 2*t.cfg.window); err != nil {
			return both, err
		}
		both[1], err = read(ctx)
		return both, err
	})
	if err != nil {
		return sample{}, sample{}, err
	}
	pair := both.([2]sample)
	return pair[0], pair[1], nil
}

// num is a number of a row as float64; 0 where there is none.
func num(row map[string]any, name string) float64 {
	f, _ := number64(row[name])
	return f
}

func number64(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// str is a text of a row; "" where there is none.
func str(row map[string]any, name string) string {
	s, _ := row[name].(string)
	return s
}

// truth is a boolean of a row; false where there is none.
func truth(row map[string]any, name string) bool {
	b, _ := row[name].(bool)
	return b
}

// grown is how much a counter grew between two rows; ok is false when it is
// missing in one of them or was reset in between.
func grown(before, after map[string]any, name string) (float64, bool) {
	a, okA := number64(before[name])
	b, okB := number64(after[name])
	return b - a, okA && okB && b >= a
}

// delta is grown as a value: nil where it is not known.
func delta(before, after map[string]any, name string) any {
	if d, ok := grown(before, after, name); ok {
		return d
	}
	return nil
}

// perSecond is grown per second of the window, or nil.
func perSecond(before, after map[string]any, name string, window float64) any {
	d, ok := grown(before, after, name)
	if !ok || window <= 0 {
		return nil
	}
	return d / window
}

// ratio is part / whole, or nil where whole is below least.
func ratio(part, whole, least float64) any {
	if whole < least || whole == 0 {
		return nil
	}
	return part / whole
}

// byKey indexes rows by a text that names each.
func byKey(rows []map[string]any, key func(map[string]any) string) map[string]map[string]any {
	out := make(map[string]map[string]any, len(rows))
	for _, r := range rows {
		out[key(r)] = r
	}
	return out
}

// limitOf is the question's argument "limit", at least 1.
func limitOf(q probe.Question, def int) int {
	if n, ok := number64(q.Args["limit"]); ok && n >= 1 {
		return int(n)
	}
	if n, ok := q.Args["limit"].(int); ok && n >= 1 {
		return n
	}
	return def
}
