package demo_test

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/app"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/plan"
	"github.com/quellhq/quell/internal/recovery"
)

// TestMain runs this binary as the demo's shop where it is called so.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "demo-shop" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		err := app.ServeDemo(ctx, os.Args[2])
		stop()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func openDemo(t *testing.T, fault string) *app.Demo {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	d, err := app.OpenDemo(t.Context(), app.DemoOptions{Fault: fault, Command: []string{program, "demo-shop"}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	require.NoError(t, d.Break(t.Context()))
	require.NoError(t, d.Examine(t.Context()))
	return d
}

// A restart gives the connections back, and the leak takes them again within
// seconds: that is not recovery, though the change was made. Going back to the
// release without the leak is.
func TestARestartDoesNotCureALeakAndIsNotCalledRecovery(t *testing.T) {
	t.Parallel()
	d := openDemo(t, "pool-leak")
	require.Equal(t, 1, d.RootRank)
	p, err := d.MakePlan(t.Context(), d.Incident, app.PlanOptions{})
	require.NoError(t, err)
	require.Len(t, p.Steps, 2)
	require.Equal(t, "process.restart", p.Steps[1].Change.Type)
	require.Empty(t, p.Steps[1].Blocked)
	ref, err := incident.ParseRef(p.ID)
	require.NoError(t, err)
	_, err = d.Approve(t.Context(), ref, []int{1, 2})
	require.NoError(t, err)

	_, end, err := d.Apply(t.Context(), ref, []int{2})
	require.NoError(t, err)
	require.Equal(t, incident.NotHelped, end.Outcome, end.Text)
	trouble, err := d.Trouble(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, trouble, "the visitors agree")

	_, end, err = d.Apply(t.Context(), ref, []int{1})
	require.NoError(t, err)
	require.Equal(t, incident.Recovered, end.Outcome, end.Text)
	applied, err := d.Applied(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, []recovery.Standing{recovery.Helped, recovery.NoHelp}, []recovery.Standing{applied[0].Standing, applied[1].Standing})
	trouble, err = d.Trouble(t.Context())
	require.NoError(t, err)
	require.Empty(t, trouble)
}

// The transaction that holds the lock is one of the shop's own: its process
// takes it along.
func TestARestartEndsTheSessionThatHoldsALock(t *testing.T) {
	t.Parallel()
	d := openDemo(t, "lock-pileup")
	p, err := d.MakePlan(t.Context(), d.Incident, app.PlanOptions{})
	require.NoError(t, err)
	require.Equal(t, "process.restart", p.Steps[1].Change.Type)
	ref, err := incident.ParseRef(p.ID)
	require.NoError(t, err)
	_, err = d.Approve(t.Context(), ref, []int{2})
	require.NoError(t, err)
	_, end, err := d.Apply(t.Context(), ref, []int{2})
	require.NoError(t, err)
	require.Equal(t, incident.Recovered, end.Outcome, end.Text)
	trouble, err := d.Trouble(t.Context())
	require.NoError(t, err)
	require.Empty(t, trouble)
}

// Somebody who says no has decided: nothing is done, and nobody is asked again.
func TestAStepThatIsNotApprovedIsNotBegun(t *testing.T) {
	t.Parallel()
	d := openDemo(t, "dependency-down")
	p, err := d.MakePlan(t.Context(), d.Incident, app.PlanOptions{})
	require.NoError(t, err)
	asked := 0
	begun := time.Now()
	end, err := d.Climb(t.Context(), p, func(plan.Step) bool { asked++; return false })
	require.NoError(t, err)
	require.Equal(t, incident.Waiting, end.Outcome)
	require.Equal(t, 1, asked)
	require.Less(t, time.Since(begun), 10*time.Second)

	ladder, err := d.MakeLadder(t.Context(), "app/pool", "shop")
	require.NoError(t, err)
	var rungs []string
	for _, s := range ladder.Steps {
		rungs = append(rungs, s.Change.Type)
	}
	require.Equal(t, []string{"http.call", "process.restart", "http.call"}, rungs, ladder.Notes)
	require.Contains(t, ladder.Steps[0].Blocked, "nothing to do", "nobody holds a lock")
	require.Equal(t, 5*time.Minute, ladder.Steps[1].Within)
	trouble, err := d.Trouble(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, trouble)
}
