package http_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	webhttp "github.com/quellhq/quell/internal/connector/http"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/realserver"
)

// askCache asks a target about what lies before it.
func askCache(t *testing.T, base, path, origin string) map[string]any {
	t.Helper()
	target, err := webhttp.Kind().Open(connector.Settings{"url": base}, connector.Tools{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = target.Close() })
	a := target.Ask(t.Context(), probe.Question{Lang: "probe", Builtin: "http.cache", Args: map[string]any{"path": path, "origin": origin}, Now: time.Now()})
	require.Empty(t, a.Reason)
	return a.Value.(map[string]any)
}

// A real nginx with a cache before a server that changes its mind.
func TestWhatACacheKeeps(t *testing.T) {
	t.Parallel()
	var text atomic.Value
	text.Store("old")
	var requests atomic.Int64
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := requests.Add(1)
		w.Header().Set("Cache-Control", "public, max-age=60")
		switch r.URL.Path {
		case "/changing":
			fmt.Fprint(w, n)
		case "/private":
			w.Header().Set("Set-Cookie", "session=1")
			fmt.Fprint(w, "yours")
		default:
			w.Header().Set("Content-Type", "text/css")
			fmt.Fprint(w, text.Load())
		}
	}))
	t.Cleanup(origin.Close)
	server := realserver.StartNginx(t, `
  proxy_cache_path DIR/kept keys_zone=kept:1m;
  server { listen 127.0.0.1:PORT; location / {
    proxy_pass `+origin.URL+`; proxy_cache kept; proxy_cache_valid 200 1m; proxy_ignore_headers Set-Cookie;
    add_header X-Cache-Status $upstream_cache_status; } }`, nil)
	base := fmt.Sprintf("http://127.0.0.1:%d", server.Port)

	v := askCache(t, base, "/app.css", "")
	require.Equal(t, false, v["cached"])
	require.Equal(t, true, v["same"])

	text.Store("new")
	v = askCache(t, base, "/app.css", "")
	require.Equal(t, true, v["cached"])
	require.Equal(t, true, v["bypassed"])
	require.Equal(t, false, v["same"])
	require.Equal(t, "old", v["text"])
	require.Equal(t, false, v["broken"])
	require.Equal(t, "new", v["origin_text"])
	require.EqualValues(t, 60, v["max_age_s"])

	u, err := url.Parse(origin.URL)
	require.NoError(t, err)
	require.Equal(t, false, askCache(t, base, "/app.css", u.Host)["same"], "straight to the origin")

	text.Store("cut\x00off")
	require.Equal(t, true, askCache(t, base, "/other.css", "")["broken"])
	require.Nil(t, askCache(t, base, "/changing", "")["same"], "a page that is never the same says nothing")
	askCache(t, base, "/private", "")
	require.Equal(t, true, askCache(t, base, "/private", "")["private"])
}

func TestWhoseTargetItIs(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	target, err := webhttp.Kind().Open(connector.Settings{"url": server.URL}, connector.Tools{})
	require.NoError(t, err)
	for of, want := range map[string]any{server.URL + "/x": true, "http://elsewhere.test": false, "": nil} {
		a := target.Ask(t.Context(), probe.Question{Lang: "probe", Builtin: "http.check", Service: probe.Service{URL: of}, Args: map[string]any{"count": 1.0}})
		require.Equal(t, want, a.Value.(map[string]any)["own"], of)
	}
}
