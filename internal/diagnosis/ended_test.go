package diagnosis_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/diagnosis"
)

// Lines of a log that have ended, while the log goes on, tell of what was.
func TestASignOfLinesThatHaveEndedIsWeak(t *testing.T) {
	t.Parallel()
	pb := book(t,
		condition{name: "over", signs: []sign{{"a.v > 0.0", "decisive"}}},
		condition{name: "beside", signs: []sign{{"a.v > 0.0 && b.v > 0.0", "decisive"}}},
		condition{name: "either", signs: []sign{{"a.v > 0.0 || b.v > 0.0", "decisive"}}},
		condition{name: "compared", signs: []sign{{"b.v > 0.0", "decisive"}, {"a.v > 0.0 && b.v > 0.0", "rules out"}}},
		condition{name: "vetoed", signs: []sign{{"b.v > 0.0", "decisive"}, {"a.v > 0.0", "rules out"}}},
	)
	probability := func(ended float64) map[string]float64 {
		s := subject(pb, "shop", map[string]float64{"a": 1, "b": 1})
		e := s.Evidence["a"]
		e.Ended = ended
		s.Evidence["a"] = e
		d := diagnose(s)
		out := map[string]float64{}
		for _, f := range append(append([]*diagnosis.Finding{}, d.Causes...), d.RuledOut...) {
			out[f.Title] = f.Probability
			if f.Title == "over" && ended != 0 {
				require.Contains(t, f.Signs[0].Means, "(none for 3m20s)")
			}
		}
		return out
	}
	now, over := probability(0), probability(float64(at.Unix())-200)
	require.Greater(t, now["over"], 0.9)
	require.Less(t, over["over"], 0.6)
	require.Greater(t, over["over"], now["over"]/20, "it is weak, and not nothing")
	require.Equal(t, over["over"], over["beside"], "what else it needs does not make it of now")
	require.Equal(t, now["either"], over["either"], "it would hold without them")
	require.Zero(t, over["compared"], "a veto may compare what has ended with what came later")
	require.Zero(t, now["vetoed"])
	require.Greater(t, over["vetoed"], 0.9, "what is over rules nothing out")
}
