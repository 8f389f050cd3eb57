package onset_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/onset"
)

func series(step float64, values ...float64) []evidence.Point {
	var out []evidence.Point
	for i, v := range values {
		out = append(out, evidence.Point{T: 1000 + step*float64(i), V: v})
	}
	return out
}

func noisy(n int, level func(i int) float64, seed uint64) []evidence.Point {
	r := rand.New(rand.NewPCG(seed, 7))
	values := make([]float64, n)
	for i := range values {
		values[i] = level(i) * (1 + 0.05*r.NormFloat64())
	}
	return series(15, values...)
}

func TestTheOnsetIsTheGapBetweenTheLastUsualSampleAndTheFirstOther(t *testing.T) {
	t.Parallel()
	at, err := onset.Began(series(15, 1, 1.1, 0.9, 1, 1, 1.1, 20, 22, 21, 20))
	require.NoError(t, err)
	require.Equal(t, onset.Interval{From: 1075, To: 1090}, at)
}

// Two troubles that are over hide a third, which has just begun.
func TestEarlierTroublesDoNotHideTheLastOnset(t *testing.T) {
	t.Parallel()
	values := make([]float64, 80)
	for _, i := range []int{10, 11, 12, 24, 25, 26, 27, 38, 39, 55, 56, 57} {
		values[i] = 5
	}
	values[78], values[79] = 2, 2
	at, err := onset.Began(series(15, values...))
	require.NoError(t, err)
	require.Equal(t, onset.Interval{From: 1000 + 77*15, To: 1000 + 78*15}, at)
}

func TestAStepThatARateSmearsBeginsAtItsFoot(t *testing.T) {
	t.Parallel()
	// A rate over four samples: it takes four of them to reach the new level.
	at, err := onset.Began(series(15, 0, 0, 0, 0, 0, 0, 0, 0, 5, 10, 15, 20, 20, 20, 20, 20, 20, 20))
	require.NoError(t, err)
	require.Equal(t, onset.Interval{From: 1105, To: 1120}, at)
}

func TestNoMomentIsClaimedWhereThereIsNone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		why    string
		points []evidence.Point
	}{
		{"nothing", nil},
		{"too few samples", series(15, 0, 0, 9, 9)},
		{"one level", series(15, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5)},
		{"it is over: back at the first level", series(15, 1, 1, 1, 1, 1, 1, 9, 9, 9, 9, 1, 1, 1, 1, 1, 1)},
	} {
		_, err := onset.Began(c.points)
		require.Error(t, err, c.why)
	}
}

func TestWhatClimbsAllTheTimeBeganBeforeWeLooked(t *testing.T) {
	t.Parallel()
	_, err := onset.Began(noisy(120, func(i int) float64 { return 10 + float64(i) }, 3))
	require.Error(t, err)
}

func TestAClimbThatBeginsWithinTheSeriesHasItsFoot(t *testing.T) {
	t.Parallel()
	points := noisy(120, func(i int) float64 { return 10 + max(0, float64(i-60)) }, 3)
	at, err := onset.Began(points)
	require.NoError(t, err)
	require.InDelta(t, points[60].T, at.To, 6*15)
}

func TestOfSeveralStepsTheFirstThatLastsBeginsIt(t *testing.T) {
	t.Parallel()
	level := func(i int) float64 {
		switch {
		case i < 40:
			return 1
		case i < 80:
			return 5
		}
		return 20
	}
	points := noisy(120, level, 1)
	at, err := onset.Began(points)
	require.NoError(t, err)
	require.InDelta(t, points[40].T, at.To, 15)
	require.Len(t, onset.Steps(points), 2)
}

// The first minutes of a service are no usual state that everything later left.
func TestAStartIsNoUsualLevel(t *testing.T) {
	t.Parallel()
	points := noisy(120, func(i int) float64 {
		switch {
		case i < 4:
			return 30
		case i < 110:
			return 1
		}
		return 9
	}, 1)
	at, err := onset.Began(points)
	require.NoError(t, err)
	require.InDelta(t, points[110].T, at.To, 15)
}

func TestNoiseBeginsNothing(t *testing.T) {
	t.Parallel()
	found := 0
	for seed := range uint64(300) {
		if _, err := onset.Began(noisy(60, func(int) float64 { return 50 }, seed)); err == nil {
			found++
		}
	}
	require.LessOrEqual(t, found, 6)
}

func TestTheOnsetIsFoundToASampleInNoise(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		points := noisy(120, func(i int) float64 {
			if i < 70 {
				return 1
			}
			return 2
		}, seed)
		at, err := onset.Began(points)
		require.NoError(t, err)
		require.LessOrEqual(t, math.Abs(at.To-points[70].T), 30.0, "seed %d", seed)
	}
}
