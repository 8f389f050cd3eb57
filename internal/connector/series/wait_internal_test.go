package series

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
)

// An investigation's budget does not end the scraping of an owner that stays:
// it goes on after a rest. (From inside: nothing outside shows the rest without
// half a minute of waiting.)
func TestScrapingOutlivesABudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &patience{gate: connector.NewGate(connector.Limits{Requests: 2})}
		begin := time.Now()
		for range 2 {
			leave, err := p.enter(t.Context())
			require.NoError(t, err)
			leave()
		}
		require.Zero(t, time.Since(begin))
		for range 1000 {
			leave, err := p.enter(t.Context())
			require.NoError(t, err)
			leave()
		}
		require.Equal(t, restAfterBudget, time.Since(begin), "it rests once")

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		empty := &patience{gate: connector.NewGate(connector.Limits{Requests: 1})}
		leave, err := empty.enter(t.Context())
		require.NoError(t, err)
		leave()
		_, err = empty.enter(ctx)
		require.ErrorIs(t, err, context.Canceled, "the rest ends with the owner")
	})
}
