package nginx

import (
	"slices"
	"strings"
	"time"
)

// span is the time that is looked at: the recent part, and the part before it
// in slices. What is usual is the median of the slices, so that an incident that
// lasts longer than the recent part does not become the usual state.
type span struct {
	start, split, end time.Time
}

const sliceCount = 12

// sliceOf is the number of the slice of a time, or -1 for the recent part.
func (s span) sliceOf(at time.Time) int {
	if at.After(s.split) {
		return -1
	}
	whole := s.split.Sub(s.start)
	return min(max(int(at.Sub(s.start)*sliceCount/whole), 0), sliceCount-1)
}

// seconds of the recent part.
func (s span) seconds() float64 { return s.end.Sub(s.split).Seconds() }

// tally is what is counted of one group of requests.
type tally struct {
	now, before   counts
	n, errors     parts              // before
	times         [sliceCount]spread // before, of took
	recent, bytes spread             // of now: took, bytes
	bytesBefore   [sliceCount]spread
	connect       spread
	bond          bond
}

type counts struct{ n, errors int64 }

func (c *counts) add(failed bool) {
	c.n++
	if failed {
		c.errors++
	}
}

// parts are counts of something by slice.
type parts [sliceCount]int64

// usualShare is the median over the slices of a part of a whole; nil where the
// whole is too small. Neighbours are joined until most have enough.
func usualShare(part, whole *parts) any {
	for _, width := range []int{1, 2, 3, 4, 6, sliceCount} {
		var values []float64
		for i := 0; i < sliceCount; i += width {
			var n, all int64
			for j := i; j < i+width; j++ {
				n, all = n+part[j], all+whole[j]
			}
			if all >= leastUsual {
				values = append(values, float64(n)/float64(all))
			}
		}
		if 2*len(values)*width >= sliceCount {
			return median(values)
		}
	}
	return nil
}

func (c counts) errorShare() any {
	if c.n == 0 {
		return nil
	}
	return round(float64(c.errors) / float64(c.n))
}

// add counts a request: its slice, whether it failed, how long it took, and how
// much it sent.
func (t *tally) add(slice int, failed bool, took, bytes float64) {
	if slice >= 0 {
		t.before.add(failed)
		t.n[slice]++
		if failed {
			t.errors[slice]++
		}
		t.times[slice].add(took)
		t.bytesBefore[slice].add(bytes)
		return
	}
	t.now.add(failed)
	t.recent.add(took)
	t.bytes.add(bytes)
	t.bond.add(bytes, took)
}

// leastUsual are so many values that a slice says what is usual.
const leastUsual = 5

// usual is the median over the slices of a quantile; nil where there are too few
// values. Neighbours are joined until most have enough.
func usual(list *[sliceCount]spread, p float64) any {
	for _, width := range []int{1, 2, 3, 4, 6, sliceCount} {
		var values []float64
		for i := 0; i < sliceCount; i += width {
			var joined spread
			for j := i; j < i+width; j++ {
				joined.join(&list[j])
			}
			if joined.n >= leastUsual {
				values = append(values, joined.quantile(p).(float64))
			}
		}
		if 2*len(values)*width >= sliceCount {
			return median(values)
		}
	}
	return nil
}

// part of a whole; nil of none.
func partOf(n, whole int64) any {
	if whole == 0 {
		return nil
	}
	return round(float64(n) / float64(whole))
}

// group are tallies by name, of which only so many are kept.
type group struct {
	by   map[string]*tally
	most int
}

// others takes what is beyond the bound.
const others = "(others)"

func newGroup(most int) *group { return &group{by: map[string]*tally{}, most: most} }

func (g *group) at(name string) *tally {
	t := g.by[name]
	if t == nil {
		if len(g.by) >= g.most {
			if name = others; g.by[name] != nil {
				return g.by[name]
			}
		}
		t = &tally{}
		g.by[name] = t
	}
	return t
}

// ranked are the names by number of recent requests, then of those before.
func (g *group) ranked() []string {
	names := make([]string, 0, len(g.by))
	for name := range g.by {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		x, y := g.by[a], g.by[b]
		switch {
		case x.now.n != y.now.n:
			return int(y.now.n - x.now.n)
		case x.before.n != y.before.n:
			return int(y.before.n - x.before.n)
		}
		return strings.Compare(a, b)
	})
	return names
}

// rates counts requests by slice, for what is usual per second.
type rates struct {
	slices      [sliceCount]int64
	now         int64
	first, last time.Time
}

func (r *rates) add(slice int, at time.Time) {
	if r.first.IsZero() || at.Before(r.first) {
		r.first = at
	}
	if at.After(r.last) {
		r.last = at
	}
	if slice < 0 {
		r.now++
		return
	}
	r.slices[slice]++
}

// before is the median rate of the slices since the first line; nil where the
// log is younger.
func (r *rates) before(s span) any {
	width := s.split.Sub(s.start) / sliceCount
	var values []float64
	for i, n := range r.slices {
		begin := s.start.Add(time.Duration(i) * width)
		if r.first.IsZero() || r.first.After(begin.Add(width/10)) {
			continue // a slice that the log does not cover
		}
		values = append(values, float64(n)/width.Seconds())
	}
	return median(values)
}
