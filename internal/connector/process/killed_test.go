package process_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/process"
	"github.com/quellhq/quell/internal/pid"
)

// applyKey makes this test binary carry out an order and nothing else, so that
// a test can kill whoever does.
const applyKey = "QUELL_TEST_APPLY"

type assignment struct {
	Settings connector.Settings
	Order    action.Order
}

func carryOut(text string) {
	var a assignment
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		panic(err)
	}
	target, err := process.Kind().Open(a.Settings, connector.Tools{})
	if err != nil {
		panic(err)
	}
	d, _ := target.(action.Changer).Doer(a.Order.Type)
	_, err = d.Apply(context.Background(), a.Order)
	fmt.Println(err)
}

// Whoever starts the service is killed at any moment. Afterwards the world
// tells whether it was started, and in the end it runs once.
func TestWhoeverIsKilledInTheMiddleHasNotStartedTwo(t *testing.T) {
	t.Parallel()
	const seeds = 40
	made, notMade := 0, 0
	whole := startsIn(t)
	for seed := range seeds {
		w := bare(t)
		order := planned(t, w.settings, "process.start", nil)
		cmd := carriedOut(t, w.settings, order)
		random := rand.New(rand.NewPCG(uint64(seed), 1))
		moment := random.Float64()
		time.Sleep(time.Duration(1.3 * moment * moment * float64(whole))) // early moments are the interesting ones
		require.NoError(t, cmd.Process.Kill())
		_ = cmd.Wait()
		require.Eventually(t, func() bool { return !becoming(t, w.journal) }, patience, step)

		switch s := standing(t, w.settings, order); s.State {
		case action.Made:
			made++
			require.NotNil(t, s.Done.Inverse)
		case action.NotMade:
			// One that is just coming up may be seen a moment later; the executor
			// asks a second after the intent at the earliest.
			if len(w.journal.running(t)) > 0 {
				require.Eventually(t, func() bool { return standing(t, w.settings, order).State == action.Made }, patience, step, "it runs, and nobody can find it")
				made++
				break
			}
			notMade++
			_, err := apply(t, w.settings, order)
			require.NoError(t, err)
		default:
			t.Fatalf("seed %d: %s: %s", seed, s.State, s.Text)
		}
		require.Eventually(t, func() bool { return len(w.journal.running(t)) == 1 && w.journal.count(t, "start") == 1 }, patience, step)
		w.journal.kill(t)
	}
	t.Logf("killed %d times: %d were started, %d were not and then were", seeds, made, notMade)
	require.Positive(t, made, "no kill came late enough")
	require.Positive(t, notMade, "no kill came early enough")
}

// carriedOut has another process carry the order out.
func carriedOut(t *testing.T, settings connector.Settings, order action.Order) *exec.Cmd {
	t.Helper()
	text, err := json.Marshal(assignment{settings, order})
	require.NoError(t, err)
	cmd := exec.Command(self(t))
	cmd.Env = append(os.Environ(), applyKey+"="+string(text))
	require.NoError(t, cmd.Start())
	return cmd
}

// startsIn is how long it takes on this machine until the service was started by
// another process that nobody kills.
func startsIn(t *testing.T) time.Duration {
	t.Helper()
	w := bare(t)
	order := planned(t, w.settings, "process.start", nil)
	begun := time.Now()
	cmd := carriedOut(t, w.settings, order)
	require.Eventually(t, func() bool { return w.journal.count(t, "start") == 1 }, patience, 5*time.Millisecond)
	took := time.Since(begun)
	require.NoError(t, cmd.Wait())
	w.journal.kill(t)
	return took
}

// becoming reports whether a process is about to become the service: a shell
// that was started for it.
func becoming(t *testing.T, j journal) bool {
	t.Helper()
	tree, err := pid.All(context.Background())
	require.NoError(t, err)
	for _, p := range tree.Processes() {
		if !p.Dead() && len(p.Args) > 1 && p.Args[1] == "-c" && strings.Contains(strings.Join(environ(p.PID), " "), string(j)) {
			return true
		}
	}
	return false
}

func environ(number int) []string {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", number))
	return strings.Split(string(data), "\x00")
}
