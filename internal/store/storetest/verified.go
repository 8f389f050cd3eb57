package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/incident"
)

// anchors: who rewrites everything that a store has is found out only by what
// is kept elsewhere.
func anchors(t *testing.T, b Backend) {
	s, address := b.told(t)
	sql := func(statement string) { b.SQL(t, address, statement) }
	log := readLog(t, s)
	anchor := func(n int64) incident.Anchor { return incident.Anchor{N: n, Hash: log[n-1].Hash} }
	last := sound(t, s).Last
	require.Equal(t, anchor(10), last)
	_, err := incident.VerifyAudit(context.Background(), s, last, anchor(3), anchor(7))
	require.NoError(t, err)

	sql("UPDATE events SET actor = 'eve' WHERE incident = 1 AND seq = 2")
	rewriteAll(5, forged(t, s))(t, s, sql)
	sound(t, s)
	_, err = incident.VerifyAudit(context.Background(), s, anchor(4))
	require.NoError(t, err, "up to there nothing was altered")
	requireFault(t, s, incident.NotAnchored, 7, anchor(10), anchor(7))

	s, address = b.told(t)
	log = readLog(t, s)
	for _, statement := range []string{
		"DELETE FROM audit WHERE n > 8", "DELETE FROM events WHERE incident = 1 AND seq > 3", "DELETE FROM events WHERE incident = 2 AND seq > 2",
		fmt.Sprintf("UPDATE head SET n = 8, hash = '%s'", log[7].Hash),
	} {
		b.SQL(t, address, statement)
	}
	sound(t, s)
	requireFault(t, s, incident.TailCut, 9, incident.Anchor{N: 10, Hash: log[9].Hash})
}

// firstFault alters entries and events of several batches.
func firstFault(t *testing.T, b Backend) {
	ctx := context.Background()
	s, address := b.fresh(t)
	ids := []string{create(t, s), create(t, s), create(t, s)} // entries 1 to 6
	for round := range 4 {
		for _, id := range ids {
			_, err := s.Append(ctx, id, int64(round)*130+1, numbered(id, 130)...)
			require.NoError(t, err)
		}
	}
	// Entry 7 is INC-1/2; each 130 are one incident's.
	for _, step := range []struct {
		do   string
		kind incident.FaultKind
		n    int64
	}{
		{"UPDATE audit SET actor = 'eve' WHERE n = 1500", incident.HashBroken, 1500},
		{"DELETE FROM events WHERE incident = 1 AND seq = 394", incident.EventMissing, 7 + 1170 + 2},
		{"UPDATE events SET actor = 'eve' WHERE incident = 2 AND seq = 132", incident.EventAltered, 7 + 390 + 130},
		{"DELETE FROM audit WHERE n = 480", incident.Gap, 480},
		{"UPDATE events SET actor = 'eve' WHERE incident = 3 AND seq = 131", incident.EventAltered, 7 + 389},
		{"DELETE FROM events WHERE incident = 2 AND seq = 2", incident.EventMissing, 7 + 130},
		{"UPDATE events SET kind = 'x' WHERE incident = 1 AND seq = 3", incident.EventAltered, 8},
	} {
		b.SQL(t, address, step.do)
		for range 5 { // always the same one
			requireFault(t, s, step.kind, step.n)
		}
	}
}

// verifiedBusy verifies while another process would write.
func verifiedBusy(t *testing.T, b Backend) {
	s, address := b.fresh(t)
	other := b.open(t, address)
	ctx, cancel := context.WithCancel(context.Background())
	wrote := make(chan error, 1)
	go func() {
		var err error
		for i := 0; err == nil; i++ {
			var id string
			if id, err = other.Create(ctx, incident.Header{Title: "busy"}, note("x")); err == nil {
				_, err = other.Append(ctx, id, 1, numbered("x", 5)...)
			}
			if err == nil && i%40 == 0 {
				err = other.Set(ctx, "count", fmt.Sprint(i), "tester", "")
			}
		}
		wrote <- err
	}()
	var v incident.Verified
	for end := time.Now().Add(time.Second); time.Now().Before(end) || v.Entries < 100; {
		v = sound(t, s)
	}
	cancel()
	require.True(t, errors.Is(<-wrote, context.Canceled), "it wrote until the end")
	require.Greater(t, sound(t, s).Entries, int64(100))
}
