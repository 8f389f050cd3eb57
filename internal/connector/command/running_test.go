package command_test

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
)

// A program whose starter was killed goes on by itself: while it does, its
// order is neither made nor unmade.
func TestAnOrderIsUnknownWhileSomethingThatItStartedLives(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	d := open(t, w.settings())
	o := order(t, d, change(t, "switch-on"))
	o.Key = "INC-1.1.1-outlives"
	left := exec.Command("sleep", "600")
	left.Env = append(os.Environ(), "QUELL_ORDER="+o.Key)
	require.NoError(t, left.Start())
	t.Cleanup(func() { _ = left.Process.Kill(); _ = left.Wait() })

	s, err := d.Standing(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, action.CannotTell, s.State)
	require.Equal(t, time.Second, s.Again, "it is asked again")
	require.Contains(t, s.Text, "still runs")

	require.NoError(t, left.Process.Kill())
	_ = left.Wait()
	s, err = d.Standing(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, action.NotMade, s.State, s.Text)
}
