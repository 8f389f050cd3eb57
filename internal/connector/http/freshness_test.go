package http_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	webhttp "github.com/quellhq/quell/internal/connector/http"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func TestFreshness(t *testing.T) {
	t.Parallel()
	now := time.Now()
	mux := http.NewServeMux()
	page := func(path string, age time.Duration, old, new int, changed time.Duration) {
		var requests atomic.Int64
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			asked := requests.Add(1)
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

// A thing that is changed all the time has no two answers that are the same.
// Its source tells when it was changed: before the old value was given out, or
// after.
func TestFreshnessOfWhatChangesAllTheTime(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	busy := func(path string, changed time.Duration, colds int64) {
		var requests atomic.Int64
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			asked := requests.Add(1)
			at, price := time.Now().Add(-time.Minute), int64(5)
			switch {
			case r.Header.Get("Cache-Control") == "no-cache":
				w.Header().Set("X-Cache", "MISS")
				at, price = time.Now().Add(-changed), 100+asked
			case asked <= colds:
				w.Header().Set("X-Cache", "MISS")
			default:
				w.Header().Set("Age", "20")
				w.Header().Set("X-Cache", "HIT")
				price += asked
			}
			fmt.Fprintf(w, `{"price": %d, "updated_at": %q}`, price, at.Format(time.RFC3339Nano))
		})
	}
	busy("/overtaken", 30*time.Second, 0)
	busy("/overtaken-and-cold", 30*time.Second, 1)
	busy("/changed-just-now", -time.Second, 0)
	busy("/never-kept", 30*time.Second, 100)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	paths := []any{"/overtaken", "/overtaken-and-cold", "/changed-just-now", "/never-kept"}
	v := object(t, ask(t, connector.Settings{"url": server.URL}, connector.Tools{}, probe.Question{Lang: "probe", Builtin: "http.freshness", Args: map[string]any{"pages": paths}}))
	differs, late := []any{}, []any{}
	for _, row := range v["pages"].([]any) {
		differs, late = append(differs, row.(map[string]any)["differs"]), append(late, row.(map[string]any)["filled_late"])
	}
	require.Equal(t, []any{true, true, false, false}, differs)
	require.Equal(t, []any{true, true, nil, nil}, late)
}

// Where the source takes long, a value is overtaken now and then only: one look
// would miss it.
func TestASlowSourceIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked := requests.Add(1)
		price := 5
		if r.Header.Get("Cache-Control") == "no-cache" {
			time.Sleep(250 * time.Millisecond)
			if asked > 3 {
				price = 6
			}
		}
		fmt.Fprintf(w, `{"price": %d}`, price)
	}))
	t.Cleanup(server.Close)
	v := object(t, ask(t, connector.Settings{"url": server.URL}, connector.Tools{}, probe.Question{Lang: "probe", Builtin: "http.freshness", Args: map[string]any{"pages": []any{"/page"}}}))
	require.Equal(t, int64(1), v["stale"])
}

// A cache that gives no sign of itself may have stored its answer just now: its
// source is asked after that, and not beside it, where it would say the same.
func TestFreshnessOfACacheThatGivesNoSign(t *testing.T) {
	t.Parallel()
	var filled atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		price := 5
		if r.Header.Get("Cache-Control") == "no-cache" && filled.Load() {
			price = 7 // changed while the cache was filled
		}
		if r.Header.Get("Cache-Control") == "" && !filled.Load() {
			time.Sleep(100 * time.Millisecond)
			filled.Store(true)
		}
		fmt.Fprintf(w, `{"price": %d}`, price)
	}))
	t.Cleanup(server.Close)
	v := object(t, ask(t, connector.Settings{"url": server.URL}, connector.Tools{}, probe.Question{Lang: "probe", Builtin: "http.freshness", Args: map[string]any{"pages": []any{"/page"}}}))
	require.Equal(t, int64(1), v["stale"])
}

// A source that is quicker than the cache, and whose answer is stored at once, must
// not overtake what lay there.
func TestAQuickSourceDoesNotOvertakeTheCache(t *testing.T) {
	t.Parallel()
	var renewed sync.Map
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Cache-Control") == "no-cache" {
			renewed.Store(r.URL.Path, true)
			w.Header().Set("X-Cache", "MISS")
			fmt.Fprintf(w, `{"price": 6, "updated_at": %q}`, time.Now().Add(-30*time.Second).Format(time.RFC3339Nano))
			return
		}
		time.Sleep(300 * time.Millisecond) // as on a machine that is busy with us
		w.Header().Set("X-Cache", "HIT")
		if _, ok := renewed.Load(r.URL.Path); ok {
			fmt.Fprintf(w, `{"price": 6, "updated_at": %q}`, time.Now().Add(-30*time.Second).Format(time.RFC3339Nano))
			return
		}
		w.Header().Set("Age", "40")
		fmt.Fprintf(w, `{"price": 5, "updated_at": %q}`, time.Now().Add(-time.Hour).Format(time.RFC3339Nano))
	}))
	t.Cleanup(server.Close)
	pages := []any{"/1", "/2", "/3", "/4"}
	target, err := webhttp.Kind().Open(connector.Settings{"url": server.URL, "health": "/health"}, connector.Tools{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = target.Close() })
	var health sync.WaitGroup
	health.Go(func() { // the first word about health comes while the pages wait for it
		time.Sleep(200 * time.Millisecond)
		target.Ask(t.Context(), probe.Question{Lang: "probe", Builtin: "http.check", Now: time.Now()})
	})
	v := object(t, target.Ask(t.Context(), probe.Question{Lang: "probe", Builtin: "http.freshness", Args: map[string]any{"pages": pages}, Now: time.Now()}))
	health.Wait()
	require.Equal(t, int64(4), v["stale"], "%v", v["pages"])
}
