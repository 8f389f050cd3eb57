package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/incident"
)

const key = "service/orders-api"

// lease reads one lease as it stands.
func lease(t testing.TB, s Store, key string) incident.Lease {
	t.Helper()
	list, err := s.Leases(context.Background())
	require.NoError(t, err)
	for _, l := range list {
		if l.Key == key {
			return l
		}
	}
	return incident.Lease{Key: key}
}

// passed waits until a lease has passed.
func passed(t testing.TB, s Store, key string) {
	t.Helper()
	require.Eventually(t, func() bool { return lease(t, s, key).Passed }, 10*time.Second, time.Millisecond)
}

func leaseHeld(t *testing.T, b Backend) {
	ctx := context.Background()
	s, address := b.fresh(t)
	other := b.open(t, address)
	got, err := s.Acquire(ctx, key, "ann", time.Minute)
	require.NoError(t, err)
	require.Equal(t, incident.Lease{Key: key, Owner: "ann", Until: got.Until}, got)
	require.WithinDuration(t, time.Now().Add(time.Minute), got.Until, 5*time.Second)
	require.NoError(t, s.Mark(ctx, key, "ann", "INC-1.1.1", time.Minute))

	held, err := other.Acquire(ctx, key, "bob", time.Minute)
	require.ErrorIs(t, err, incident.ErrHeld)
	require.Equal(t, "ann", held.Owner)
	require.Equal(t, "INC-1.1.1", held.Work)
	require.False(t, held.Passed)
	require.ErrorIs(t, other.Mark(ctx, key, "bob", "INC-2.1.1", time.Minute), incident.ErrHeld)
	require.NoError(t, other.Release(ctx, key, "bob"), "giving back what is not one's own does nothing")
	require.Equal(t, "ann", lease(t, s, key).Owner)

	again, err := other.Acquire(ctx, key, "ann", time.Hour)
	require.NoError(t, err, "its own again")
	require.WithinDuration(t, time.Now().Add(time.Hour), again.Until, 5*time.Second)
	require.Equal(t, "INC-1.1.1", again.Work)

	_, err = other.Acquire(ctx, "service/checkout", "bob", time.Minute)
	require.NoError(t, err, "another lease is another's")
	require.NoError(t, s.Mark(ctx, key, "ann", "", time.Minute))
	require.NoError(t, s.Release(ctx, key, "ann"))
	require.NoError(t, s.Release(ctx, key, "ann"))
	got, err = other.Acquire(ctx, key, "bob", time.Minute)
	require.NoError(t, err)
	require.Empty(t, got.Work)
	require.ErrorIs(t, s.Mark(ctx, "service/nobody", "ann", "", time.Minute), incident.ErrHeld)

	for why, err := range map[string]error{
		"its key is missing":   s.Release(ctx, "", "ann"),
		"its owner is missing": s.Mark(ctx, key, "", "", time.Minute),
		"its work has 501":     s.Mark(ctx, key, "bob", strings.Repeat("x", 501), time.Minute),
		"for 0s":               s.Mark(ctx, key, "bob", "", 0),
		"at most 24h":          s.Mark(ctx, key, "bob", "", 25*time.Hour),
	} {
		require.ErrorContains(t, err, why)
	}
}

func leasePassed(t *testing.T, b Backend) {
	ctx := context.Background()
	s, _ := b.fresh(t)
	_, err := s.Acquire(ctx, key, "ann", time.Millisecond)
	require.NoError(t, err)
	require.NoError(t, s.Mark(ctx, key, "ann", "INC-1.1.1", time.Millisecond))
	passed(t, s, key)
	require.Equal(t, "ann", lease(t, s, key).Owner, "it shows whose it was")
	got, err := s.Acquire(ctx, key, "bob", time.Minute)
	require.NoError(t, err)
	require.Equal(t, "INC-1.1.1", got.Work, "what ann has left open")
	require.Equal(t, "bob", got.Owner)
	require.ErrorIs(t, s.Mark(ctx, key, "ann", "", time.Minute), incident.ErrHeld)
	require.NoError(t, s.Release(ctx, key, "ann"))
	_, err = s.Acquire(ctx, key, "ann", time.Minute)
	require.ErrorIs(t, err, incident.ErrHeld)
	require.Equal(t, "INC-1.1.1", lease(t, s, key).Work)
}

func leaseReleased(t *testing.T, b Backend) {
	ctx := context.Background()
	s, _ := b.fresh(t)
	_, err := s.Acquire(ctx, key, "ann", time.Minute)
	require.NoError(t, err)
	require.NoError(t, s.Mark(ctx, key, "ann", "INC-1.1.1", time.Minute))
	require.NoError(t, s.Release(ctx, key, "ann"))
	require.Equal(t, incident.Lease{Key: key, Work: "INC-1.1.1", Passed: true}, lease(t, s, key))
	require.ErrorIs(t, s.Mark(ctx, key, "ann", "", time.Minute), incident.ErrHeld, "she has given it back")
	got, err := s.Acquire(ctx, key, "bob", time.Minute)
	require.NoError(t, err)
	require.Equal(t, "INC-1.1.1", got.Work)
	require.NoError(t, s.Mark(ctx, key, "bob", "", time.Minute))
	require.NoError(t, s.Release(ctx, key, "bob"))
	list, err := s.Leases(ctx)
	require.NoError(t, err)
	require.Empty(t, list)
}

func leaseLate(t *testing.T, b Backend) {
	ctx := context.Background()
	s, _ := b.fresh(t)
	_, err := s.Acquire(ctx, key, "ann", time.Millisecond)
	require.NoError(t, err)
	passed(t, s, key)
	require.NoError(t, s.Mark(ctx, key, "ann", "INC-1.1.1", time.Minute))
	_, err = s.Acquire(ctx, key, "bob", time.Minute)
	require.ErrorIs(t, err, incident.ErrHeld)
}

func leaseGrows(t *testing.T, b Backend) {
	ctx := context.Background()
	s, _ := b.fresh(t)
	first, err := s.Acquire(ctx, key, "ann", time.Hour)
	require.NoError(t, err)
	again, err := s.Acquire(ctx, key, "ann", time.Second)
	require.NoError(t, err)
	require.WithinDuration(t, first.Until, again.Until, time.Second)
	require.NoError(t, s.Mark(ctx, key, "ann", "INC-1.1.1", time.Second))
	require.WithinDuration(t, first.Until, lease(t, s, key).Until, time.Second)
}

func leasesMarked(t *testing.T, b Backend) {
	ctx := context.Background()
	s, _ := b.fresh(t)
	for k, owner := range map[string]string{"a": "ann", "b": "ann", "c": "bob"} {
		_, err := s.Acquire(ctx, k, owner, time.Minute)
		require.NoError(t, err)
	}
	require.ErrorIs(t, s.MarkAll(ctx, []string{"a", "b", "c"}, "ann", "INC-1.1.1", time.Hour), incident.ErrHeld)
	for _, k := range []string{"a", "b", "c"} {
		require.Empty(t, lease(t, s, k).Work, "one was not hers, so none is marked")
		require.WithinDuration(t, time.Now().Add(time.Minute), lease(t, s, k).Until, 30*time.Second)
	}
	require.NoError(t, s.MarkAll(ctx, []string{"b", "a"}, "ann", "INC-1.1.1", time.Minute))
	require.Equal(t, "INC-1.1.1", lease(t, s, "a").Work)
	require.Equal(t, "INC-1.1.1", lease(t, s, "b").Work)
	require.Empty(t, lease(t, s, "c").Work)
}

func leaseList(t *testing.T, b Backend) {
	ctx := context.Background()
	s, _ := b.fresh(t)
	keys := []string{"a/B", "a/b", "aB", "a_b", "ab", "é"} // as bytes have it, in no locale's order
	for i := range keys {
		_, err := s.Acquire(ctx, keys[(i*5+2)%len(keys)], "ann", time.Minute)
		require.NoError(t, err)
	}
	list, err := s.Leases(ctx)
	require.NoError(t, err)
	got := []string{}
	for _, l := range list {
		got = append(got, l.Key)
	}
	require.Equal(t, keys, got)
}

// leaseTakeover lets owners hold a lease without giving it back, and measures
// by a clock of its own: each was promised ttl from before it asked, so nobody
// else may have got it sooner.
func leaseTakeover(t *testing.T, b Backend) {
	const ttl, rounding, takeovers = 60 * time.Millisecond, time.Millisecond, 12
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, address := b.fresh(t)
	stores := []Store{s, b.open(t, address), b.open(t, address)}
	var mu sync.Mutex
	var promised time.Time // to the last holder
	taken := 0
	faults := []string{}
	var wg sync.WaitGroup
	for i, from := range stores {
		wg.Go(func() {
			for n := 0; ; n++ {
				owner := fmt.Sprintf("owner %d life %d", i, n)
				mu.Lock()
				asked := time.Now()
				_, err := from.Acquire(ctx, key, owner, ttl)
				got := time.Now()
				if err == nil {
					if got.Before(promised.Add(-rounding)) {
						faults = append(faults, fmt.Sprintf("%s got it %s too early", owner, promised.Sub(got)))
					}
					promised = asked.Add(ttl)
					taken++
				}
				enough := taken >= takeovers
				mu.Unlock()
				if enough || err != nil && !errors.Is(err, incident.ErrHeld) {
					return
				}
			}
		})
	}
	wg.Wait()
	require.Empty(t, faults)
	require.GreaterOrEqual(t, taken, takeovers)
}

func leaseRace(t *testing.T, b Backend) {
	const owners, turns = 12, 15
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, address := b.fresh(t)
	other := b.open(t, address)
	var inside, most, held atomic.Int64
	failed := make(chan error, owners)
	var wg sync.WaitGroup
	for i := range owners {
		wg.Go(func() {
			from := s
			if i%2 == 1 {
				from = other
			}
			owner := fmt.Sprint("owner ", i)
			for range turns {
				_, err := from.Acquire(ctx, key, owner, time.Minute)
				if errors.Is(err, incident.ErrHeld) {
					continue
				}
				if now := inside.Add(1); now > most.Load() {
					most.Store(now)
				}
				held.Add(1)
				err = errors.Join(err, from.Mark(ctx, key, owner, "INC-1.1.1", time.Minute), from.Mark(ctx, key, owner, "", time.Minute))
				inside.Add(-1)
				if err = errors.Join(err, from.Release(ctx, key, owner)); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(failed)
	require.NoError(t, <-failed)
	require.Positive(t, held.Load())
	require.EqualValues(t, 1, most.Load(), "two held it at once")
}
