package host

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/probe"
)

// While we use the processors ourselves, a reading tells of us rather than of
// the machine: it is begun anew, once.
func TestAReadingIsBegunAnewWhenWeWereLoud(t *testing.T) {
	t.Parallel()
	read := func(ctx context.Context, each time.Duration) (firsts int) {
		used := time.Duration(0)
		target := &target{tools: connector.Tools{Gate: connector.NewGate(connector.Limits{})}, used: func() time.Duration {
			used += each
			return used
		}}
		_, err := target.quietly(ctx, probe.Question{Args: map[string]any{"sample": 100 * time.Millisecond}},
			func() error { firsts++; return nil }, func() {}, func() error { return nil })
		require.NoError(t, err)
		return firsts
	}
	require.Equal(t, 1, read(t.Context(), 0))
	require.Equal(t, 2, read(t.Context(), time.Hour))
	short, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond)
	defer cancel()
	require.Equal(t, 1, read(short, time.Hour), "where little time is left, one try has to do")
}

func TestWhatWeUsedOfAFullMachineWasOthers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ all, own, others float64 }{
		{all: 0.5, own: 0.1, others: 0.4},         // there was room for all
		{all: 1, own: 0.1, others: 1},             // they have all of the rest
		{all: 0.98, own: 0.1, others: 0.88 / 0.9}, // nearly
		{all: 1, own: 0.6, others: 0.4},           // it is full because of us
		{all: 0.97, own: 0.1, others: 0.87},       // something was idle
	} {
		require.InDelta(t, c.others, ofOthers(c.all, c.own), 1e-9)
	}
}
