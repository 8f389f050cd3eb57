package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
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
// though nothing is wrong. Several stacks fill a small machine, which is then seen
// and said: what misses beside others is tried once more alone, and both tries are
// printed.
func TestSubset(t *testing.T) {
	needStack(t)
	quell := filepath.Join(t.TempDir(), "quell")
	out, err := exec.Command("go", "build", "-o", quell, "github.com/quellhq/quell/cmd/quell").CombinedOutput()
	require.NoError(t, err, string(out))
	var mu sync.Mutex
	var missed []fault.Fault
	t.Run("beside each other", func(t *testing.T) {
		for _, name := range subset {
			f, err := fault.Find(name)
			require.NoError(t, err)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				if !understood(t, f, 1, quell) {
					mu.Lock()
					defer mu.Unlock()
					missed = append(missed, f)
				}
			})
		}
	})
	for _, f := range missed {
		t.Run(f.Name+" alone", func(t *testing.T) {
			require.True(t, understood(t, f, 2, quell), "twice %s was not understood", f.Name)
		})
	}
}

// understood tries a fault once, and prints what came of it.
func understood(t *testing.T, f fault.Fault, seed uint64, quell string) bool {
	t.Helper()
	keep := t.TempDir()
	r, err := trial.Trial{Fault: f, Seed: seed, Quell: quell, Warm: 12 * time.Second, Keep: keep}.Run(t.Context())
	require.NoError(t, err)
	sameAgain(t, keep, quell, r)
	fmt.Print(r.Line())
	if !within(r) {
		t.Log(r.Why(f))
	}
	return within(r)
}

// sameAgain holds that the same answers give the same diagnosis when the stack is gone.
func sameAgain(t *testing.T, keep, quell string, r trial.Result) {
	t.Helper()
	kept, err := trial.KeptBelow(keep)
	require.NoError(t, err)
	require.Len(t, kept, 1)
	again, err := kept[0].Again(t.Context(), quell)
	require.NoError(t, err)
	require.Equal(t, r.Claims, again.Claims)
	require.Equal(t, r.Ranks, again.Ranks)
	require.Equal(t, r.Verdict, again.Verdict)
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
