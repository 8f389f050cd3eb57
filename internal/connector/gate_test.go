package connector_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
)

// request passes one request that takes so long through the gate.
func request(t *testing.T, g *connector.Gate, took time.Duration) error {
	t.Helper()
	leave, err := g.Enter(t.Context())
	if err != nil {
		return err
	}
	time.Sleep(took) // in a synctest bubble: no time passes
	leave()
	return nil
}

func TestGateBoundsWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := connector.NewGate(connector.Limits{Concurrency: 2})
		first, err := g.Enter(t.Context())
		require.NoError(t, err)
		second, err := g.Enter(t.Context())
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = g.Enter(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		first()
		first() // giving a place back twice gives back one
		third, err := g.Enter(t.Context())
		require.NoError(t, err)
		second()
		third()
	})
}

func TestGateHasABudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := connector.NewGate(connector.Limits{Requests: 2})
		require.NoError(t, request(t, g, time.Millisecond))
		require.NoError(t, request(t, g, time.Millisecond))
		require.ErrorIs(t, request(t, g, time.Millisecond), connector.ErrBudget)
		require.Equal(t, 2, g.Cost().Requests)
		g.Begin()
		require.NoError(t, request(t, g, time.Millisecond))
		require.NoError(t, request(t, g, time.Millisecond))
		require.ErrorIs(t, request(t, g, time.Millisecond), connector.ErrBudget, "another round has as much, and no more")
		require.Equal(t, 4, g.Cost().Requests)

		slow := connector.NewGate(connector.Limits{Busy: time.Second})
		require.NoError(t, request(t, slow, 2*time.Second))
		require.ErrorIs(t, request(t, slow, time.Millisecond), connector.ErrBudget)
		slow.Begin()
		require.NoError(t, request(t, slow, time.Millisecond))
	})
}

func TestGateBacksOffFromATargetThatSlowsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := connector.NewGate(connector.Limits{Busy: time.Hour})
		took := 20 * time.Millisecond
		var err error
		n := 0
		for ; n < 50 && err == nil; n++ {
			err = request(t, g, took)
			took = took * 3 / 2
		}
		require.True(t, errors.Is(err, connector.ErrBackedOff), "%v", err)
		require.Positive(t, g.Cost().Backoffs)
		require.Less(t, n, 20)
	})
}

func TestGateDoesNotBackOffFromASlowButSteadyLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := connector.NewGate(connector.Limits{Busy: time.Hour})
		for range 100 {
			require.NoError(t, request(t, g, 400*time.Millisecond))
		}
		require.Zero(t, g.Cost().Backoffs)
	})
}

func TestBulkWorkCountsAndNeverBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := connector.NewGate(connector.Limits{})
		for i := range 12 {
			leave, err := g.EnterBulk(t.Context())
			require.NoError(t, err, "reading much is no sign of a slow target")
			time.Sleep(time.Millisecond + time.Duration(i)*100*time.Millisecond)
			leave()
		}
		require.Zero(t, g.Cost().Backoffs)
		require.Equal(t, 6612*time.Millisecond, g.Cost().Busy)
	})
}

func TestPatienceIsShortWhereNothingWasAnswered(t *testing.T) {
	t.Parallel()
	g := connector.NewGate(connector.Limits{Timeout: 4 * time.Second})
	require.Equal(t, 4*time.Second, g.Patience())
	g.Unanswered()
	require.Equal(t, time.Second, g.Patience())
	quick := connector.NewGate(connector.Limits{Timeout: 300 * time.Millisecond})
	quick.Unanswered()
	require.Equal(t, 300*time.Millisecond, quick.Patience())
}
