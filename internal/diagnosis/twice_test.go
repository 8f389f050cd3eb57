package diagnosis_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/diagnosis"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/playbook"
)

// beside is a queue (a), which answers 1, as it is looked at beside a process (b).
func beside(pb *playbook.Playbook, process string, down float64) diagnosis.Subject {
	s := subject(pb, "shop", map[string]float64{"a": 1})
	s.Targets = map[string]string{"db": "main", "svc": process}
	s.Evidence["b"] = evidence.Evidence{Answer: evidence.Of(map[string]any{"v": down}), Probe: "b", Question: "b", Target: process, At: at}
	return s
}

func TestOneCauseIsOneRootHoweverManyLookOn(t *testing.T) {
	t.Parallel()
	pb := book(t, condition{name: "dead", signs: []sign{{"a.v > 0.0", "decisive"}, {"b.v > 0.0", "weak"}}})
	d := diagnose(beside(pb, "web-1", 0), beside(pb, "worker", 1), beside(pb, "web-2", 0))
	require.Len(t, d.Roots, 1, d.Summary)
	require.Equal(t, "true", d.Roots[0].Signs[1].Truth, "the one that knows most is kept")

	d = diagnose(beside(pb, "web-1", 0), beside(pb, "worker", 1), beside(pb, "mailer", 1))
	require.Len(t, d.Roots, 1, "a weak sign makes no cause of its own")
}

// The process itself is what is wrong: each of two is found, as one cause.
func TestOneCauseInTwoPlaces(t *testing.T) {
	t.Parallel()
	pb := book(t, condition{name: "dead", signs: []sign{{"a.v > 0.0", "weak"}, {"b.v > 0.0", "decisive"}}})
	d := diagnose(beside(pb, "web-1", 0), beside(pb, "worker", 1), beside(pb, "mailer", 1))
	require.Len(t, d.Roots, 2)
	require.Contains(t, d.Summary, "in 2 places")
	require.NotContains(t, d.Summary, "causes at the same time")
}
