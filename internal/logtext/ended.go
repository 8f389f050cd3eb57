package logtext

import (
	"slices"
	"time"

	"github.com/quellhq/quell/internal/evidence"
)

// When lines that came again and again count as ended (own values): so many of
// them were written, and none for so long, nor for three times as long as nine in
// ten of the pauses between them.
const (
	leastEnded  = 3
	endedAfter  = time.Minute
	endedPauses = 3
	mostEnded   = 200 // newest lines that are looked at
)

// Ended is when lines ended that had come again and again, in seconds since 1970;
// 0 where they go on, where they are too few to tell, and where what they stand in
// has ended with them: a program that is dead complains no more, and is not well.
// goesOn reports whether the source of a line was written to after a moment.
func Ended(lines []evidence.Line, now time.Time, goesOn func(l evidence.Line, after float64) bool) float64 {
	if len(lines) < leastEnded {
		return 0
	}
	newest := slices.Clone(lines)
	slices.SortFunc(newest, func(a, b evidence.Line) int {
		switch {
		case a.T < b.T:
			return -1
		case a.T > b.T:
			return 1
		}
		return 0
	})
	newest = newest[max(0, len(newest)-mostEnded):]
	var pauses []float64
	for i := 1; i < len(newest); i++ {
		pauses = append(pauses, newest[i].T-newest[i-1].T)
	}
	slices.Sort(pauses)
	last := newest[len(newest)-1].T
	// Lines without a time of their own, like the traces of a program that ends as
	// soon as it has begun, have that of the line before them.
	borrowed := 0
	for _, l := range newest {
		if l.T == last {
			borrowed++
		}
	}
	if 2*borrowed >= len(newest) {
		return 0
	}
	usual := pauses[len(pauses)*9/10]
	if silence := float64(now.UnixNano())/1e9 - last; silence <= endedAfter.Seconds() || silence <= endedPauses*usual {
		return 0
	}
	for _, l := range newest {
		if !goesOn(l, last+endedAfter.Seconds()/2) {
			return 0
		}
	}
	return last
}

// OnceOption is the option of a fence whose lines are written once for as long as
// what they tell of lasts.
const OnceOption = "once"
