package chart

import (
	"math"
	"time"
)

// axis is the range of the values, with the marks that a person can count by.
type axis struct {
	low, high float64
	ticks     []tick
}

type tick struct {
	at    float64
	label string
}

// mostTicks is how many steps an axis has at most.
const mostTicks = 5

// farthest is the largest value that an axis can reckon with.
const farthest = 1e300

// newAxis fits the values of all lines, and zero: a chart that leaves it out
// makes a small change look like a big one.
func newAxis(lines []Line, unit Unit) axis {
	low, high := 0.0, 0.0
	for _, l := range lines {
		for _, p := range l.Points {
			low, high = min(low, max(p.V, -farthest)), max(high, min(p.V, farthest))
		}
	}
	if low == high {
		high = unit.whole()
	}
	// Steps are round numbers of what the labels say: of minutes, not of seconds.
	scale := unit.scale(max(-low, high))
	step := roundStep((high-low)/scale.factor/mostTicks) * scale.factor
	a := axis{low: math.Floor(low/step+1e-9) * step, high: math.Ceil(high/step-1e-9) * step}
	for i := 0; i <= int(math.Round((a.high-a.low)/step)); i++ {
		v := a.low + float64(i)*step
		a.ticks = append(a.ticks, tick{v, scale.text(v, step)})
	}
	return a
}

// roundStep is the smallest of 1, 2, 2.5 and 5 times a power of ten that is not
// below least.
func roundStep(least float64) float64 {
	if least <= 0 || math.IsInf(least, 0) || math.IsNaN(least) {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(least)))
	for _, m := range []float64{1, 2, 2.5, 5, 10} {
		if m*power >= least*(1-1e-9) {
			return m * power
		}
	}
	return 10 * power
}

type timeTick struct {
	at    time.Time
	label string
}

// timeSteps are the steps that people count time by.
var timeSteps = []time.Duration{
	time.Second, 5 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
}

// timeTicks are round times, in UTC, far enough apart for their labels.
func timeTicks(from, to time.Time, width float64) []timeTick {
	const apart = 64
	most := max(int(width/apart), 1)
	step := 24 * time.Hour
	for _, s := range timeSteps {
		if to.Sub(from)/s <= time.Duration(most) {
			step = s
			break
		}
	}
	for to.Sub(from)/step > time.Duration(most) {
		step *= 2
	}
	layout := "15:04"
	switch {
	case step < time.Minute:
		layout = "15:04:05"
	case step >= 24*time.Hour:
		layout = "2 Jan"
	}
	var out []timeTick
	for t := from.UTC().Truncate(step); !t.After(to); t = t.Add(step) {
		if t.Before(from) {
			continue
		}
		label := t.Format(layout)
		if label == "00:00" {
			label = t.Format("2 Jan")
		}
		out = append(out, timeTick{t, label})
	}
	return out
}
