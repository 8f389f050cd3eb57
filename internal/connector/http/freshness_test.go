package http_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func TestFreshness(t *testing.T) {
	t.Parallel()
	now := time.Now()
	mux := http.NewServeMux()
	page := func(path string, age time.Duration, old, new int, changed time.Duration) {
		asked := 0
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			asked++
			if r.Header.Get("Cache-Control") == "no-cache" {
				w.Header().Set("X-Cache", "MISS")
				fmt.Fprintf(w, `{"price": %d, "asked": %d, "updated_at": %q}`, new, asked, now.Add(-changed).Format(time.RFC3339Nano))
				return
			}
			w.Header().Set("X-Cache", "HIT")
			w.Header().Set("Age", fmt.Sprint(int(age.Seconds())))
			at := now.Add(-changed)
			if old != new {
				at = at.Add(-time.Hour)
			}
			fmt.Fprintf(w, `{"price": %d, "asked": %d, "updated_at": %q}`, old, asked, at.Format(time.RFC3339Nano))
		})
	}
	page("/same", 40*time.Second, 5, 5, time.Hour)
	page("/left", 10*time.Minute, 5, 7, time.Minute)
	page("/late", 30*time.Second, 5, 7, time.Minute)
	mux.HandleFunc("GET /deaf", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, `{"price": 5}`) })
	mux.HandleFunc("GET /spelled", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Cache-Control") == "no-cache" {
			_, _ = fmt.Fprint(w, `{"updated_at": "2026-03-01T12:00:00.5Z"}`)
			return
		}
		_, _ = fmt.Fprint(w, `{"updated_at": "2026-03-01 12:00:00.5+00:00"}`)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	question := func(pages ...any) probe.Question {
		return probe.Question{Lang: "probe", Builtin: "http.freshness", Args: map[string]any{"pages": pages}}
	}
	v := object(t, ask(t, connector.Settings{"url": server.URL}, connector.Tools{}, question("/same", "/left", "/late", "/deaf", "/spelled")))
	rows := v["pages"].([]any)
	at := func(i int) map[string]any { return rows[i].(map[string]any) }
	require.Equal(t, int64(2), v["stale"])
	require.Equal(t, false, at(0)["differs"], "what changes with each request is left out")
	require.Equal(t, []any{"/price", "/updated_at"}, at(1)["fields"])
	require.Equal(t, false, at(1)["filled_late"])
	require.Equal(t, true, at(2)["filled_late"])
	require.InDelta(t, 3600, at(1)["behind_s"], 1)
	require.Nil(t, at(3)["honoured"])
	require.Equal(t, false, at(4)["differs"], "the same time, written otherwise")
	require.Equal(t, evidence.NotApplicable, ask(t, connector.Settings{"url": server.URL}, connector.Tools{}, question()).Status)
}
