package store

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/incident"
)

// What makes a commit durable cannot be seen from outside before the power
// fails, so the connections themselves are asked.
func TestEveryConnectionOfAFileIsSetUp(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), Config{Path: filepath.Join(t.TempDir(), "quell.db")})
	require.NoError(t, err)
	defer s.Close()
	for range 3 {
		for name, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"} {
			var got string
			require.NoError(t, s.write.QueryRow("PRAGMA "+name).Scan(&got))
			require.Equal(t, want, got, name)
		}
		conn, err := s.read.Conn(t.Context()) // held: the next is another
		require.NoError(t, err)
		defer conn.Close()
		_, err = conn.ExecContext(t.Context(), "DELETE FROM events")
		require.ErrorContains(t, err, "readonly", "who reads cannot write")
	}
	require.Equal(t, 1, s.write.Stats().MaxOpenConnections)
}

func TestAStoreThatMayNotGrow(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "quell.db")
	s, err := Open(ctx, Config{Path: path})
	require.NoError(t, err)
	defer s.Close()
	id, err := s.Create(ctx, incident.Header{}, incident.Event{Kind: "note", By: "me"})
	require.NoError(t, err)
	large := incident.Event{Kind: "note", By: "me", Data: []byte(`"` + strings.Repeat("x", 200_000) + `"`)}
	for range 3 {
		_, err = s.write.Exec("PRAGMA max_page_count = 40") // of the connection, which a failure ends
		require.NoError(t, err)
		_, err = s.Append(ctx, id, 1, large)
		require.ErrorIs(t, err, incident.ErrUnavailable)
		require.ErrorContains(t, err, "the disk under "+filepath.Dir(path)+" is full")
	}
	_, err = s.write.Exec("PRAGMA max_page_count = 4000")
	require.NoError(t, err)
	last, err := s.Append(ctx, id, 1, large)
	require.NoError(t, err)
	require.EqualValues(t, 2, last)
	_, err = incident.VerifyAudit(ctx, s)
	require.NoError(t, err)
}
