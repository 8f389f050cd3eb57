package prometheus_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/prometheus"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/realserver"
)

const password = "hunter2-very-secret"

// front is what often stands before a Prometheus: basic auth below /basic, a
// Grafana data source proxy with a bearer token, and a login page.
func front(t *testing.T) string {
	t.Helper()
	back, err := url.Parse(shared.URL)
	require.NoError(t, err)
	proxy := httputil.NewSingleHostReverseProxy(back)
	mux := http.NewServeMux()
	mux.Handle("/basic/", http.StripPrefix("/basic", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, given, ok := r.BasicAuth(); !ok || user != "quell" || given != password {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		proxy.ServeHTTP(w, r)
	})))
	const grafana = "/grafana/api/datasources/proxy/uid/abc"
	mux.Handle(grafana+"/", http.StripPrefix(grafana, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Header.Get("Authorization") {
		case "Bearer " + password:
			proxy.ServeHTTP(w, r)
		case "":
			w.WriteHeader(http.StatusUnauthorized)
		default:
			w.WriteHeader(http.StatusForbidden)
			_, _ = fmt.Fprint(w, `{"message":"You'll need additional permissions"}`)
		}
	})))
	mux.HandleFunc("/login/", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "<html>sign in</html>") })
	mux.HandleFunc("/sso/", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://sso.invalid/", http.StatusFound)
	})
	mux.HandleFunc("/cut/", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, `{"status":"success","data":{"resultType":"vec`)
	})
	mux.HandleFunc("/broken/", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "boom", http.StatusInternalServerError) })
	mux.HandleFunc("/limited/", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "slow down", http.StatusTooManyRequests) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

func TestEachFailureHasItsName(t *testing.T) {
	needServer(t)
	at := front(t)
	for name, c := range map[string]struct {
		settings connector.Settings
		query    string
		status   evidence.Status
		reason   string
	}{
		"basic auth":                   {connector.Settings{"url": at + "/basic", "user": "quell", "password": password}, "up", evidence.Answered, ""},
		"basic auth in the address":    {connector.Settings{"url": strings.Replace(at, "//", "//quell:"+password+"@", 1) + "/basic/"}, "up", evidence.Answered, ""},
		"Grafana's proxy":              {connector.Settings{"url": at + "/grafana/api/datasources/proxy/uid/abc", "bearer": password}, "up", evidence.Answered, ""},
		"own headers":                  {connector.Settings{"url": at + "/grafana/api/datasources/proxy/uid/abc", "headers": map[string]any{"Authorization": "Bearer " + password}}, "up", evidence.Answered, ""},
		"a wrong password":             {connector.Settings{"url": at + "/basic", "user": "quell", "password": password + "x"}, "up", evidence.Denied, "401"},
		"no token":                     {connector.Settings{"url": at + "/grafana/api/datasources/proxy/uid/abc"}, "up", evidence.Denied, "401"},
		"a token without the right":    {connector.Settings{"url": at + "/grafana/api/datasources/proxy/uid/abc", "bearer": "other"}, "up", evidence.Denied, "additional permissions"},
		"a wrong path":                 {connector.Settings{"url": shared.URL + "/prometheus"}, "up", evidence.Unreachable, "404"},
		"a login page":                 {connector.Settings{"url": at + "/login"}, "up", evidence.Denied, "web page"},
		"a redirect to another host":   {connector.Settings{"url": at + "/sso"}, "up", evidence.Denied, "login page"},
		"an answer that is cut off":    {connector.Settings{"url": at + "/cut"}, "up", evidence.Unreachable, "cut off"},
		"a server error":               {connector.Settings{"url": at + "/broken"}, "up", evidence.Unreachable, "HTTP 500: boom"},
		"a rate limit":                 {connector.Settings{"url": at + "/limited"}, "up", evidence.NotAsked, "429"},
		"nothing listens":              {connector.Settings{"url": "http://127.0.0.1:1"}, "up", evidence.Unreachable, "nothing listens"},
		"TLS where there is none":      {connector.Settings{"url": strings.Replace(shared.URL, "http:", "https:", 1)}, "up", evidence.Unreachable, "TLS"},
		"a query that does not parse":  {nil, "up{", evidence.Invalid, "PromQL"},
		"a query the server refuses":   {nil, `up * on() db_pools`, evidence.Invalid, "could not evaluate"},
		"a function newer than it is":  {nil, `mad_over_time(up[5m])`, evidence.Invalid, ""},
		"a range over a window":        {nil, "up[5m]", evidence.Answered, ""},
		"an answer without any number": {nil, `"text"`, evidence.Invalid, "not numbers"},
	} {
		t.Run(name, func(t *testing.T) {
			a := ask(t, open(t, c.settings), promql(c.query))
			require.Equal(t, c.status, a.Status, a.Reason)
			require.Contains(t, a.Reason, c.reason)
			require.NotContains(t, fmt.Sprintf("%#v", a), password)
		})
	}
}

func TestAServerThatHangsTimesOut(t *testing.T) {
	own := realserver.Prometheus(t, realserver.PrometheusConfig{})
	target := open(t, connector.Settings{"url": own.URL})
	require.Equal(t, evidence.NoData, ask(t, target, promql("up")).Status)
	require.NoError(t, own.Signal(syscall.SIGSTOP))
	// The signal stops its threads one by one: the first question may still pass.
	realserver.WaitFor(t, "silence", 5*time.Second, "", func() error {
		start := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		defer cancel()
		a := target.Ask(ctx, builtin("prometheus.targets", nil))
		require.Less(t, time.Since(start), 2*time.Second)
		if a.Status != evidence.TimedOut {
			return fmt.Errorf("%s: %s", a.Status, a.Reason)
		}
		return nil
	})
	require.NoError(t, own.Signal(syscall.SIGCONT))
	own.Stop()
	require.Equal(t, evidence.Unreachable, ask(t, target, builtin("prometheus.targets", nil)).Status)
}

func TestBounds(t *testing.T) {
	needServer(t)
	t.Run("a large answer is refused", func(t *testing.T) {
		a := ask(t, openWith(t, nil, connector.Limits{Bytes: 300}), builtin("prometheus.targets", nil))
		require.Equal(t, evidence.Refused, a.Status)
		require.Contains(t, a.Reason, "larger than 300 bytes")
	})
	t.Run("the budget holds", func(t *testing.T) {
		target := openWith(t, nil, connector.Limits{Requests: 1})
		require.True(t, ask(t, target, builtin("prometheus.alerts", nil)).Known())
		require.Equal(t, evidence.NotAsked, ask(t, target, builtin("prometheus.alerts", nil)).Status)
	})
	t.Run("a closed target is not asked", func(t *testing.T) {
		target := open(t, nil)
		require.NoError(t, target.Close())
		require.NoError(t, target.Close())
		require.Equal(t, evidence.NotAsked, ask(t, target, promql("up")).Status)
	})
	t.Run("a hole that would be syntax is refused", func(t *testing.T) {
		q := promql("")
		q.Text, _ = probe.ParseTemplate(`up{job="a"} or ${x}`)
		q.Text, _ = q.Text.WithValues(map[string]any{"x": "vector(1)"})
		require.Equal(t, evidence.Refused, ask(t, open(t, nil), q).Status)
	})
}

func TestSettingsThatCannotWork(t *testing.T) {
	for name, c := range map[string]struct {
		settings connector.Settings
		says     string
	}{
		"no address":            {connector.Settings{}, "url is missing"},
		"no scheme":             {connector.Settings{"url": "localhost:9090"}, "http://"},
		"a query in it":         {connector.Settings{"url": "http://x/?a=b"}, "no ?"},
		"an unknown key":        {connector.Settings{"url": "http://x", "tokn": "y"}, `"tokn"`},
		"two ways in":           {connector.Settings{"url": "http://x", "user": "a", "bearer": password}, "keep one"},
		"a password alone":      {connector.Settings{"url": "http://x", "password": password}, "without user"},
		"no such authority":     {connector.Settings{"url": "http://x", "ca": "missing.pem"}, "read ca"},
		"an unreadable address": {connector.Settings{"url": "http://u:" + password + "@[::1"}, "not an address"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := prometheus.Kind().Open(c.settings, connector.Tools{Dir: t.TempDir()})
			require.ErrorContains(t, err, c.says)
			require.NotContains(t, err.Error(), password)
		})
	}
}
