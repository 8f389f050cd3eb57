package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/incident"
)

func processes(t *testing.T, b Backend) {
	const events, writers = 150, 3
	s, address := b.fresh(t)
	id := create(t, s)
	children := make([]*child, writers)
	for i := range children {
		children[i] = start(t, task{Role: "append", Address: address, ID: id, Until: events})
	}
	won := map[int64]string{}
	for _, c := range children {
		for _, line := range c.wait(t) {
			var seq, pid int64
			_, err := fmt.Sscanf(line, "%d %d of %d", &seq, &seq, &pid)
			require.NoError(t, err, line)
			require.Emptyf(t, won[seq], "two have won number %d", seq)
			won[seq] = fmt.Sprintf("%d of %d", seq, pid)
		}
	}
	require.Len(t, won, events-1, "each number was won by somebody")
	list, err := s.Events(context.Background(), id, 1)
	require.NoError(t, err)
	for i, text := range texts(t, list) {
		require.Equal(t, won[int64(i)+2], text)
	}
	require.EqualValues(t, events, sound(t, s).Events)
}

// killed kills two writers at random moments, again and again, and asks each
// time whether what they had seen confirmed is there.
func killed(t *testing.T, b Backend) {
	rounds := 20
	if testing.Short() {
		rounds = 5
	}
	ctx := context.Background()
	address := b.Fresh(t)
	confirmed := map[string]int64{}
	for range rounds {
		children := []*child{}
		for range 2 {
			children = append(children, start(t, task{Role: "write", Address: address, Until: 30}))
		}
		for i, c := range children {
			if i == 0 {
				// Once the first has written something, at any moment; a machine
				// that is busy takes its time to start a process.
				require.True(t, c.lines.Scan(), "it wrote nothing")
				hear(t, c, confirmed)
				time.Sleep(rand.N(40 * time.Millisecond))
			}
			c.kill()
		}
		for _, c := range children {
			for c.lines.Scan() {
				hear(t, c, confirmed)
			}
			_ = c.cmd.Wait()
		}
		s, err := b.Open(ctx, address)
		require.NoError(t, err)
		for id, last := range confirmed {
			events, err := s.Events(ctx, id, 0)
			require.NoErrorf(t, err, "%s was confirmed", id)
			require.GreaterOrEqualf(t, int64(len(events)), last, "%s: what was confirmed is not there", id)
		}
		headers, err := s.Headers(ctx, 0)
		require.NoError(t, err)
		for _, h := range headers {
			events, err := s.Events(ctx, h.ID, 0)
			require.NoError(t, err)
			require.Zerof(t, len(texts(t, events))%batch, "%s is half written", h.ID)
		}
		sound(t, s)
		require.NoError(t, s.Close())
	}
	require.NotEmpty(t, confirmed)
}

// hear keeps the last line that a child of role "write" has printed.
func hear(t testing.TB, c *child, confirmed map[string]int64) {
	t.Helper()
	var id string
	var last int64
	if _, err := fmt.Sscanf(c.lines.Text(), "%s %d", &id, &last); err == nil {
		confirmed[id] = max(confirmed[id], last)
	}
}

func setUp(t *testing.T, b Backend) {
	address := b.Fresh(t)
	children := make([]*child, 5)
	for i := range children {
		children[i] = start(t, task{Role: "set up", Address: address})
	}
	for _, c := range children {
		c.wait(t)
	}
	s := b.open(t, address)
	require.Equal(t, "INC-1", create(t, s))
	require.Equal(t, incident.Verified{Entries: 2, Events: 1, Last: sound(t, s).Last}, sound(t, s))
}

func leaseProcesses(t *testing.T, b Backend) {
	const owners, turns = 3, 25
	s, address := b.fresh(t)
	dir := t.TempDir()
	children := make([]*child, owners)
	for i := range children {
		children[i] = start(t, task{Role: "lease", Address: address, Until: turns, Dir: dir})
	}
	for _, c := range children {
		require.Len(t, c.wait(t), turns)
	}
	list, err := s.Leases(context.Background())
	require.NoError(t, err)
	require.Empty(t, list)
}
