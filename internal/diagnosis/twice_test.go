package diagnosis_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/diagnosis"
	"github.com/quellhq/quell/internal/evidence"
)

// A queue (a) that is looked at beside each of three processes (b).
func TestOneCauseIsOneRootHoweverManyLookOn(t *testing.T) {
	t.Parallel()
	pb := book(t, condition{name: "dead", signs: []sign{{"a.v > 0.0", "decisive"}, {"b.v > 0.0", "weak"}}})
	beside := func(process string, down float64) diagnosis.Subject {
		s := subject(pb, "shop", map[string]float64{"a": 1})
		s.Targets = map[string]string{"db": "main", "svc": process}
		s.Evidence["b"] = evidence.Evidence{Answer: evidence.Of(map[string]any{"v": down}), Probe: "b", Question: "b", Target: process, At: at}
		return s
	}
	d := diagnose(beside("web-1", 0), beside("worker", 1), beside("web-2", 0))
	require.Len(t, d.Roots, 1, d.Summary)
	require.Equal(t, "true", d.Roots[0].Signs[1].Truth, "the one that knows most is kept")

	d = diagnose(beside("web-1", 0), beside("worker", 1), beside("mailer", 1))
	require.Len(t, d.Roots, 2, "each of two processes that are down speaks for itself")
}
