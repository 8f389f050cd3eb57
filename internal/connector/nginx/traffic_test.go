package nginx_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/nginx"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/realserver"
)

// told is a log_format that tells everything that is asked of it.
const told = `log_format told escape=json '{"at":"$time_iso8601","client":"$remote_addr","request":"$request","status":$status,"bytes":$body_bytes_sent,'
  '"took":$request_time,"upstream":"$upstream_addr","upstream_status":"$upstream_status","upstream_took":"$upstream_response_time",'
  '"header":"$upstream_header_time","agent":"$http_user_agent"}';`

// busy is a real nginx in front of one good server, one that is dead, one that
// takes connections and says nothing, and one that answers 500.
type busy struct {
	*realserver.Nginx
	good, dead, stuck, ill string
}

func startBusy(t *testing.T, format string) *busy {
	t.Helper()
	b := &busy{dead: fmt.Sprintf("127.0.0.1:%d", realserver.Port(t))}
	b.good = serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/big" {
			w.Header().Set("Content-Length", "200000") // in one piece: chunks would add to it
			fmt.Fprint(w, strings.Repeat("x", 200_000))
			return
		}
		fmt.Fprint(w, "good")
	})
	b.ill = serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	b.stuck = l.Addr().String()
	b.Nginx = realserver.StartNginx(t, format+`
  upstream mixed { server `+b.good+` weight=3; server `+b.dead+` max_fails=0; least_conn; keepalive 4; }
  upstream ill { server `+b.ill+`; server 127.0.0.1:1 backup; server 127.0.0.1:2 down; }
  limit_req_zone $binary_remote_addr zone=tight:1m rate=1r/m;
  server {
    listen 127.0.0.1:PORT; access_log DIR/told.log `+strings.Fields(format + " x combined")[1]+`;
    proxy_read_timeout 300ms;
    location / { proxy_pass http://mixed; }
    location /ill/ { proxy_pass http://ill/; }
    location /stuck/ { proxy_pass http://`+b.stuck+`; proxy_connect_timeout 1s; }
    location /limited/ { limit_req zone=tight; proxy_pass http://mixed; }
    location = /status { stub_status; }
  }`, nil)
	return b
}

func serve(t *testing.T, handle http.HandlerFunc) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &http.Server{Handler: handle}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return l.Addr().String()
}

func (b *busy) get(t *testing.T, path string) int {
	t.Helper()
	res, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d%s", b.Port, path))
	require.NoError(t, err)
	defer res.Body.Close()
	return res.StatusCode
}

func (b *busy) ask(t *testing.T, name string, args map[string]any) evidence.Answer {
	t.Helper()
	target := open(t, connector.Settings{"conf": b.Dir + "/nginx.conf", "prefix": b.Dir})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	a := target.Ask(ctx, probe.Question{Lang: "probe", Builtin: name, Args: args, Now: time.Now(), Since: time.Hour})
	require.Empty(t, a.Reason)
	return a
}

func rowWhere(t *testing.T, rows any, is func(map[string]any) bool) map[string]any {
	t.Helper()
	for _, r := range rows.([]any) {
		if is(r.(map[string]any)) {
			return r.(map[string]any)
		}
	}
	t.Fatalf("there is no such row in %v", rows)
	return nil
}

func TestAccessLogOfARealNginx(t *testing.T) {
	t.Parallel()
	b := startBusy(t, told)
	time.Sleep(1100 * time.Millisecond) // so that the first requests are older than a second
	for i := range 40 {
		require.Equal(t, 200, b.get(t, fmt.Sprintf("/orders/%d?x=1", 1000+i)))
	}
	for range 20 {
		require.Equal(t, 500, b.get(t, "/ill/x"))
		require.Equal(t, 200, b.get(t, "/big"))
	}
	require.Equal(t, 504, b.get(t, "/stuck/x"))
	require.Equal(t, 503, limited(t, b))
	v := b.ask(t, "nginx.access", map[string]any{"recent": 2 * time.Minute}).Value.(map[string]any)
	require.Equal(t, true, v["tells_upstreams"], v)
	require.EqualValues(t, 0, v["unread"])
	total := v["requests"].(int64) + v["requests_before"].(int64)
	require.EqualValues(t, 83, total, v)

	v = b.ask(t, "nginx.access", map[string]any{"recent": time.Second, "before": time.Hour}).Value.(map[string]any)
	require.NotNil(t, v["window_s"])

	all := b.all(t)
	require.InDelta(t, 20.0/83, all["share_passed_5xx"], 0.001, "the ill server's own errors")
	require.InDelta(t, 1.0/83, all["share_own_5xx"], 0.001, "the stuck server gave none")
	require.InDelta(t, 1.0/83, all["share_limited"], 0.001)
	orders := rowWhere(t, all["endpoints"], func(r map[string]any) bool { return r["endpoint"] == "GET /orders/:id" })
	require.EqualValues(t, 40, orders["requests"])
	dead := rowWhere(t, all["upstreams"], func(r map[string]any) bool { return r["address"] == b.dead })
	require.EqualValues(t, 1.0, dead["error_share"])
	ill := rowWhere(t, all["upstreams"], func(r map[string]any) bool { return r["address"] == b.ill })
	require.EqualValues(t, 20, ill["errors"])
	stuck := rowWhere(t, all["upstreams"], func(r map[string]any) bool { return r["address"] == b.stuck })
	require.InDelta(t, 0.3, stuck["p95_s"], 0.05)
	big := rowWhere(t, all["endpoints"], func(r map[string]any) bool { return r["endpoint"] == "GET /big" })
	require.InEpsilon(t, 200_000, big["bytes_p95"], 0.01)
	require.EqualValues(t, 1, all["clients"])
}

// all asks with everything in the recent part: a line of long ago keeps the log
// from being taken for a young one.
func (b *busy) all(t *testing.T) map[string]any {
	t.Helper()
	path := filepath.Join(b.Dir, "told.log")
	text := read(t, path)
	old := `{"at":"` + time.Now().Add(-50*time.Minute).Format(time.RFC3339) + `","client":"192.0.2.9","request":"GET /old HTTP/1.1","status":200,"bytes":1,"took":0.001,"upstream":"-","upstream_status":"-","upstream_took":"-","header":"-","agent":"x"}` + "\n"
	require.NoError(t, os.WriteFile(path+".1", []byte(old), 0o644))
	require.NotContains(t, text, "/old")
	return b.ask(t, "nginx.access", nil).Value.(map[string]any)
}

func limited(t *testing.T, b *busy) int {
	t.Helper()
	require.Equal(t, 200, b.get(t, "/limited/x"))
	return b.get(t, "/limited/x")
}

func TestErrorLogOfARealNginx(t *testing.T) {
	t.Parallel()
	b := startBusy(t, told)
	for range 10 {
		b.get(t, "/x")
	}
	require.Equal(t, 504, b.get(t, "/stuck/x"))
	limited(t, b)
	rows := b.ask(t, "nginx.errors", nil).Value
	of := func(kind string) func(map[string]any) bool {
		return func(r map[string]any) bool { return r["kind"] == kind }
	}
	refused := rowWhere(t, rows, of("refused"))
	require.Equal(t, b.dead, refused["upstream"])
	require.Positive(t, refused["recent"])
	require.Equal(t, b.stuck, rowWhere(t, rows, of("read_timeout"))["upstream"])
	require.Contains(t, rowWhere(t, rows, of("rate_limited"))["example"], "limiting requests")
	for _, r := range rows.([]any) {
		require.NotEqual(t, "other", r.(map[string]any)["kind"], r)
	}
}

func TestServersOfARealNginx(t *testing.T) {
	t.Parallel()
	b := startBusy(t, told)
	rows := b.ask(t, "nginx.upstreams", map[string]any{"path": "/health"}).Value
	at := func(address string) map[string]any {
		return rowWhere(t, rows, func(r map[string]any) bool { return r["address"] == address })
	}
	good := at(b.good)
	require.EqualValues(t, 200, good["status"])
	require.Equal(t, "least_conn", good["method"])
	require.EqualValues(t, 4, good["keepalive"])
	require.EqualValues(t, 0.75, good["weight_share"])
	require.EqualValues(t, 0.3, good["read_timeout_s"])
	require.Equal(t, "refused", at(b.dead)["error"])
	require.Equal(t, "timeout", at(b.stuck)["error"])
	require.Equal(t, true, at(b.stuck)["reachable"])
	require.EqualValues(t, 1, at(b.stuck)["connect_timeout_s"])
	require.EqualValues(t, 500, at(b.ill)["status"])
	require.Nil(t, at("127.0.0.1:2")["reachable"], "marked down: not asked")
}

func TestStubStatusOfARealNginx(t *testing.T) {
	t.Parallel()
	b := startBusy(t, told)
	v := b.ask(t, "nginx.status", map[string]any{"sample": 200 * time.Millisecond}).Value.(map[string]any)
	require.EqualValues(t, 1, v["active"])
	require.EqualValues(t, 0, v["dropped"])
	require.EqualValues(t, 128, v["worker_connections"])
	require.InDelta(t, 0, v["requests_per_s"], 0.01, "our own question does not count")
	require.NotNil(t, v["connections_share"])
}

func TestWhatCannotBeAsked(t *testing.T) {
	t.Parallel()
	n := realserver.StartNginx(t, `access_log off; server { listen 127.0.0.1:PORT; return 200 x; }`, nil)
	conf := read(t, n.Dir+"/nginx.conf")
	require.NoError(t, os.WriteFile(n.Dir+"/nginx.conf", []byte(strings.Replace(conf, "access_log "+n.Dir+"/access.log;", "", 1)), 0o644))
	target := open(t, connector.Settings{"conf": n.Dir + "/nginx.conf", "prefix": n.Dir})
	for name, want := range map[string]evidence.Status{"nginx.status": evidence.NotApplicable, "nginx.access": evidence.NotApplicable} {
		a := target.Ask(t.Context(), probe.Question{Lang: "probe", Builtin: name, Now: time.Now()})
		require.Equal(t, want, a.Status, a.Reason)
		require.NotEmpty(t, a.Hint)
	}
	a := target.Ask(t.Context(), probe.Question{Lang: "probe", Builtin: "nginx.errors", Now: time.Now(), Args: map[string]any{"recent": "soon"}})
	require.Equal(t, evidence.Invalid, a.Status)
	_, err := nginx.Kind().Open(connector.Settings{"status": "nowhere"}, connector.Tools{})
	require.ErrorContains(t, err, "status is written")
}
