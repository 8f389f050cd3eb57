package store

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Asking whether a lost commit was made has to write: after a failed fsync its
// pages may be on disk, and a crash would bring them back, unless others have
// taken their place.
func TestAskingAboutALostCommitWrites(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), Config{Path: filepath.Join(t.TempDir(), "quell.db")})
	require.NoError(t, err)
	defer s.Close()
	conn, err := s.read.Conn(t.Context()) // another connection sees whether something was written
	require.NoError(t, err)
	defer conn.Close()
	version := func() (v int64) {
		require.NoError(t, conn.QueryRowContext(t.Context(), "PRAGMA data_version").Scan(&v))
		return v
	}
	before := version()
	require.Equal(t, before, version())
	landed, err := s.landed(t.Context(), mark{n: 1, token: "ours"})
	require.NoError(t, err)
	require.False(t, landed)
	require.NotEqual(t, before, version())
}
