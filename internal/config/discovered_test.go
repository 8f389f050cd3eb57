package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/config"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/all"
)

// What `quell init` writes is what the configuration reads, for the connectors
// that there are.
func TestDiscoveredConfigurationsLoad(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../discover/testdata/*.golden")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, golden := range files {
		t.Run(filepath.Base(golden), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(golden)
			require.NoError(t, err)
			dir := t.TempDir()
			path := filepath.Join(dir, "quell.yaml")
			require.NoError(t, os.WriteFile(path, text, 0o600))
			c, err := config.Load(config.Options{Path: path, Kinds: all.Kinds(), Env: environment})
			require.NoError(t, err)
			require.Empty(t, c.Warnings)
			require.Empty(t, c.Missing())
			for _, target := range c.Targets {
				opens(t, dir, target)
			}
		})
	}
}

// environment has an address of the right kind for every name.
func environment(name string) (string, bool) {
	switch {
	case strings.HasPrefix(name, "PG"):
		return "x", true
	case strings.HasSuffix(name, "REDIS_URL"), strings.HasSuffix(name, "BROKER_URL"):
		return "redis://h", true
	case name == "DOCKER_HOST":
		return "tcp://h:2376", true
	case strings.HasPrefix(name, "PROMETHEUS"), strings.HasPrefix(name, "LOKI"), strings.HasPrefix(name, "TEMPO"):
		return "http://h", true
	}
	return "postgres://h/d", true
}

func opens(t *testing.T, dir string, target config.Target) {
	t.Helper()
	for _, k := range all.Kinds() {
		if k.Name == target.Kind {
			opened, err := k.Open(target.Settings, connector.Tools{Dir: dir})
			require.NoError(t, err, target.Name)
			require.NoError(t, opened.Close())
			return
		}
	}
	t.Fatalf("there is no kind %s", target.Kind)
}
