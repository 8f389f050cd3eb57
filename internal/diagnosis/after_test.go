package diagnosis_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/diagnosis"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/playbook"
	"github.com/quellhq/quell/internal/probe"
)

func TestLinesFromBeforeAMomentAreLeftOut(t *testing.T) {
	t.Parallel()
	line := func(second any) map[string]any { return map[string]any{"at": second, "line": "x"} }
	s := &diagnosis.Subject{
		Playbook: &playbook.Playbook{Probes: []*playbook.Probe{{Name: "lines", Shape: probe.Lines}, {Name: "rows", Shape: probe.Rows}, {Name: "none", Shape: probe.Lines}}},
		Evidence: map[string]evidence.Evidence{
			"lines": {Answer: evidence.Of([]any{line(100.0), line(int64(200)), line(200.5)})},
			"rows":  {Answer: evidence.Of([]any{line(100.0)})},
			"none":  {Answer: evidence.Not(evidence.NoData, "no such file", "")},
		},
	}
	later := s.After(time.Unix(200, 0))
	require.Equal(t, []any{line(200.5)}, later.Evidence["lines"].Value)
	require.Len(t, later.Evidence["rows"].Value, 1, "rows are no lines")
	require.False(t, later.Evidence["none"].Known())
	require.Len(t, s.Evidence["lines"].Value, 3, "the subject itself stays as it is")
	require.Same(t, s, s.After(time.Time{}))
}
