package demo

import (
	"slices"
	"time"
)

// visit is how one visitor fared.
type visit struct {
	ended time.Time
	took  time.Duration
	good  bool
}

// mostVisits bounds what is remembered: half a minute of the usual rate.
const mostVisits = 4000

// usualSpan is over how long the usual state is looked at before a fault comes.
const usualSpan = 5 * time.Second

func (v *visitors) remember(begun time.Time, good bool) {
	now := time.Now()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.visits = append(v.visits, visit{now, now.Sub(begun), good})
	if n := len(v.visits); n > mostVisits {
		v.visits = slices.Delete(v.visits, 0, n-mostVisits/2)
	}
}

// felt is what visitors felt over a span of time.
type felt struct {
	visits, failed int
	p95            time.Duration
}

// felt looks at the visits that have ended within the last span.
func (v *visitors) felt(span time.Duration) felt {
	v.mu.Lock()
	defer v.mu.Unlock()
	var f felt
	var took []time.Duration
	for _, one := range slices.Backward(v.visits) {
		if time.Since(one.ended) > span {
			break
		}
		f.visits++
		took = append(took, one.took)
		if !one.good {
			f.failed++
		}
	}
	if f.visits > 0 {
		slices.Sort(took)
		f.p95 = took[len(took)*95/100]
	}
	return f
}
