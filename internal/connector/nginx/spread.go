package nginx

import (
	"math"
	"slices"
	"strconv"
)

// spread counts values by size, so that their quantiles can be told without
// keeping them. Buckets grow by 3 %, and a quantile is the largest value of its
// bucket.
type spread struct {
	n       int64
	buckets map[int]bucket
}

type bucket struct {
	n   int64
	max float64
}

const step = 1.03

// add counts a value; NaN and less than nothing are left out.
func (s *spread) add(v float64) {
	if math.IsNaN(v) || v < 0 || math.IsInf(v, 0) {
		return
	}
	if s.buckets == nil {
		s.buckets = map[int]bucket{}
	}
	s.n++
	k := bucketOf(v)
	b := s.buckets[k]
	s.buckets[k] = bucket{n: b.n + 1, max: max(b.max, v)}
}

// join adds the values of another one.
func (s *spread) join(o *spread) {
	if s.buckets == nil {
		s.buckets = map[int]bucket{}
	}
	s.n += o.n
	for k, b := range o.buckets {
		mine := s.buckets[k]
		s.buckets[k] = bucket{n: mine.n + b.n, max: max(mine.max, b.max)}
	}
}

// nothing is the bucket of values below a tenth of a millisecond.
const nothing = math.MinInt32

func bucketOf(v float64) int {
	if v < 1e-4 {
		return nothing
	}
	return int(math.Round(math.Log(v) / math.Log(step)))
}

// quantile is the value below which the share p of all lies; nil with none.
func (s *spread) quantile(p float64) any {
	if s.n == 0 {
		return nil
	}
	keys := make([]int, 0, len(s.buckets))
	for k := range s.buckets {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	left := int64(math.Ceil(p * float64(s.n)))
	for _, k := range keys {
		if left -= s.buckets[k].n; left <= 0 {
			return round(s.buckets[k].max)
		}
	}
	return nil
}

// round keeps four digits: the rest is not known.
func round(v float64) float64 {
	short, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 4, 64), 64)
	return short
}

// bond sums how two values go together. Both are taken by their logarithm: a
// few huge ones must not decide.
type bond struct{ n, x, y, xx, yy, xy float64 }

func (b *bond) add(x, y float64) {
	if math.IsNaN(x) || math.IsNaN(y) || x < 0 || y < 0 {
		return
	}
	x, y = math.Log(x+1), math.Log(y+0.001)
	b.n++
	b.x, b.y, b.xx, b.yy, b.xy = b.x+x, b.y+y, b.xx+x*x, b.yy+y*y, b.xy+x*y
}

// leastPairs are needed before a correlation says anything.
const leastPairs = 30

// correlation is Pearson's, from -1 to 1; nil with too few pairs, or where one
// of the two is always the same.
func (b *bond) correlation() any {
	vx, vy := b.n*b.xx-b.x*b.x, b.n*b.yy-b.y*b.y
	if b.n < leastPairs || vx < 1e-9*b.n*b.n || vy < 1e-9*b.n*b.n {
		return nil
	}
	return round((b.n*b.xy - b.x*b.y) / math.Sqrt(vx*vy))
}

// median of the values; nil with none. Of an even number the lower of the two in
// the middle: what is usual must not be half of what is new.
func median(values []float64) any {
	if len(values) == 0 {
		return nil
	}
	slices.Sort(values)
	return round(values[(len(values)-1)/2])
}
