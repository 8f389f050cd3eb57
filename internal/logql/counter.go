package logql

import (
	"sort"
	"time"
)

// counterRate is the rate of a counter over the range that ends at end, as
// Prometheus computes it: a fall is a reset, and what the counter did before
// its first sample and after its last is extrapolated, as far as samples are
// usually apart and never below zero. Two samples are needed.
func counterRate(b *bucket, end int64, over time.Duration) (float64, bool) {
	n := len(b.values)
	if n < 2 {
		return 0, false
	}
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(x, y int) bool { return b.times[order[x]] < b.times[order[y]] })
	at := func(i int) (float64, float64) { // seconds before the end, and the value
		return float64(end-b.times[order[i]]) / 1e9, b.values[order[i]]
	}
	firstAge, first := at(0)
	lastAge, last := at(n - 1)
	gained := last - first
	for i := 1; i < n; i++ {
		_, before := at(i - 1)
		if _, v := at(i); v < before {
			gained += before
		}
	}
	sampled := firstAge - lastAge
	if sampled <= 0 {
		return 0, false
	}
	between := sampled / float64(n-1)
	toStart, toEnd := over.Seconds()-firstAge, lastAge
	if gained > 0 && first >= 0 {
		toStart = min(toStart, sampled*first/gained)
	}
	covered := sampled
	for _, gap := range []float64{toStart, toEnd} {
		if gap < between*1.1 {
			covered += gap
		} else {
			covered += between / 2
		}
	}
	return gained * covered / sampled / over.Seconds(), true
}
