package logs_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/logs"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// Programs seldom call themselves what quell.yaml calls them. Their lines belong
// to the service that has the files to itself, unless there are others and the files
// speak of services by the very names of quell.yaml: then another name is another one.
func TestWhoseAreLinesThatNameAServiceNobodyKnows(t *testing.T) {
	t.Parallel()
	const (
		unnamed  = `{"time":"2026-03-01T11:59:00Z","level":"error","msg":"job failed"}` + "\n"
		stranger = `{"time":"2026-03-01T11:59:01Z","level":"error","service":"shop-worker","msg":"job failed"}` + "\n"
		ours     = `{"time":"2026-03-01T11:59:02Z","level":"error","service":"shop","msg":"job failed"}` + "\n"
		billing  = `{"time":"2026-03-01T11:59:03Z","level":"error","service":"billing","msg":"job failed"}` + "\n"
	)
	for name, c := range map[string]struct {
		services []string
		files    []string
		want     int
	}{
		"there is one service alone":          {[]string{"shop"}, []string{ours, unnamed, stranger}, 3},
		"nobody bears a name of quell.yaml":   {[]string{"shop", "stock"}, []string{unnamed, stranger}, 2},
		"ours are named, the others are not":  {[]string{"shop", "stock"}, []string{ours, stranger, billing}, 1},
		"they are of another service of ours": {[]string{"shop", "billing"}, []string{unnamed, billing}, 1},
		"several services share the files":    {nil, []string{unnamed, stranger}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for i, text := range c.files {
				require.NoError(t, os.WriteFile(filepath.Join(dir, string(rune('a'+i))+".log"), []byte(text), 0o600))
			}
			target, err := logs.Kind().Open(connector.Settings{"paths": []any{"*.log"}},
				connector.Tools{Dir: dir, Now: func() time.Time { return noon }, Services: c.services})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, target.Close()) })
			q := fence(t, `{service="shop"} | json | level="error"`, nil)
			q.Service = probe.Service{Name: "shop"}
			a := target.Ask(t.Context(), q)
			require.Equal(t, evidence.Answered, a.Status, a.Reason)
			require.Len(t, a.Value, c.want)
		})
	}
}
