package secret_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/secret"
	"github.com/quellhq/quell/internal/secret/secrettest"
)

// The floors are under what `make redaction` prints, so that a change that
// loses something is seen. The held-out lines are harder than logs are.
func TestMarkedLinesAreRedacted(t *testing.T) {
	t.Parallel()
	for dir, floor := range map[string]struct {
		marked, harmless          int
		recall, precision, damage float64
	}{
		"corpus":  {marked: 300, harmless: 100, recall: 0.98, precision: 0.98, damage: 0.001},
		"holdout": {marked: 80, harmless: 40, recall: 0.90, precision: 0.90, damage: 0.01},
	} {
		t.Run(dir, func(t *testing.T) {
			t.Parallel()
			cases, err := secrettest.Read(os.DirFS("testdata/" + dir))
			require.NoError(t, err)
			s := secrettest.Measure(secret.NewRedactor(), cases)
			for _, list := range [][]string{s.Missed, s.Wrong, s.Bad} {
				for _, line := range list {
					t.Log(line)
				}
			}
			require.GreaterOrEqual(t, s.Lines-s.Harmless, floor.marked, "lines with secrets")
			require.GreaterOrEqual(t, s.Harmless, floor.harmless, "lines without")
			require.GreaterOrEqual(t, s.Total().Recall(), floor.recall, "recall")
			require.GreaterOrEqual(t, s.Total().Precision(), floor.precision, "precision")
			require.LessOrEqual(t, s.Damage(), floor.damage, "bytes changed outside of secrets")
			require.Zero(t, s.Broken, "JSON that no longer parses")
			require.Zero(t, s.Moved, "texts that a second pass changes")
		})
	}
}
