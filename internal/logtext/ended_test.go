package logtext_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/logtext"
)

func TestLinesThatHaveEnded(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_767_268_800, 0)
	lines := func(ages ...float64) []evidence.Line {
		var out []evidence.Line
		for _, age := range ages {
			out = append(out, evidence.Line{T: float64(now.Unix()) - age})
		}
		return out
	}
	goesOn := func(evidence.Line, float64) bool { return true }
	for name, c := range map[string]struct {
		lines []evidence.Line
		ended bool
	}{
		"a burst that is over":                           {lines(90, 91, 92, 93), true},
		"in any order":                                   {lines(93, 90, 92, 91), true},
		"a burst of just now":                            {lines(40, 41, 42, 43), false},
		"traces that have no time of their own":          {lines(92, 90, 90, 90, 90, 90, 90), false},
		"two are too few":                                {lines(300, 301), false},
		"one every two minutes":                          {lines(100, 220, 340, 460), false},
		"a client that tries again more and more seldom": {lines(70, 102, 118, 126, 130, 132), false},
		"a long break between two bursts":                {lines(append([]float64{700, 701, 702}, 90, 91, 92, 93, 94, 95, 96, 97, 98, 99, 100)...), true},
	} {
		got := logtext.Ended(c.lines, now, goesOn)
		require.Equal(t, c.ended, got != 0, name)
	}
	require.Equal(t, float64(now.Unix())-90, logtext.Ended(lines(90, 91, 92), now, goesOn))
	require.Zero(t, logtext.Ended(lines(90, 91, 92), now, func(_ evidence.Line, after float64) bool {
		return after < float64(now.Unix())-95 // nothing was written since
	}), "who is dead complains no more")
}
