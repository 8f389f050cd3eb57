// Package onset finds when a series left its usual level: as an interval, since
// between two samples nobody looked, or not at all where it cannot be told.
package onset

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/quellhq/quell/internal/evidence"
)

// Interval is when something began: after From, and by To at the latest, in
// seconds since 1970.
type Interval struct{ From, To float64 }

// least is how many samples a step needs around it.
const least = 8

// clear is from when on a step counts, as Student's t measures it (own value:
// the best of all splits of pure noise stays below it in 99 of 100 series, see
// the test of package expr).
const clear = 5

// ErrNone says that a series has no clear step.
var ErrNone = errors.New("no clear step in the series")

// Split is the index of the first sample behind the clearest step of a series:
// where the means before and after differ most, by a tenth of the larger one at
// least.
func Split(ps []evidence.Point) (int, error) {
	if len(ps) < least {
		return 0, fmt.Errorf("%d samples are too few to see a step", len(ps))
	}
	i, score, gap, level := best(ps)
	if score < clear || gap < level/10 {
		return 0, ErrNone
	}
	return i, nil
}

// best is the split with the highest score, the gap that it leaves, and the
// larger of both levels.
func best(ps []evidence.Point) (at int, score, gap, level float64) {
	n := len(ps)
	prefix, squares := make([]float64, n+1), make([]float64, n+1)
	for i, p := range ps {
		prefix[i+1] = prefix[i] + p.V
		squares[i+1] = squares[i] + p.V*p.V
	}
	for i := 2; i <= n-2; i++ {
		before, after := prefix[i]/float64(i), (prefix[n]-prefix[i])/float64(n-i)
		within := squares[n] - float64(i)*before*before - float64(n-i)*after*after
		spread := math.Sqrt(math.Max(within, 0)/float64(n-2)) * math.Sqrt(1/float64(i)+1/float64(n-i))
		larger := math.Max(math.Abs(before), math.Abs(after))
		g := math.Abs(after - before)
		if s := g / math.Max(spread, 1e-9*larger+1e-12); s > score {
			at, score, gap, level = i, s, g, larger
		}
	}
	return at, score, gap, level
}

// deepest bounds how often a series is split again: 15 steps at most.
const deepest = 4

// Steps are all clear steps of a series, in order of time. A series that climbs
// all the time has none: its beginning lies before it.
func Steps(ps []evidence.Point) []Interval {
	var cuts []int
	var cut func(from, to, depth int)
	cut = func(from, to, depth int) {
		if depth == deepest {
			return
		}
		i, err := Split(ps[from:to])
		if err != nil {
			return
		}
		cut(from, from+i, depth+1)
		cuts = append(cuts, from+i)
		cut(from+i, to, depth+1)
	}
	if len(ps) >= least && climbs(ps) {
		return nil
	}
	cut(0, len(ps), 0)
	out := make([]Interval, 0, len(cuts))
	start := 0
	for n, c := range cuts {
		end := len(ps)
		if n+1 < len(cuts) {
			end = cuts[n+1]
		}
		first := foot(ps, start, c, end)
		out = append(out, Interval{From: ps[max(first-1, 0)].T, To: ps[first].T})
		start = c
	}
	return out
}

// foot walks back from a cut to the first sample that had left the level
// before: where a rate is taken over a window, a step is smeared over it, and
// its middle is not its beginning.
func foot(ps []evidence.Point, start, cut, end int) int {
	before, spread := level(ps[start:cut])
	after, _ := level(ps[cut:end])
	away := math.Max(4*spread, math.Abs(after-before)/10)
	first := cut
	for first-1 > start && math.Abs(ps[first-1].V-before) > away && (ps[first-1].V > before) == (after > before) {
		first--
	}
	return first
}

// level is the median, and the median distance from it as a standard
// deviation: a few samples of the step do not move them.
func level(ps []evidence.Point) (mid, spread float64) {
	values := make([]float64, len(ps))
	for i, p := range ps {
		values[i] = p.V
	}
	mid = median(values)
	for i := range values {
		values[i] = math.Abs(values[i] - mid)
	}
	return mid, 1.4826 * median(values)
}

func median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

// climbs reports whether a straight line tells a series better than a step does.
func climbs(ps []evidence.Point) bool {
	n := float64(len(ps))
	var st, sv float64
	for _, p := range ps {
		st, sv = st+p.T/n, sv+p.V/n
	}
	var tt, tv, vv float64
	for _, p := range ps {
		tt += (p.T - st) * (p.T - st)
		tv += (p.T - st) * (p.V - sv)
		vv += (p.V - sv) * (p.V - sv)
	}
	if tt == 0 {
		return false
	}
	i, _, _, _ := best(ps)
	return i > 0 && vv-tv*tv/tt < residue(ps[:i])+residue(ps[i:])
}

func residue(ps []evidence.Point) float64 {
	mean, sum := 0.0, 0.0
	for _, p := range ps {
		mean += p.V / float64(len(ps))
	}
	for _, p := range ps {
		sum += (p.V - mean) * (p.V - mean)
	}
	return sum
}

// What a series begins with is its usual level where it has at least so many
// samples, and such a share of all (own values).
const (
	leastUsual      = 6
	leastUsualShare = 0.1
)

// Began is when a series left its first level for that which it has at its
// end. It is unknown where the series has no clear step, or is back where it
// was. Where earlier troubles hide the last step, the later half is looked at by
// itself, and the later half of that.
func Began(ps []evidence.Point) (Interval, error) {
	at, err := began(ps)
	if !errors.Is(err, ErrNone) {
		return at, err
	}
	usual, spread := level(ps)
	for n := len(ps) / 2; n >= least; n /= 2 {
		later, none := began(ps[len(ps)-n:])
		if none == nil && !near(usual, spread, ps[index(ps, later.To):]) {
			return later, nil
		}
	}
	return at, err
}

// index is the first sample at a moment or after it.
func index(ps []evidence.Point, t float64) int {
	return slices.IndexFunc(ps, func(p evidence.Point) bool { return p.T >= t })
}

// near reports whether samples are at the usual level.
func near(usual, spread float64, ps []evidence.Point) bool {
	at, _ := level(ps)
	return math.Abs(at-usual) <= math.Max(4*spread, math.Max(math.Abs(at), math.Abs(usual))/10)
}

func began(ps []evidence.Point) (Interval, error) {
	if len(ps) < least {
		return Interval{}, fmt.Errorf("%d samples are too few to see a step", len(ps))
	}
	steps := Steps(ps)
	if len(steps) == 0 {
		return Interval{}, ErrNone
	}
	// A service that has just started is at its usual level soon after.
	for len(steps) > 1 && float64(index(ps, steps[0].To)) < max(leastUsual, leastUsualShare*float64(len(ps))) {
		ps, steps = ps[index(ps, steps[0].To):], steps[1:]
	}
	// The levels between the steps: the first that is not the usual one any
	// more, and stays so until the end, begins it.
	usual, spread := level(ps[:index(ps, steps[0].To)])
	began := -1
	for i := len(steps) - 1; i >= 0; i-- {
		end := len(ps)
		if i+1 < len(steps) {
			end = index(ps, steps[i+1].To)
		}
		if near(usual, spread, ps[index(ps, steps[i].To):end]) {
			break
		}
		began = i
	}
	if began < 0 {
		return Interval{}, errors.New("the series is back at its first level")
	}
	return steps[began], nil
}

// Spacing is the usual time between two samples, in seconds.
func Spacing(ps []evidence.Point) float64 {
	if len(ps) < 2 {
		return 0
	}
	gaps := make([]float64, 0, len(ps)-1)
	for i := 1; i < len(ps); i++ {
		gaps = append(gaps, ps[i].T-ps[i-1].T)
	}
	return median(gaps)
}
