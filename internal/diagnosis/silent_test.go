package diagnosis_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/diagnosis"
	"github.com/quellhq/quell/internal/evidence"
)

// All signs but one are known and false: the verdict then hangs on whether the
// target of the last one was there.
func TestHealthIsNotClaimedOverAnAbsentTarget(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status  evidence.Status
		target  string
		verdict diagnosis.Verdict
	}{
		"it went in the middle":               {evidence.Unreachable, "main", diagnosis.CannotTell},
		"another one never let us in":         {evidence.Denied, "other", diagnosis.CannotTell},
		"another one could not be opened":     {evidence.NotAsked, "other", diagnosis.CannotTell},
		"one question was denied, not all":    {evidence.Denied, "main", diagnosis.Nothing},
		"one question took too long":          {evidence.TimedOut, "main", diagnosis.Nothing},
		"there is nobody to ask":              {evidence.NotAsked, "", diagnosis.Nothing},
		"the question does not arise there":   {evidence.NotApplicable, "other", diagnosis.Nothing},
		"another one answered: there is none": {evidence.NoData, "other", diagnosis.Nothing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pb := book(t, condition{name: "x", signs: []sign{{"a.v > 0.0", "strong"}, {"b.v > 0.0", "strong"}}},
				condition{name: "y", signs: []sign{{"c.v > 0.0", "strong"}}})
			s := subject(pb, "shop", map[string]float64{"a": 0, "b": 0})
			s.Evidence["c"] = evidence.Evidence{Answer: evidence.Not(c.status, "why", ""), Probe: "c", Question: "c", Target: c.target, At: at}
			d := diagnosis.Diagnose(diagnosis.Input{Subjects: []diagnosis.Subject{s}, At: at})
			require.Equal(t, c.verdict, d.Verdict, d.Summary)
		})
	}
}
