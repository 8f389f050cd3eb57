package request

import (
	"math"
	"slices"
)

// Bounds of what is usual (own values): a slice tells where it has so many
// requests, what is usual is judged by so many slices, and rests on so many.
const (
	leastRequests = 10
	leastSlices   = 8
	leastUsual    = 4
)

// unusual is how many slices before now are of the same trouble as now: requests
// take three times as long as in half of all slices, far more of them fail, or
// far more or fewer come. What is usual ends before them, so that a fault of ten
// minutes is not held against itself.
func (k kept) unusual(unit float64) int {
	all := map[int]*kinds{}
	last := 0
	for _, list := range k {
		for at, c := range list {
			if at == 0 {
				continue
			}
			if all[at] == nil {
				all[at] = &kinds{}
			}
			all[at].merge(*c)
			last = max(last, at)
		}
	}
	var p95, failed, many []float64
	for at := 1; at < last; at++ { // the oldest slice may have begun before the lines
		c := all[at]
		if c == nil {
			many = append(many, 0)
			continue
		}
		f := figuresOf(*c, unit)
		many = append(many, f.Requests)
		if f.Counted >= leastRequests {
			failed = append(failed, f.Failed)
		}
		if f.Timed >= leastRequests {
			p95 = append(p95, f.P95)
		}
	}
	if len(many) < leastSlices {
		return 0
	}
	usually, fails, comes := median(p95), median(failed), median(many)
	n := 0
	for at := 1; at < last; at++ {
		c := all[at]
		if c == nil {
			c = &kinds{}
		}
		f := figuresOf(*c, unit)
		slow := f.Timed >= leastRequests && f.P95 > 3*usually
		fail := f.Counted >= leastRequests && f.Failed > 3*fails+0.05
		more := f.Requests > 2.5*comes+4*math.Sqrt(comes)
		fewer := comes >= 4*leastRequests && f.Requests < comes/4
		if !slow && !fail && !more && !fewer {
			break
		}
		n = at
	}
	if n == 0 {
		return 0
	}
	n++ // it began within a slice
	if last-n < leastUsual {
		return 0
	}
	return n
}

// side puts together what is usual and what is now.
func (k kept) side(unusual int) side {
	out := side{}
	for name, list := range k {
		p := &pair{}
		for at, c := range list {
			switch {
			case at == 0:
				p[1].merge(*c)
			case at > unusual:
				p[0].merge(*c)
			}
		}
		out[name] = p
	}
	return out
}

// figuresOf one slice.
func figuresOf(k kinds, unit float64) Figures {
	best, _ := pair{1: k}.best()
	return figures(best, k.timed, unit, 1)
}

// median of numbers; NaN of none, which nothing is above.
func median(list []float64) float64 {
	if len(list) == 0 {
		return math.NaN()
	}
	slices.Sort(list)
	return list[len(list)/2]
}
