package spike

import (
	"math"

	"github.com/quellhq/quell/internal/logql/pattern"
)

// An onset needs events to come at least twice as often as outside of it, and
// this many of them. Own values.
const (
	onsetRatio = 2
	leastRise  = 5
)

// step is a stretch of the grid, [from, to), in which events came more often.
type step struct {
	from, to int
	gain     float64 // how much better two rates explain the counts than one
	ramp     bool    // a slow growth explains them better still
}

// findStep looks for the stretch that stands out most: of all stretches the one
// whose own rate, beside one rate for the rest, explains the counts best
// (Poisson). The gain is divided by the spread of the rest, so that a job that
// logs in bursts is no news, and must pass what chance reaches among that many
// stretches: 2·gain is about chi-squared, and there are about n²/2 stretches that
// overlap much. more is added to what must be passed, for one who asks of many
// series.
func findStep(counts, exposure []float64, more float64) (step, bool) {
	n := len(counts)
	c, e := make([]float64, n+1), make([]float64, n+1)
	for i := range counts {
		c[i+1], e[i+1] = c[i], e[i]
		if exposure[i] > 0 {
			c[i+1] += counts[i]
			e[i+1] += exposure[i]
		}
	}
	best := step{}
	one := poisson(c[n], e[n])
	for a := range n {
		// Something must have been seen before.
		if e[a] < 2 || exposure[a] == 0 || counts[a] == 0 {
			continue
		}
		for b := a + 1; b <= n; b++ {
			in, out := c[b]-c[a], c[n]-c[b]+c[a]
			inTime, outTime := e[b]-e[a], e[n]-e[b]+e[a]
			if in < leastRise || in*outTime < onsetRatio*out*inTime || !wasCalm(c[a], in/inTime*e[a]) {
				continue
			}
			if gain := poisson(in, inTime) + poisson(out, outTime) - one; gain > best.gain {
				best = step{from: a, to: b, gain: gain}
			}
		}
	}
	if best.gain == 0 {
		return best, false
	}
	best.gain /= spread(counts, exposure, best.from, best.to)
	if best.gain < 8+math.Log(float64(n))+more || recurs(c, e, best) {
		return best, false
	}
	if e[n]-e[best.to] < math.Max(2, endless*e[n]) {
		best.to = n
		in, out := c[n]-c[best.from], c[best.from]
		two := poisson(in, e[n]-e[best.from]) + poisson(out, e[best.from])
		best.ramp = out > 0 && line(counts, exposure) > two
	}
	return best, true
}

// endless is the share of the time at its end in which a rise is not said to be
// over: a pause of that length is no news.
const endless = 0.02

// wasCalm reports whether fewer events came before than would have come at the
// later rate, by three times the spread of such a count: where traffic only
// falls, or where the time before is too short to tell, nothing rose.
func wasCalm(before, expected float64) bool {
	return before+3*math.Sqrt(expected) < expected
}

// recurs reports whether another stretch as long, apart from this one, stands out
// at least half as far: then it is something that happens now and then. c and e
// are running totals of counts and exposure.
func recurs(c, e []float64, s step) bool {
	n, length := len(c)-1, s.to-s.from
	usual := (c[n] - c[s.to] + c[s.from]) / (e[n] - e[s.to] + e[s.from])
	excess := func(a, b int) float64 { return c[b] - c[a] - usual*(e[b]-e[a]) }
	own := excess(s.from, s.to)
	for a := 0; a+length <= n; a++ {
		if (a+length <= s.from || a >= s.to) && 2*excess(a, a+length) >= own {
			return true
		}
	}
	return false
}

// poisson is the part of a log-likelihood that depends on the rate.
func poisson(count, time float64) float64 {
	if count == 0 || time == 0 {
		return 0
	}
	return count * math.Log(count/time)
}

// spread is variance by mean of the counts outside of a stretch, at least 1: how
// many events come together.
func spread(counts, exposure []float64, from, to int) float64 {
	n, total, squares := 0.0, 0.0, 0.0
	for i := range counts {
		if i >= from && i < to || exposure[i] < 0.5 {
			continue
		}
		v := counts[i] / exposure[i]
		n++
		total += v
		squares += v * v
	}
	if n < 4 || total == 0 {
		return 1
	}
	mean := total / n
	return math.Max(1, (squares-n*mean*mean)/(n-1)/mean)
}

// line is the log-likelihood of a rate that changes evenly from one end of the
// time to the other, fitted by expectation–maximisation over both ends.
func line(counts, exposure []float64) float64 {
	n := float64(len(counts))
	left, right := 1.0, 1.0
	var sumLeft, sumRight float64
	for i := range counts {
		t := (float64(i) + 0.5) / n
		sumLeft += exposure[i] * (1 - t)
		sumRight += exposure[i] * t
	}
	if sumLeft == 0 || sumRight == 0 {
		return math.Inf(-1)
	}
	for range 60 {
		var toLeft, toRight float64
		for i, c := range counts {
			if c == 0 || exposure[i] == 0 {
				continue
			}
			t := (float64(i) + 0.5) / n
			rate := left*(1-t) + right*t
			toLeft += c * left * (1 - t) / rate
			toRight += c * right * t / rate
		}
		left, right = math.Max(toLeft/sumLeft, 1e-12), math.Max(toRight/sumRight, 1e-12)
	}
	total := 0.0
	for i, c := range counts {
		if c > 0 && exposure[i] > 0 {
			t := (float64(i) + 0.5) / n
			total += c * math.Log(left*(1-t)+right*t)
		}
	}
	return total
}

// Began says when events began to come more often, and when that was over (0
// where it lasts), in nanoseconds since 1970. All are the lines of the same log,
// failed or not: where there are none the log was silent. Start and End bound the
// time that was read. False where there is no such moment, or the events grew
// slowly.
func Began(events, all *pattern.Series, start, end int64) (onset, over int64, ok bool) {
	if all.Total() == 0 {
		return 0, 0, false
	}
	g := newGrid(all, start, end)
	s, ok := findStep(g.dense(events), g.exposure, 0)
	if !ok || s.ramp {
		return 0, 0, false
	}
	if s.to < len(g.exposure) {
		over = g.at(s.to)
	}
	return g.at(s.from), over, true
}
