package store_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/secret"
	"github.com/quellhq/quell/internal/store"
	"github.com/quellhq/quell/internal/store/storetest"
)

func TestSettingsThatCannotBeAreRefusedByName(t *testing.T) {
	t.Parallel()
	for why, cfg := range map[string]store.Config{
		"it needs a path (SQLite) or a dsn (Postgres)": {},
		"give one of them":       {Path: "x", DSN: secret.New("postgres://x")},
		`schema "a; b"`:          {DSN: secret.New("postgres://x"), Schema: "a; b"},
		"its dsn cannot be read": {DSN: secret.New("postgres://u:hunter2hunter2@[::1/db")},
	} {
		_, err := store.Open(t.Context(), cfg)
		require.ErrorContains(t, err, why)
		require.NotContains(t, err.Error(), "hunter2")
	}
}

func TestTablesOfANewerQuellAreRefused(t *testing.T) {
	t.Parallel()
	for _, b := range []storetest.Backend{sqliteBackend(), postgresBackend(t)} {
		address := b.Fresh(t)
		s, err := open(t.Context(), address)
		require.NoError(t, err)
		require.NoError(t, s.Close())
		b.SQL(t, address, "INSERT INTO schema_version (version) VALUES (99)")
		_, err = open(t.Context(), address)
		require.ErrorIs(t, err, incident.ErrUnavailable)
		require.ErrorContains(t, err, "was written by a newer quell (its tables are at step 99, this quell knows 2): use that one")
	}
}

// A clock of this machine that is set back, or forward, must not make two
// owners of a lease. Each store here is a process that sees another date.
func TestTheDateDoesNotMoveALease(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "quell.db")
	ctx := context.Background()
	ann := dated(t, path, 0)
	for _, years := range []int{-10, 10, -1, 0} {
		other := dated(t, path, years)
		_, err := ann.Acquire(ctx, "service/a", "ann", hour)
		require.NoError(t, err)
		_, err = other.Acquire(ctx, "service/a", "bob", hour)
		require.ErrorIs(t, err, incident.ErrHeld)

		_, err = other.Acquire(ctx, "service/b", "bob", hour)
		require.NoError(t, err)
		_, err = ann.Acquire(ctx, "service/b", "ann", hour)
		require.ErrorIs(t, err, incident.ErrHeld, "taken while the date was another")
		require.NoError(t, other.Release(ctx, "service/b", "bob"))
	}
}

// A server whose clock was set back sees leases that end later than they
// should. They are held so long, and not given up by a shorter word.
func TestAServersClockThatIsSetBackOnlyMakesALeaseLonger(t *testing.T) {
	t.Parallel()
	b := postgresBackend(t)
	address := b.Fresh(t)
	s, err := open(t.Context(), address)
	require.NoError(t, err)
	defer s.Close()
	ctx := context.Background()
	_, err = s.Acquire(ctx, "service/a", "ann", hour)
	require.NoError(t, err)
	// As a clock that has gone back by ten hours finds it.
	b.SQL(t, address, "UPDATE leases SET until_us = until_us + 10 * 3600000000")
	before, err := s.Leases(ctx)
	require.NoError(t, err)
	_, err = s.Acquire(ctx, "service/a", "bob", hour)
	require.ErrorIs(t, err, incident.ErrHeld)
	require.NoError(t, s.Mark(ctx, "service/a", "ann", "INC-1.1.1", hour))
	_, err = s.Acquire(ctx, "service/a", "ann", hour)
	require.NoError(t, err)
	after, err := s.Leases(ctx)
	require.NoError(t, err)
	require.Equal(t, before[0].Until, after[0].Until)
}

// A lease of another boot has passed: the numbers of its clock mean nothing now.
func TestALeaseDoesNotOutliveTheMachine(t *testing.T) {
	t.Parallel()
	b := sqliteBackend()
	address := b.Fresh(t)
	s, err := open(t.Context(), address)
	require.NoError(t, err)
	defer s.Close()
	ctx := context.Background()
	_, err = s.Acquire(ctx, "service/a", "ann", hour)
	require.NoError(t, err)
	require.NoError(t, s.Mark(ctx, "service/a", "ann", "INC-1.1.1", hour))
	b.SQL(t, address, "UPDATE leases SET era = 'boot before'")
	list, err := s.Leases(ctx)
	require.NoError(t, err)
	require.Equal(t, []incident.Lease{{Key: "service/a", Owner: "ann", Work: "INC-1.1.1", Passed: true}}, list)
	got, err := s.Acquire(ctx, "service/a", "bob", hour)
	require.NoError(t, err)
	require.Equal(t, "INC-1.1.1", got.Work)
	_, err = s.Acquire(ctx, "service/a", "ann", hour)
	require.ErrorIs(t, err, incident.ErrHeld)
}
