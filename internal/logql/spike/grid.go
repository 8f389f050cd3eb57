package spike

import "github.com/quellhq/quell/internal/logql/pattern"

// grid is the time of a report in equal stretches.
type grid struct {
	width, start int64
	exposure     []float64 // part of each stretch that was looked at; 0 in a gap
	gaps         [][2]int64
	strays       int // messages far off in time, left out
}

// gapLines is how many lines are missed in a silent stretch before it is called
// a gap: by chance as many fail to come once in half a billion times.
const gapLines = 20

// newGrid lays the grid over what was read, (start, end], and finds the gaps: the
// log itself is silent there, which says nothing about errors.
func newGrid(all *pattern.Series, start, end int64) grid {
	g := grid{width: all.Width()}
	from, to := g.bounds(all, start > 0 || end > 0)
	first, last := from, to
	if start > 0 {
		from, first = start, min(start, first)
	}
	if end > 0 {
		to, last = max(end, from+1), max(end, last)
	}
	for (last-first)/g.width >= maxStretches {
		g.width *= 2
	}
	g.start = first / g.width * g.width
	n := int((last - g.start + g.width - 1) / g.width)
	g.exposure = make([]float64, n)
	for i := range g.exposure {
		a, b := g.start+int64(i)*g.width, g.start+int64(i+1)*g.width
		g.exposure[i] = max(0, float64(min(b, to)-max(a, from))/float64(g.width))
	}
	g.findGaps(g.dense(all))
	return g
}

// strays are so small a share of all messages that a time far off the others is
// taken for a clock that was wrong. Own value.
const strays = 0.05

// bounds is the time that a series covers. Unless the caller has named a window,
// a few messages that lie further off than all the others reach are left out: one
// wrong clock would make every stretch of the grid years long.
func (g *grid) bounds(all *pattern.Series, named bool) (from, to int64) {
	low, high := 0, all.Len()
	total := float64(all.Total())
	for !named && high-low > 1 {
		gap, at, before, left := int64(0), 0, 0, 0
		for i := low; i < high; i++ {
			start, count := all.At(i)
			if i > low {
				if previous, _ := all.At(i - 1); start-previous > gap {
					gap, at, left = start-previous, i, before
				}
			}
			before += count
		}
		first, _ := all.At(low)
		last, _ := all.At(high - 1)
		right := before - left
		few := float64(min(left, right)) < strays*total
		if !few || 2*gap <= last-first || gap < 100*g.width {
			break
		}
		if left < right {
			g.strays, low = g.strays+left, at
		} else {
			g.strays, high = g.strays+right, at
		}
	}
	from, _ = all.At(low)
	to, _ = all.At(high - 1)
	return from, to + g.width
}

// maxStretches bounds a grid whose window is longer than its log.
const maxStretches = 512

// findGaps takes the silent stretches out. The rate is that of the stretches
// with lines around, so that gaps do not dilute it.
func (g *grid) findGaps(lines []float64) {
	total, busy := 0.0, 0.0
	for i, c := range lines {
		if c > 0 {
			total += c
			busy += max(g.exposure[i], 0.1)
		}
	}
	if total == 0 {
		return
	}
	// Where lines are rare, stretches without any are no gap: the rate is taken
	// over all of the time there.
	rate := total / busy
	if busy < float64(len(lines))/2 {
		rate = total / max(float64(len(lines)), 1)
	}
	for i := 0; i < len(lines); i++ {
		j := i
		missed := 0.0
		for j < len(lines) && lines[j] == 0 {
			missed += rate * g.exposure[j]
			j++
		}
		if missed > gapLines && j-i >= 3 {
			for k := i; k < j; k++ {
				g.exposure[k] = 0
			}
			g.gaps = append(g.gaps, [2]int64{g.at(i), g.at(j)})
		}
		i = max(i, j)
	}
}

// at is when a stretch begins.
func (g *grid) at(i int) int64 { return g.start + int64(i)*g.width }

// index is the first stretch that begins at a time or later.
func (g *grid) index(time int64) int {
	i := int((time - g.start + g.width - 1) / g.width)
	return min(max(i, 0), len(g.exposure))
}

// dense is a series on the grid.
func (g *grid) dense(s *pattern.Series) []float64 {
	out := make([]float64, len(g.exposure))
	for i := range s.Len() {
		start, count := s.At(i)
		if at := (start - g.start) / g.width; start >= g.start && at < int64(len(out)) {
			out[at] += float64(count)
		}
	}
	return out
}

// sum adds up a part of the grid.
func sum(list []float64) float64 {
	total := 0.0
	for _, v := range list {
		total += v
	}
	return total
}
