package alembic_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/alembic"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func TestTheFilesOfMigrationsBearWhenTheyCame(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, at := range map[string]time.Time{
		"migrations/versions/0001_first.py": time.Now().Add(-48 * time.Hour),
		"migrations/versions/0002_next.py":  time.Now().Add(-5 * time.Minute),
		"migrations/env.py":                 time.Now(),
		".venv/lib/versions/other.py":       time.Now(),
	} {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, nil, 0o644))
		require.NoError(t, os.Chtimes(path, at, at))
	}
	target, err := alembic.Kind().Open(connector.Settings{"dir": dir, "command": []any{"no-such-alembic"}}, connector.Tools{})
	require.NoError(t, err)
	defer target.Close()
	a := target.Ask(t.Context(), probe.Question{Lang: "probe", Builtin: "alembic.changes"})
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	found := map[string]float64{}
	for _, r := range a.Value.([]any) {
		row := r.(map[string]any)
		require.Equal(t, probe.Migration, row["kind"])
		found[row["what"].(string)] = row["at"].(float64)
	}
	require.Len(t, found, 2)
	require.InDelta(t, float64(time.Now().Unix()-300), found["0002_next.py"], 30)
}
