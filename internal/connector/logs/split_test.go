package logs_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/logs"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// Clients log in and come back; whom they meet is chance. What each world
// remembers decides who is let in.
func TestWhoDecidesWhetherAClientIsLetIn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		letIn            func(home, here string, r *rand.Rand) bool
		same, other, far func(t *testing.T, share any)
	}{
		"the memory of a process":   {letIn: func(home, here string, _ *rand.Rand) bool { return home == here }, same: low, other: high, far: high},
		"the memory of an instance": {letIn: func(home, here string, _ *rand.Rand) bool { return home[0] == here[0] }, same: low, other: low, far: high},
		"chance":                    {letIn: func(_, _ string, r *rand.Rand) bool { return r.IntN(2) == 0 }, same: high, other: high, far: high},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(1, 2))
			now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
			homes := map[int]string{}
			var b strings.Builder
			for i := range 600 {
				client, here := r.IntN(20), []string{"a/11", "a/12", "b/21", "b/22"}[r.IntN(4)]
				instance, process, _ := strings.Cut(here, "/")
				path, status := "/orders", 200
				switch home, known := homes[client]; {
				case !known || r.IntN(10) == 0:
					path, homes[client] = "/login", here
				case !c.letIn(home, here, r):
					status = 401
				}
				fmt.Fprintf(&b, `{"timestamp":%q,"level":"INFO","service":"shop","message":"request","instance":%q,"pid":%s,"source_ip":"192.0.2.%d","endpoint":%q,"status_code":%d}`+"\n",
					now.Add(time.Duration(i-600)*time.Second/2).Format(time.RFC3339Nano), instance, process, client, path, status)
			}
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "shop.log"), []byte(b.String()), 0o600))
			target := open(t, connector.Settings{"paths": []any{"*.log"}}, dir)
			a := target.Ask(t.Context(), probe.Question{Lang: "probe", Builtin: "logs.split", Now: now})
			require.Equal(t, evidence.Answered, a.Status, a.Reason)
			v := a.Value.(map[string]any)
			for _, f := range specOf(t, "logs.split").Fields {
				require.Contains(t, v, f.Name)
			}
			require.Equal(t, int64(4), v["processes"])
			require.Equal(t, []any{"/orders"}, v["paths"])
			c.same(t, v["same_differ"])
			c.other(t, v["other_differ"])
			c.far(t, v["far_differ"])
		})
	}
}

func low(t *testing.T, share any)  { t.Helper(); require.Less(t, share, 0.05) }
func high(t *testing.T, share any) { t.Helper(); require.Greater(t, share, 0.25) }

func specOf(t *testing.T, name string) probe.Spec {
	t.Helper()
	for _, s := range logs.Kind().Probes {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("there is no question %s", name)
	return probe.Spec{}
}
