package app_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/app"
	"github.com/quellhq/quell/internal/connector"
)

// A key that the code looks up in a table of its own is no setting, and one that
// is written as the environment writes it is.
func TestWhichLinesSpeakOfAConfiguration(t *testing.T) {
	t.Parallel()
	theirs := []string{
		"KeyError: 'PAYMENT_KEY'",
		"1 Validation Error for Settings",
		"environment variable PAYMENT_KEY is not set",
		"required setting payment_key",
		"Invalid value for '--workers': four is no int",
	}
	others := []string{
		"KeyError: 'prices'",
		"AttributeError: 'State' object has no attribute 'prices'",
		"settings read from /etc/shop.env in 3 ms",
	}
	file := filepath.Join(t.TempDir(), "shop.log")
	log, err := os.Create(file)
	require.NoError(t, err)
	for _, line := range append(append([]string{}, theirs...), others...) {
		require.NoError(t, json.NewEncoder(log).Encode(map[string]string{
			"time": time.Now().UTC().Format(time.RFC3339Nano), "level": "error", "service": "shop", "message": line,
		}))
	}
	require.NoError(t, log.Close())

	session, err := app.Open(app.Setup{
		Services: []app.ServiceSetup{{Name: "shop", Targets: []string{"logs", "here"}}},
		Targets: []app.TargetSetup{
			{Name: "logs", Kind: "logs", Settings: connector.Settings{"paths": []any{file}}},
			{Name: "here", Kind: "host"},
		},
	})
	require.NoError(t, err)
	defer session.Close()
	out, err := session.Diagnose(t.Context(), app.Request{Playbook: "startup/start"})
	require.NoError(t, err)
	var found []string
	for _, e := range out.Result.Evidence {
		if e.Probe != "config_lines" {
			continue
		}
		require.True(t, e.Known(), "%s %s", e.Reason, e.Hint)
		for _, row := range e.Value.([]any) {
			var entry struct{ Message string }
			require.NoError(t, json.Unmarshal([]byte(row.(map[string]any)["line"].(string)), &entry))
			found = append(found, entry.Message)
		}
	}
	require.ElementsMatch(t, theirs, found)
}
