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

func TestALogHasFallenSilentWhenItShouldHaveSpoken(t *testing.T) {
	t.Parallel()
	changed, from, at := time.Unix(1000, 0), time.Unix(1010, 0), time.Unix(1020, 0)
	every := func(first, last, step float64) (lines []any) {
		for s := first; s <= last; s += step {
			lines = append(lines, map[string]any{"at": s, "line": "x"})
		}
		return lines
	}
	for sentence, c := range map[string]struct {
		lines []any
		left  int
	}{
		"one a second, and none any more":                {every(900, 1004, 1), 0},
		"one a second, and it goes on":                   {every(900, 1020, 1), 10},
		"it began shortly before the change":             {every(990, 1000, 1), 0},
		"one in five seconds: ten seconds are too few":   {every(900, 1004, 5), 21},
		"a few lines are no pace":                        {every(996, 999, 1), 4},
		"what is older than five minutes is none either": {every(100, 600, 1), 501},
		"nothing was there":                              {[]any{}, 0},
	} {
		s := &diagnosis.Subject{
			Playbook: &playbook.Playbook{Probes: []*playbook.Probe{{Name: "lines", Shape: probe.Lines}}},
			Evidence: map[string]evidence.Evidence{"lines": {Answer: evidence.Of(c.lines)}},
		}
		require.Len(t, s.Changed(changed, from, at).Evidence["lines"].Value, c.left, sentence)
		require.Same(t, s, s.Changed(time.Time{}, from, at), sentence)
	}
}
