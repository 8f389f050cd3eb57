package diagnosis_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What has shown a sign may be over although another of its alternatives cannot be
// seen, and not over although that one is.
func TestWhatHasShownASignIsRefutedByItself(t *testing.T) {
	t.Parallel()
	const text = "a.v > 0.0 || b.v > 0.0"
	pb := book(t, condition{name: "either", signs: []sign{{text, "decisive"}}})
	then := diagnose(subject(pb, "shop", map[string]float64{"a": 1, "b": 0}))
	held := then.Roots[0].Signs[0].Held
	require.Equal(t, []string{"a.v > 0.0"}, held)

	refuted := func(values map[string]float64, held ...string) bool {
		s := subject(pb, "shop", values)
		d := diagnose(s)
		return d.Causes[0].Refuted(text, held, at)
	}
	require.True(t, refuted(map[string]float64{"a": 0}, held...), "b is unknown, and had not shown it")
	require.False(t, refuted(map[string]float64{"b": 0}, held...), "it is a that is unknown")
	require.False(t, refuted(map[string]float64{"a": 0}, "a.v > 0.0", "b.v > 0.0"), "b had shown it too")
	require.False(t, refuted(map[string]float64{"a": 0}), "nobody noted what had shown it")
}
