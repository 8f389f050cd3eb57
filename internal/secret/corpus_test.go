package secret_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/secret"
	"github.com/quellhq/quell/internal/secret/secrettest"
)

func TestTheCorpusIsRedacted(t *testing.T) {
	t.Parallel()
	cases, err := secrettest.Read(os.DirFS("testdata/corpus"))
	require.NoError(t, err)
	s := secrettest.Measure(secret.NewRedactor(), cases)
	for _, list := range [][]string{s.Missed, s.Wrong, s.Bad} {
		for _, line := range list {
			t.Log(line)
		}
	}
	require.GreaterOrEqual(t, s.Lines-s.Harmless, 300, "lines with secrets")
	require.GreaterOrEqual(t, s.Harmless, 100, "hard negatives")
	require.GreaterOrEqual(t, s.Total().Recall(), 0.98, "recall")
	require.GreaterOrEqual(t, s.Total().Precision(), 0.98, "precision")
	require.LessOrEqual(t, s.Damage(), 0.001, "bytes changed outside of secrets")
	require.Zero(t, s.Broken, "JSON that no longer parses")
	require.Zero(t, s.Moved, "texts that a second pass changes")
}
