package execution_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/execution"
	"github.com/quellhq/quell/internal/recovery/drivertest"
)

func TestTheLoopOverTheJournalIsADriver(t *testing.T) {
	t.Parallel()
	drivertest.Run(t, func(t *testing.T, p drivertest.Process) drivertest.Driver {
		x, err := execution.New(execution.Config{Store: p.Store, World: p.World, Gate: p.Gate, Owner: p.Name})
		require.NoError(t, err)
		return x
	})
}
