package storetest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/incident"
)

func values(t *testing.T, b Backend) {
	ctx := context.Background()
	s, address := b.fresh(t)
	get := func() string {
		v, err := b.open(t, address).Get(ctx, "stop")
		require.NoError(t, err)
		return v
	}
	require.Empty(t, get())
	require.NoError(t, s.Set(ctx, "stop", "everything ✓", "ann", "the bank called"))
	require.Equal(t, "everything ✓", get())
	require.NoError(t, s.Set(ctx, "stop", "one service", "bob", ""))
	require.Equal(t, "one service", get())
	require.NoError(t, s.Set(ctx, "stop", "", "ann", "it is over"))
	require.Empty(t, get())
	require.NoError(t, s.Set(ctx, "other", strings.Repeat("x", 64<<10), "ann", ""))

	require.ErrorContains(t, s.Set(ctx, "", "v", "ann", ""), "its name is missing")
	require.ErrorContains(t, s.Set(ctx, "stop", "v", "", ""), "who sets it is missing")
	require.ErrorContains(t, s.Set(ctx, "stop", strings.Repeat("x", 64<<10+1), "ann", ""), "its value has 65537 bytes")

	log := []incident.Entry{}
	require.NoError(t, s.Audit(ctx, 1, func(e incident.Entry) error { log = append(log, e); return nil }))
	require.Len(t, log, 4)
	first := log[0]
	require.Equal(t, []string{incident.EntrySet, "stop", "ann", "the bank called"}, []string{first.Kind, first.Name, first.By, first.Why})
	require.Equal(t, incident.ValueDigest("everything ✓"), first.Digest)
	sound(t, s)
}

func visits(t *testing.T, b Backend) {
	ctx := context.Background()
	s, id := b.opened(t)
	_, err := s.Append(ctx, id, 1, numbered("n", 698)...)
	require.NoError(t, err)
	read := func(from int64) (log []incident.Entry) {
		require.NoError(t, s.Audit(ctx, from, func(e incident.Entry) error { log = append(log, e); return nil }))
		return log
	}
	all := read(1)
	require.Len(t, all, 700)
	require.Equal(t, all, read(0))
	require.Equal(t, all[650:], read(651))
	require.Empty(t, read(701))
	prev := ""
	for i, e := range all {
		require.EqualValues(t, i+1, e.N)
		require.Equal(t, prev, e.Prev)
		require.Equal(t, e, e.Sealed())
		prev = e.Hash
	}
	require.Equal(t, incident.Entry{N: 1, At: all[0].At, Incident: id, Kind: incident.EntryCreate, By: "tester", Digest: all[0].Digest, Hash: all[0].Hash}, all[0])
	require.EqualValues(t, 5, all[5].Seq)
	head, err := s.Head(ctx)
	require.NoError(t, err)
	require.Equal(t, incident.Anchor{N: 700, Hash: prev}, head)

	// A visit may stop, and may use the store.
	enough := errors.New("enough")
	visited := 0
	err = s.Audit(ctx, 1, func(e incident.Entry) error {
		visited++
		if visited == 600 {
			return enough
		}
		_, err := s.Append(ctx, id, int64(698+visited), note("while it is read"))
		return err
	})
	require.ErrorIs(t, err, enough)
	require.Equal(t, 600, visited)
}
