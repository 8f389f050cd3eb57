package store_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/realserver"
	"github.com/quellhq/quell/internal/secret"
	"github.com/quellhq/quell/internal/store"
)

// BenchmarkAppend measures one event a call, on disk before the next, behind
// few and behind many.
func BenchmarkAppend(b *testing.B) {
	stores := map[string]func(b *testing.B) store.Config{
		"SQLite": func(b *testing.B) store.Config { return store.Config{Path: filepath.Join(b.TempDir(), "quell.db")} },
		"Postgres": func(b *testing.B) store.Config {
			// As it is in production: what is committed is on disk.
			p := realserver.StartPostgres(b, realserver.PostgresConfig{Settings: map[string]string{"fsync": "on", "full_page_writes": "on"}})
			return store.Config{DSN: secret.New(p.URL("postgres", "app"))}
		},
	}
	for _, name := range []string{"SQLite", "Postgres"} {
		b.Run(name, func(b *testing.B) {
			cfg := stores[name](b)
			for _, grown := range []int{0, 1000, 10_000} {
				b.Run(fmt.Sprint("behind ", grown), func(b *testing.B) { benchmarkAppend(b, cfg, grown) })
			}
			b.Run("50 a call", func(b *testing.B) { benchmarkBatch(b, cfg, 50) })
		})
	}
}

func benchmarkAppend(b *testing.B, cfg store.Config, grown int) {
	s := openConfig(b, cfg)
	id := created(b, s)
	last := int64(1)
	for last < int64(grown) {
		last = appended(b, s, id, last, 1000)
	}
	b.ResetTimer()
	for b.Loop() {
		last = appended(b, s, id, last, 1)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func benchmarkBatch(b *testing.B, cfg store.Config, n int) {
	s := openConfig(b, cfg)
	id := created(b, s)
	last := int64(1)
	b.ResetTimer()
	for b.Loop() {
		last = appended(b, s, id, last, n)
	}
	b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "events/s")
}

func appended(b *testing.B, s *store.Store, id string, after int64, n int) int64 {
	b.Helper()
	events := make([]incident.Event, n)
	for i := range events {
		events[i] = said("a step was taken, and this is what became of it")
	}
	last, err := s.Append(context.Background(), id, after, events...)
	require.NoError(b, err)
	return last
}
