package store_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/secret"
	"github.com/quellhq/quell/internal/store"
)

// patience is what a store behind a wire has.
const patience = 3 * time.Second

// lossy is a store behind a wire, and one beside it on the same tables.
type lossy struct {
	wire          *wire
	store, beside *store.Store
	id            string
}

func newLossy(t *testing.T) lossy {
	t.Helper()
	cfg := config(postgresBackend(t).Fresh(t))
	beside := openConfig(t, cfg)
	w := newWire(t, server)
	cfg.DSN, cfg.Patience = secret.New(w.url(server)), patience
	// The store closes before the wire does, which waits for its connections.
	return lossy{wire: w, beside: beside, store: openConfig(t, cfg), id: created(t, beside)}
}

// twin is an event that is equal to every other twin.
func twin() incident.Event {
	e := said("twin")
	e.At = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return e
}

// events are what is really there.
func (l lossy) events(t *testing.T) int {
	t.Helper()
	events, err := l.beside.Events(context.Background(), l.id, 0)
	require.NoError(t, err)
	v, err := incident.VerifyAudit(context.Background(), l.beside)
	require.NoError(t, err)
	require.GreaterOrEqual(t, v.Events, int64(len(events)))
	return len(events)
}

func TestACommitWhoseConfirmationIsLostIsToldTruly(t *testing.T) {
	t.Parallel()
	never := func(l lossy) atWorst { return func(net.Conn, net.Conn, []byte) {} }
	for name, c := range map[string]struct {
		worst   func(l lossy) atWorst
		written bool
	}{
		"it was never sent": {worst: never},
		"it was made, and the answer was lost": {written: true, worst: func(lossy) atWorst {
			return func(_, server net.Conn, message []byte) {
				_, _ = server.Write(message)
				time.Sleep(300 * time.Millisecond) // it is carried out; nothing on this side tells
			}
		}},
		"it is made after the connection was lost": {written: true, worst: func(lossy) atWorst {
			return func(client, server net.Conn, message []byte) {
				_ = client.Close()
				time.Sleep(400 * time.Millisecond) // the store is asking already
				_, _ = server.Write(message)
				time.Sleep(100 * time.Millisecond)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLossy(t)
			worst := c.worst(l)
			l.wire.commit.Store(&worst)
			last, err := l.store.Append(t.Context(), l.id, 1, twin(), said("second"))
			require.Nil(t, l.wire.commit.Load(), "the wire was not cut")
			if c.written {
				require.NoError(t, err)
				require.EqualValues(t, 3, last)
				require.Equal(t, 3, l.events(t))
				return
			}
			require.ErrorIs(t, err, incident.ErrUnavailable)
			require.NotErrorIs(t, err, incident.ErrUncertain)
			require.ErrorContains(t, err, "nothing was written")
			require.Equal(t, 1, l.events(t))
			last, err = l.store.Append(t.Context(), l.id, 1, twin())
			require.NoError(t, err, "the same store goes on")
			require.EqualValues(t, 2, last)
		})
	}
}

// Another writer's event that is equal in every field is not ours.
func TestAnEqualEventOfAnotherIsNotTakenForOnesOwn(t *testing.T) {
	t.Parallel()
	l := newLossy(t)
	overtake := atWorst(func(_, server net.Conn, _ []byte) {
		_ = server.Close()
		_, err := l.beside.Append(context.Background(), l.id, 1, twin())
		require.NoError(t, err)
	})
	l.wire.commit.Store(&overtake)
	_, err := l.store.Append(t.Context(), l.id, 1, twin())
	require.ErrorIs(t, err, incident.ErrUnavailable)
	require.ErrorContains(t, err, "nothing was written")
	require.Equal(t, 2, l.events(t))
}

func TestACommitThatNobodyCanBeAskedAboutIsUncertain(t *testing.T) {
	t.Parallel()
	l := newLossy(t)
	lost := atWorst(func(_, server net.Conn, message []byte) {
		l.wire.down.Store(true)
		_, _ = server.Write(message)
	})
	l.wire.commit.Store(&lost)
	began := time.Now()
	_, err := l.store.Append(t.Context(), l.id, 1, twin())
	require.ErrorIs(t, err, incident.ErrUnavailable)
	require.ErrorIs(t, err, incident.ErrUncertain)
	require.Less(t, time.Since(began), 20*time.Second)

	// Who gives up is not kept longer.
	l.wire.down.Store(false)
	_, err = l.store.Headers(t.Context(), 1)
	require.NoError(t, err, "it is back")
	l.wire.commit.Store(&lost)
	after := int64(l.events(t))
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	began = time.Now()
	_, err = l.store.Append(ctx, l.id, after, twin())
	require.ErrorIs(t, err, incident.ErrUncertain)
	require.Less(t, time.Since(began), patience)
}

// Opening an incident and setting a value end in the same way.
func TestLostConfirmationsOfOtherWritesAreToldTruly(t *testing.T) {
	t.Parallel()
	l := newLossy(t)
	made := atWorst(func(_, server net.Conn, message []byte) {
		_, _ = server.Write(message)
		time.Sleep(300 * time.Millisecond)
	})
	l.wire.commit.Store(&made)
	id, err := l.store.Create(t.Context(), incident.Header{Title: "once"}, said("x"))
	require.NoError(t, err)
	require.Equal(t, "INC-2", id)
	l.wire.commit.Store(&made)
	require.NoError(t, l.store.Set(t.Context(), "stop", "all", "ann", ""))
	list, err := l.beside.Headers(t.Context(), 0)
	require.NoError(t, err)
	require.Len(t, list, 2)
	l.events(t)

	// A lease may be asked for again; its owner gets it.
	never := atWorst(func(net.Conn, net.Conn, []byte) {})
	for _, worst := range []*atWorst{&made, &never} {
		l.wire.commit.Store(worst)
		_, err = l.store.Acquire(t.Context(), "service/a", "ann", hour)
		require.ErrorIs(t, err, incident.ErrUnavailable)
		_, err = l.store.Acquire(t.Context(), "service/a", "ann", hour)
		require.NoError(t, err)
	}
}
