package redis_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/action/actiontest"
	"github.com/quellhq/quell/internal/realserver"
)

func TestMemoryPurgeKeepsTheContract(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t)
	c := client(t, s)
	run(t, c, "MEMORY PURGE") // by somebody, before
	count := func(t *testing.T) int { return calls(t, c, "memory|purge") - 1 }
	actiontest.Run(t, actiontest.Case{
		Spec: hands.Spec(t, "redis.memory_purge"), Open: opener(s), Gone: nobodyThere, Effects: count,
		World: func(t *testing.T) string { return map[bool]string{true: "purged", false: "as it was"}[count(t) > 0] },
	})
}

func TestCountersThatBeganAnewTellNothing(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t)
	c, target := client(t, s), changer(t, s.URL())
	run(t, c, "MEMORY PURGE")
	order := hands.Planned(t, target, "redis.memory_purge", nil)
	run(t, c, "CONFIG RESETSTAT")
	require.Equal(t, action.CannotTell, actiontest.StandingOf(t, target, order).State)
	_, err := actiontest.Apply(t, target, order)
	actiontest.NotMade(t, err, "begun anew")
	require.Zero(t, calls(t, c, "memory|purge"))
}
