package logs_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
)

func TestALogThatFellSilent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	wrote := func(name string, from, to, every int, last string) {
		var b strings.Builder
		for age := from; age > to; age -= every {
			fmt.Fprintf(&b, "%s INFO shop: GET /items/%d 200\n", ago(time.Duration(age)*time.Second), age)
		}
		if last != "" {
			fmt.Fprintf(&b, "%s INFO shop: %s\n", ago(time.Duration(to)*time.Second), last)
		}
		write(t, filepath.Join(dir, name), b.String())
	}
	wrote("web-1.log", 900, 1, 2, "")
	wrote("web-2.log", 900, 90, 2, "GET /slow")
	wrote("web-3.log.1", 900, 300, 2, "") // rotated
	wrote("web-3.log", 300, 1, 2, "")
	wrote("web-4.log", 1700, 800, 2, "") // an outage of a minute and a half, thirteen minutes ago
	appended(t, filepath.Join(dir, "web-4.log"), 700, 90, 2)
	wrote("seldom.log", 1700, 60, 25, "")
	wrote("batch.log", 900, 90, 2, "batch finished, 400 rows")
	wrote("young.log", 120, 90, 1, "")
	var bursts strings.Builder // a job every ten minutes
	for _, age := range []int{1750, 1150, 550} {
		for i := range 40 {
			fmt.Fprintf(&bursts, "%s INFO shop: row %d\n", ago(time.Duration(age-i)*time.Second), i)
		}
	}
	write(t, filepath.Join(dir, "bursts.log"), bursts.String())
	var laments strings.Builder
	for age := 900; age > 90; age -= 2 {
		fmt.Fprintf(&laments, "%s [error] 31#31: *%d connect() failed (111: Connection refused) while connecting to upstream\n",
			noon.Add(-time.Duration(age)*time.Second).Format("2006/01/02 15:04:05"), age)
	}
	write(t, filepath.Join(dir, "edge-error.log"), laments.String())
	rows := list(t, open(t, connector.Settings{"paths": []any{"*.log*"}, "timezone": "UTC"}, dir).Ask(context.Background(), builtin("logs.pulse", nil)))
	stopped := map[string]bool{}
	for _, r := range rows {
		row := r.(map[string]any)
		stopped[filepath.Base(row["log"].(string))] = row["stopped"].(bool)
		if filepath.Base(row["log"].(string)) == "web-2.log" {
			require.InDelta(t, 90, row["silent_s"], 1)
			require.Equal(t, 2.0, row["pause_s"])
			require.Contains(t, row["last"], "GET /slow")
		}
	}
	require.Equal(t, map[string]bool{"web-1.log": false, "web-2.log": true, "web-3.log": false, "web-4.log": true, "bursts.log": false, "seldom.log": false, "batch.log": false, "young.log": false, "edge-error.log": false}, stopped)
}

// appended writes lines of so many seconds ago behind those of a file.
func appended(t *testing.T, file string, from, to, every int) {
	t.Helper()
	old, err := os.ReadFile(file)
	require.NoError(t, err)
	var b strings.Builder
	b.Write(old)
	for age := from; age > to; age -= every {
		fmt.Fprintf(&b, "%s INFO shop: GET /items/%d 200\n", ago(time.Duration(age)*time.Second), age)
	}
	write(t, file, b.String())
}
