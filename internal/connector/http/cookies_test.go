package http_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/probe"
)

func TestCookies(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	mux := http.NewServeMux()
	give := func(path, cookie string) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			n := requests.Add(1)
			if _, err := r.Cookie("sessionid"); err != nil || cookie == "sessionid=%d; Path=/; HttpOnly; SameSite=Lax; Max-Age=1800; new" {
				w.Header().Add("Set-Cookie", fmt.Sprintf(cookie, n))
			}
			w.Header().Add("Set-Cookie", "theme=dark; Path=/")
		})
	}
	give("/well", "sessionid=%d; Path=/; HttpOnly; SameSite=Lax; Max-Age=1800")
	give("/forgotten", "sessionid=%d; Path=/; HttpOnly; SameSite=Lax; Max-Age=1800; new")
	give("/secure", "sessionid=%d; Path=/; Secure")
	give("/domain", "sessionid=%d; Path=/; Domain=shop.example")
	give("/auth/narrow", "sessionid=%d")
	give("/none", "sessionid=%d; Path=/; SameSite=None")
	give("/past", "sessionid=%d; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT")
	give("/brief", "sessionid=%d; Path=/; Max-Age=5")
	give("/prefix", "__Host-session=%d; Path=/")
	mux.HandleFunc("GET /none-at-all", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /hop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/well", http.StatusFound) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)

	for _, c := range []struct {
		path, faults string
		lost         int
		renewed      any
	}{
		{"/well", "[]", 0, false},
		{"/hop", "[]", 0, false},
		{"/forgotten", "[]", 0, true},
		{"/secure", "[secure_on_http]", 1, nil},
		{"/domain", "[wrong_domain]", 1, nil},
		{"/auth/narrow", "[narrow_path]", 1, nil},
		{"/none", "[none_not_secure]", 1, nil},
		{"/past", "[expired]", 1, nil},
		{"/brief", "[short_lived]", 0, false},
		{"/prefix", "[prefix]", 1, nil},
	} {
		v := object(t, ask(t, connector.Settings{"url": server.URL}, connector.Tools{}, probe.Question{Lang: "probe", Builtin: "http.cookies", Args: map[string]any{"path": c.path}}))
		require.Equal(t, c.faults, fmt.Sprint(v["faults"]), c.path)
		require.Len(t, v["lost"], c.lost, c.path)
		require.Equal(t, c.renewed, v["renewed"], c.path)
		require.Equal(t, int64(1), v["sessions"], c.path)
		require.NotContains(t, fmt.Sprint(v), "dark", "no value is shown")
	}
	v := object(t, ask(t, connector.Settings{"url": server.URL}, connector.Tools{}, probe.Question{Lang: "probe", Builtin: "http.cookies", Args: map[string]any{"path": "/none-at-all"}}))
	require.Equal(t, int64(0), v["count"])
	require.Nil(t, v["renewed"])
}
