package process_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/connector"
)

// initScript is what an operator's own script for a service looks like.
const initScript = `#!/bin/sh
set -e
case $1 in
start) %[1]s >/dev/null 2>&1 & echo $! >%[2]s.pid ;;
stop) kill $(cat %[2]s.pid) ;;
reload) kill -HUP $(cat %[2]s.pid) ;;
broken) echo "no idea how" >&2; exit 7 ;;
esac
`

// scripted is a service under an operator's own commands.
func scripted(t *testing.T, role string) world {
	t.Helper()
	j := newJournal(t)
	t.Cleanup(func() { j.kill(t) })
	script := filepath.Join(t.TempDir(), "orders")
	require.NoError(t, os.WriteFile(script, fmt.Appendf(nil, initScript, self(t), j), 0o755))
	w := world{journal: j, settings: connector.Settings{
		"manager": "command", "pidfile": string(j) + ".pid", "steady": "200ms",
		"start": []any{script, "start"}, "stop": []any{script, "stop"}, "reload": []any{script, "reload"},
		"env": map[string]any{roleKey: string(j) + " " + role},
	}}
	w.ready = func(t *testing.T, running bool) {
		if running {
			made(t, w.settings, "process.start", nil)
			w.journal.awaits(t, 1)
		}
	}
	return w
}

func TestAServiceUnderOnesOwnCommandsKeepsTheContract(t *testing.T) {
	t.Parallel()
	holdToTheContract(t, func(t *testing.T, _ string) world { return scripted(t, "workers") },
		"process.start", "process.stop", "process.restart", "process.reload")
}

func TestACommandThatFailsIsTold(t *testing.T) {
	t.Parallel()
	w := scripted(t, "")
	w.ready(t, true)
	script := w.settings["start"].([]any)[0]
	w.settings["stop"] = []any{script, "broken"}
	_, err := apply(t, w.settings, planned(t, w.settings, "process.stop", nil))
	fails(t, err, action.NotMade, "broken ended with status 7: no idea how")
	require.Len(t, w.journal.running(t), 1)
	w.settings["stop"] = []any{"/no/such/command"}
	_, err = apply(t, w.settings, planned(t, w.settings, "process.stop", nil))
	fails(t, err, action.NotMade, "no such file")
	delete(w.settings, "reload")
	_, _, err = preview(t, w.settings, "process.reload", nil)
	refuses(t, err, "no setting reload")
}
