package logql

import "time"

// pointsWanted is how many points a series has where the question names no
// step: as many as anyone can see in a small chart.
const pointsWanted = 120

// StepFor is the step of a series that looks back so far: about a 120th of it,
// rounded up to a length that people use.
func StepFor(since time.Duration) time.Duration {
	least := since / pointsWanted
	for _, s := range []time.Duration{
		time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
		time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
		time.Hour, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	} {
		if s >= least {
			return s
		}
	}
	return least.Truncate(24*time.Hour) + 24*time.Hour
}
