package logql

import "math"

// Histogram counts events in equal stretches of a window.
type Histogram struct {
	start, end int64
	Counts     []int
}

// onsetBuckets is into how many stretches a window is cut: half a minute each
// of half an hour.
const onsetBuckets = 60

// NewHistogram covers the window.
func NewHistogram(w Window) *Histogram {
	return &Histogram{start: w.Start.UnixNano(), end: w.End.UnixNano(), Counts: make([]int, onsetBuckets)}
}

// Add counts one event. Times outside of the window are left out.
func (h *Histogram) Add(time int64) {
	if time <= h.start || time > h.end {
		return
	}
	// Stretches are open at the start and closed at the end.
	n := float64(time-h.start-1) / float64(h.end-h.start) * float64(len(h.Counts))
	h.Counts[min(int(n), len(h.Counts)-1)]++
}

// An onset needs events to come at least twice as often after it as before, and
// a log-likelihood ratio that chance reaches less than once in ten thousand
// windows: 2·ln LR is about chi-squared with the place of the break free among
// 60, and 20 is beyond its 99.99 % point. Own values.
const (
	onsetRatio = 2
	onsetGain  = 10.0
)

// Onset finds when events began to come more often: the beginning of the
// stretch from which on two constant rates explain the counts much better than
// one (Poisson), in nanoseconds since 1970. False where there is no such time.
func (h *Histogram) Onset() (int64, bool) {
	total := 0
	for _, c := range h.Counts {
		total += c
	}
	n := len(h.Counts)
	best, at, before := onsetGain, -1, 0
	for i := 1; i < n; i++ {
		before += h.Counts[i-1]
		after := total - before
		rateBefore, rateAfter := float64(before)/float64(i), float64(after)/float64(n-i)
		if rateAfter < onsetRatio*rateBefore || after == 0 {
			continue
		}
		gain := logRate(before, i) + logRate(after, n-i) - logRate(total, n)
		if gain > best {
			best, at = gain, i
		}
	}
	if at < 0 {
		return 0, false
	}
	return h.start + (h.end-h.start)/int64(n)*int64(at), true
}

// logRate is the part of a Poisson log-likelihood that depends on the rate.
func logRate(count, stretches int) float64 {
	if count == 0 {
		return 0
	}
	return float64(count) * math.Log(float64(count)/float64(stretches))
}
