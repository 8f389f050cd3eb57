package logql

import (
	"sort"
	"time"
)

// counterRate is what a counter gained in a range, for each second of the
// range. A fall is a reset, after which it began at zero. Nothing is
// extrapolated to the ends of the range; one sample alone gained nothing.
func counterRate(b *bucket, over time.Duration) (float64, bool) {
	n := len(b.values)
	if n < 2 {
		return 0, n == 1
	}
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(x, y int) bool { return b.times[order[x]] < b.times[order[y]] })
	gained := 0.0
	for i := 1; i < n; i++ {
		before, v := b.values[order[i-1]], b.values[order[i]]
		if v < before {
			before = 0
		}
		gained += v - before
	}
	return gained / over.Seconds(), true
}
