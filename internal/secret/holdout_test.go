package secret_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/secret"
	"github.com/quellhq/quell/internal/secret/secrettest"
)

func TestHold(t *testing.T) {
	cases, err := secrettest.Read(os.DirFS("testdata/holdout"))
	require.NoError(t, err)
	s := secrettest.Measure(secret.NewRedactor(), cases)
	for _, list := range [][]string{s.Missed, s.Wrong, s.Bad} {
		for _, line := range list {
			t.Log(line)
		}
	}
	t.Logf("%d lines %d harmless recall %.3f precision %.3f damage %.5f json %d broken %d moved %d %+v", s.Lines, s.Harmless, s.Total().Recall(), s.Total().Precision(), s.Damage(), s.JSON, s.Broken, s.Moved, s.Total())
}
