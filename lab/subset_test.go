package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/lab/fault"
	"github.com/quellhq/quell/lab/stack"
	"github.com/quellhq/quell/lab/trial"
)

// TestMain lets the test's own binary be the keeper of its stacks.
func TestMain(m *testing.M) {
	stack.Keep()
	os.Exit(m.Run())
}

// subset is one fault of each kind of place that a fault can be in, of those
// that show within seconds; the whole table is `make lab`.
var subset = []string{
	"ordinary-day", "missing-setting", "bad-deploy", "server-dead", "database-down", "transaction-left-open",
	"redis-auth-mismatch", "cookie-broken", "rq-worker-down", "beat-down", "partner-down", "certificate-expired", "exporter-down",
}

// TestSubset tries the diagnosis on real faults in the whole service, and fails
// where a true cause is not among the first three, or where something is likely
// though nothing is wrong. A shared machine is not the same twice: what misses
// is tried once more, and both tries are printed.
func TestSubset(t *testing.T) {
	needStack(t)
	quell := filepath.Join(t.TempDir(), "quell")
	out, err := exec.Command("go", "build", "-o", quell, "github.com/quellhq/quell/cmd/quell").CombinedOutput()
	require.NoError(t, err, string(out))
	for _, name := range subset {
		f, err := fault.Find(name)
		require.NoError(t, err)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for try := range 2 {
				r, err := trial.Trial{Fault: f, Seed: uint64(1 + try), Quell: quell, Warm: 12 * time.Second}.Run(t.Context())
				require.NoError(t, err)
				fmt.Print(r.Line())
				if within(r) {
					return
				}
				t.Log(r.Why(f))
			}
			t.Errorf("twice in a row %s was not understood", name)
		})
	}
}

// within reports a true cause among the first three, or quiet where all is well.
func within(r trial.Result) bool {
	if len(r.Ranks) == 0 {
		return r.First == ""
	}
	for _, rank := range r.Ranks {
		if rank == 0 || rank > 3 {
			return false
		}
	}
	return true
}
