package http_test

import (
	stdhttp "net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/http"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// A service that takes over a second is not asked more often than needed, and
// not what can wait.
func TestASlowServiceIsSpared(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	server := httptest.NewServer(stdhttp.HandlerFunc(func(w stdhttp.ResponseWriter, _ *stdhttp.Request) {
		requests.Add(1)
		time.Sleep(1100 * time.Millisecond)
		w.WriteHeader(stdhttp.StatusOK)
	}))
	t.Cleanup(server.Close)
	target, err := http.Kind().Open(connector.Settings{"url": server.URL}, connector.Tools{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = target.Close() })
	probed := func(name string, args map[string]any) evidence.Answer {
		return target.Ask(t.Context(), probe.Question{Lang: "probe", Builtin: name, Args: args, Now: time.Now()})
	}
	checked := probed("http.check", map[string]any{"count": 5.0})
	require.Equal(t, int64(2), object(t, checked)["samples"])
	require.Contains(t, checked.Notes, "fewer samples than asked for: it is slow")
	require.Equal(t, int64(2), requests.Load())
	for _, name := range []string{"http.vary", "http.cookies", "http.cache"} {
		a := probed(name, nil)
		require.Equal(t, evidence.NotAsked, a.Status, name)
		require.Contains(t, a.Reason, "another request took over a second", name)
	}
	require.Equal(t, int64(2), requests.Load())
	compared := probed("http.freshness", map[string]any{"pages": []any{"/a"}})
	require.Equal(t, evidence.NoData, compared.Status)
	require.Equal(t, int64(2), requests.Load())
}

// A page that is slow is no slow service: what has time for slow pages is asked all
// the same, and what has not is spared it.
func TestASlowPageIsNoSlowService(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(stdhttp.HandlerFunc(func(w stdhttp.ResponseWriter, r *stdhttp.Request) {
		if r.URL.Path == "/item" && r.Header.Get("Cache-Control") == "no-cache" || r.URL.Path == "/report" {
			time.Sleep(1100 * time.Millisecond)
		}
		_, _ = w.Write([]byte(`{"price": 12}`))
	}))
	t.Cleanup(server.Close)
	target, err := http.Kind().Open(connector.Settings{"url": server.URL, "health": "/health"}, connector.Tools{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = target.Close() })
	probed := func(name string, args map[string]any) evidence.Answer {
		return target.Ask(t.Context(), probe.Question{Lang: "probe", Builtin: name, Args: args, Now: time.Now()})
	}
	require.Equal(t, true, object(t, probed("http.check", nil))["ok"])
	probed("http.vary", map[string]any{"path": "/report", "count": 1.0})
	require.Equal(t, evidence.NotAsked, probed("http.vary", map[string]any{"path": "/report", "count": 1.0}).Status)
	require.Equal(t, int64(1), object(t, probed("http.freshness", map[string]any{"pages": []any{"/item"}}))["compared"])
}

// What can wait begins after the first word about health.
func TestTheDoorIsAskedFirst(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var asked []string
	server := httptest.NewServer(stdhttp.HandlerFunc(func(w stdhttp.ResponseWriter, r *stdhttp.Request) {
		mu.Lock()
		asked = append(asked, r.URL.Path)
		mu.Unlock()
		time.Sleep(50 * time.Millisecond)
		w.WriteHeader(stdhttp.StatusOK)
	}))
	t.Cleanup(server.Close)
	target, err := http.Kind().Open(connector.Settings{"url": server.URL, "health": "/health"}, connector.Tools{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = target.Close() })
	var both sync.WaitGroup
	both.Go(func() {
		target.Ask(t.Context(), probe.Question{Lang: "probe", Builtin: "http.vary", Args: map[string]any{"path": "/vary", "count": 3.0}, Now: time.Now()})
	})
	both.Go(func() {
		time.Sleep(100 * time.Millisecond)
		target.Ask(t.Context(), probe.Question{Lang: "probe", Builtin: "http.check", Now: time.Now()})
	})
	both.Wait()
	require.Equal(t, "/health", asked[0], "%v", asked)
	require.Contains(t, asked, "/vary")
}

// Where a request was left without an answer, others only look whether that is
// still so, and a service that answers again is heard.
func TestAServiceThatHangsIsAskedBriefly(t *testing.T) {
	t.Parallel()
	var hang atomic.Bool
	hang.Store(true)
	release := make(chan struct{})
	server := httptest.NewServer(stdhttp.HandlerFunc(func(w stdhttp.ResponseWriter, r *stdhttp.Request) {
		if hang.Load() {
			select {
			case <-release:
			case <-r.Context().Done():
			}
		}
		w.WriteHeader(stdhttp.StatusOK)
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) }) // before that
	target, err := http.Kind().Open(connector.Settings{"url": server.URL, "timeout": "2s"}, connector.Tools{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = target.Close() })
	check := func() map[string]any {
		return object(t, target.Ask(t.Context(), probe.Question{Lang: "probe", Builtin: "http.check", Now: time.Now()}))
	}
	first := check()
	require.Equal(t, "timeout", first["error"])
	require.GreaterOrEqual(t, first["total_s"], 1.9)
	again := check()
	require.Equal(t, "timeout", again["error"])
	require.Less(t, again["total_s"], 1.8)
	hang.Store(false)
	require.Equal(t, true, check()["ok"])
}

// A limit of two requests a second is run into by the diagnosis itself.
func TestALimitThatWeRunIntoIsNotTheUsersTrouble(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var last time.Time
	limited := func(status int) (*httptest.Server, *atomic.Int64) {
		var requests atomic.Int64
		server := httptest.NewServer(stdhttp.HandlerFunc(func(w stdhttp.ResponseWriter, _ *stdhttp.Request) {
			requests.Add(1)
			mu.Lock()
			defer mu.Unlock()
			if time.Since(last) < 500*time.Millisecond {
				w.WriteHeader(status)
				return
			}
			last = time.Now()
			w.WriteHeader(stdhttp.StatusOK)
		}))
		t.Cleanup(server.Close)
		return server, &requests
	}
	for _, status := range []int{429, 503} {
		server, requests := limited(status)
		target, err := http.Kind().Open(connector.Settings{"url": server.URL}, connector.Tools{})
		require.NoError(t, err)
		t.Cleanup(func() { _ = target.Close() })
		v := object(t, target.Ask(t.Context(), probe.Question{Lang: "probe", Builtin: "http.check", Now: time.Now()}))
		require.Equal(t, true, v["ok"], "%v", v)
		require.Equal(t, 1.0, v["ok_share"])
		n := requests.Load()
		a := target.Ask(t.Context(), probe.Question{Lang: "probe", Builtin: "http.vary", Now: time.Now()})
		require.Equal(t, evidence.NotAsked, a.Status)
		require.Equal(t, n, requests.Load())
	}
	down := httptest.NewServer(stdhttp.HandlerFunc(func(w stdhttp.ResponseWriter, _ *stdhttp.Request) { w.WriteHeader(stdhttp.StatusServiceUnavailable) }))
	t.Cleanup(down.Close)
	target, err := http.Kind().Open(connector.Settings{"url": down.URL}, connector.Tools{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = target.Close() })
	v := object(t, target.Ask(t.Context(), probe.Question{Lang: "probe", Builtin: "http.check", Now: time.Now()}))
	require.Equal(t, int64(503), v["status"])
	require.Equal(t, 0.0, v["ok_share"])
}
