package spike

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestChances(t *testing.T) {
	t.Parallel()
	// The tail of a binomial, summed by hand.
	for _, c := range []struct {
		before, after int
		share         float64
	}{{0, 1, 0.25}, {3, 7, 0.25}, {10, 2, 0.5}, {0, 40, 0.1}, {100, 30, 0.2}} {
		n, want := c.before+c.after, 0.0
		for k := c.after; k <= n; k++ {
			ln, _ := math.Lgamma(float64(n + 1))
			lk, _ := math.Lgamma(float64(k + 1))
			lr, _ := math.Lgamma(float64(n - k + 1))
			want += math.Exp(ln - lk - lr + float64(k)*math.Log(c.share) + float64(n-k)*math.Log1p(-c.share))
		}
		require.InEpsilon(t, want, riseChance(c.before, c.after, c.share, 1), 1e-6)
	}
	g, p := gTest(10, 20, 10, 20)
	require.InDelta(t, 0, g, 1e-9)
	require.InDelta(t, 1, p, 1e-4)
	g, p = gTest(30, 40, 10, 40)
	require.InDelta(t, 20.93, g, 0.01)
	require.InDelta(t, 4.8e-6, p, 1e-6)
	require.Equal(t, []bool{true, false, true}, discoveries([]float64{0.001, 0.5, 0.006}, 0.01))
}
