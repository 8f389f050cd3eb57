package store_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/realserver"
	"github.com/quellhq/quell/internal/secret"
	"github.com/quellhq/quell/internal/store"
)

func TestSmoke(t *testing.T) {
	pg := realserver.StartPostgres(t, realserver.PostgresConfig{})
	for _, cfg := range []store.Config{{Path: filepath.Join(t.TempDir(), "x/a b?c#d%20.db")}, {DSN: secret.New(pg.URL("postgres", "app"))}} {
		s, err := store.Open(t.Context(), cfg)
		require.NoError(t, err)
		id, err := s.Create(t.Context(), incident.Header{Title: "x"}, incident.Event{Kind: "opened", By: "me", Data: []byte(`{"a": 1}`)})
		require.NoError(t, err)
		for i := range 1200 {
			_, err = s.Append(t.Context(), id, int64(i)+1, incident.Event{Kind: "note", By: "me"})
			require.NoError(t, err)
		}
		l, err := s.Acquire(t.Context(), "k", "me", 1e9)
		require.NoError(t, err)
		t.Log(l)
		require.NoError(t, s.Set(t.Context(), "kill", "on", "me", "why"))
		v, err := incident.VerifyAudit(t.Context(), s)
		require.NoError(t, err)
		t.Log(v)
		h, err := s.Headers(t.Context(), 0)
		require.NoError(t, err)
		t.Log(h)
		require.NoError(t, s.Close())
	}
}
