// Package examples_test reads every example as Quell would.
package examples_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/config"
	"github.com/quellhq/quell/internal/connector/all"
)

func TestEveryConfigurationLoads(t *testing.T) {
	t.Parallel()
	found, err := filepath.Glob("*/quell.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, found)
	for _, path := range found {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			example, err := os.ReadFile(filepath.Join(filepath.Dir(path), ".env.example"))
			require.NoError(t, err)
			env := config.ParseDotenv(string(example))
			c, err := config.Load(config.Options{
				Dir: filepath.Dir(path), Kinds: all.Kinds(),
				Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
			})
			require.NoError(t, err)
			require.Empty(t, c.Warnings)
			require.Empty(t, c.Missing(), "a secret that .env.example does not name")
			require.NotEmpty(t, c.Services)
			for _, s := range c.Services {
				require.NotEmpty(t, s.Targets(), s.Name)
			}
		})
	}
}

func TestEveryAlertIsAWebhookOfAlertmanager(t *testing.T) {
	t.Parallel()
	found, err := filepath.Glob("*/alert.json")
	require.NoError(t, err)
	require.NotEmpty(t, found)
	for _, path := range found {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		var payload struct {
			Version string
			Status  string
			Alerts  []struct {
				Status   string
				Labels   map[string]string
				StartsAt string
			}
		}
		require.NoError(t, json.Unmarshal(text, &payload), path)
		require.Equal(t, "4", payload.Version)
		require.NotEmpty(t, payload.Alerts)
		for _, a := range payload.Alerts {
			require.NotEmpty(t, a.Labels["alertname"])
			require.NotEmpty(t, a.Labels["service"])
			require.NotEmpty(t, a.StartsAt)
		}
	}
}
