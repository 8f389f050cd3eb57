package http_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/http"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/realserver"
	"github.com/quellhq/quell/internal/secret"
)

// shop is a real nginx with pages that behave well and badly.
const shop = `
server {
  listen 127.0.0.1:PORT;
  location = / { return 200 "hello\n"; }
  location = /health { default_type application/json; return 200 '{"status": "ok", "depth": 3, "db": {"password": "hunter22", "ms": 1.5}}'; }
  location = /gone { return 404; }
  location = /busy { add_header Retry-After 30 always; return 503; }
  location = /echo { return 200 "agent=$http_user_agent auth=$http_authorization method=$request_method"; }
  location = /hop { return 302 /health; }
  location = /round { return 302 /round; }
  location = /away { return 302 http://elsewhere.test/login?token=secretsecret; }
  location = /big { root DIR; try_files /big.txt =404; }
  location = /cookie { add_header Set-Cookie "session=abcdef; Path=/"; return 204; }
  location = /dead { proxy_pass http://127.0.0.1:1; }
  location = /slow { proxy_pass http://unix:DIR/slow.sock; proxy_read_timeout 1s; }
}`

func ask(t *testing.T, settings connector.Settings, tools connector.Tools, q probe.Question) evidence.Answer {
	t.Helper()
	target, err := http.Kind().Open(settings, tools)
	require.NoError(t, err)
	defer func() { require.NoError(t, target.Close()) }()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return target.Ask(ctx, q)
}

func fence(text string) probe.Question {
	return probe.Question{Name: "x", Lang: "http", Text: probe.Literal(text)}
}

func object(t *testing.T, a evidence.Answer) map[string]any {
	t.Helper()
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	v, ok := a.Value.(map[string]any)
	require.True(t, ok)
	return v
}

func startShop(t *testing.T) string {
	t.Helper()
	n := realserver.StartNginx(t, shop, map[string]string{"big.txt": strings.Repeat("0123456789", 200_000)})
	l, err := net.Listen("unix", n.Dir+"/slow.sock") // accepts by its backlog, never answers
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return fmt.Sprintf("http://127.0.0.1:%d", n.Port)
}

func TestHTTPAgainstNginx(t *testing.T) {
	t.Parallel()
	url := startShop(t)
	plain := connector.Settings{"url": url}

	t.Run("a good page has every phase and its JSON without secrets", func(t *testing.T) {
		v := object(t, ask(t, plain, connector.Tools{}, fence("GET /health\nAccept: application/json\n")))
		require.Equal(t, true, v["ok"])
		require.Equal(t, int64(200), v["status"])
		require.Equal(t, "", v["phase_failed"])
		json := v["json"].(map[string]any)
		require.Equal(t, "ok", json["status"])
		require.Equal(t, int64(3), json["depth"])
		db := json["db"].(map[string]any)
		require.Equal(t, 1.5, db["ms"])
		require.Equal(t, secret.Placeholder, db["password"])
		require.NotContains(t, v["body_text"], "hunter22")
		require.Contains(t, v["headers"].(map[string]any)["server"], "nginx")
		require.InDelta(t, 0, v["clock_offset_s"], 2)
		require.Greater(t, v["total_s"].(float64), 0.0)
		require.Nil(t, v["certificate_days_left"])
	})
	t.Run("our own agent and the configured headers are sent, and a HEAD is a HEAD", func(t *testing.T) {
		s := connector.Settings{"url": url, "headers": map[string]any{"Authorization": "Bearer abcdefghijkl"}}
		v := object(t, ask(t, s, connector.Tools{Redact: secret.NewRedactor(secret.New("abcdefghijkl"))}, fence("GET /echo")))
		require.Contains(t, v["body_text"], "agent=quell-probe")
		require.Contains(t, v["body_text"], "auth=Bearer ")
		require.NotContains(t, v["body_text"], "abcdefghijkl")
		v = object(t, ask(t, s, connector.Tools{}, fence("HEAD /echo")))
		require.Equal(t, int64(200), v["status"])
		require.Equal(t, int64(0), v["bytes"])
	})
	t.Run("a status that is bad is an answer", func(t *testing.T) {
		v := object(t, ask(t, plain, connector.Tools{}, fence("GET /busy")))
		require.Equal(t, false, v["ok"])
		require.Equal(t, true, v["answered"])
		require.Equal(t, int64(503), v["status"])
		require.Equal(t, "30", v["headers"].(map[string]any)["retry-after"])
	})
	t.Run("a dead process behind the gateway is 502, a stuck one 504", func(t *testing.T) {
		require.Equal(t, int64(502), object(t, ask(t, plain, connector.Tools{}, fence("GET /dead")))["status"])
		v := object(t, ask(t, plain, connector.Tools{}, fence("GET /slow")))
		require.Equal(t, int64(504), v["status"])
		require.Greater(t, v["first_byte_s"].(float64), 0.9)
	})
	t.Run("redirects are followed on the same host, and named", func(t *testing.T) {
		v := object(t, ask(t, plain, connector.Tools{}, fence("GET /hop")))
		require.Equal(t, int64(200), v["status"])
		require.Equal(t, []any{url + "/health"}, v["redirects"])
		v = object(t, ask(t, plain, connector.Tools{}, fence("GET /round")))
		require.Equal(t, "redirect_loop", v["error"])
		require.Equal(t, false, v["ok"])
		v = object(t, ask(t, plain, connector.Tools{}, fence("GET /away")))
		require.Equal(t, int64(302), v["status"])
		require.Equal(t, "http://elsewhere.test/login", v["redirect_elsewhere"])
		q := fence("GET /hop")
		q.Options = map[string]string{"follow": "false"}
		require.Equal(t, int64(302), object(t, ask(t, plain, connector.Tools{}, q))["status"])
	})
	t.Run("a long body is cut at the limit", func(t *testing.T) {
		gate := connector.NewGate(connector.Limits{Bytes: 100_000})
		a := ask(t, plain, connector.Tools{Gate: gate}, fence("GET /big"))
		v := object(t, a)
		require.Equal(t, true, v["truncated"])
		require.Equal(t, int64(100_000), v["bytes"])
		require.LessOrEqual(t, len(v["body_text"].(string)), 16<<10)
		require.NotEmpty(t, a.Notes)
	})
	t.Run("cookies keep their names only", func(t *testing.T) {
		v := object(t, ask(t, plain, connector.Tools{}, fence("GET /cookie")))
		require.NotContains(t, fmt.Sprint(v), "abcdef")
		require.Contains(t, v["headers"].(map[string]any)["set-cookie"], "session=")
	})
	t.Run("a question that could change things is refused and never sent", func(t *testing.T) {
		for _, text := range []string{"POST /health", "DELETE /", "get /", "GET http://other.test/", "GET /\nX-HTTP-Method-Override: DELETE", "GET /\n\nbody", "", "nonsense"} {
			gate := connector.NewGate(connector.Limits{})
			a := ask(t, plain, connector.Tools{Gate: gate}, fence(text))
			require.Equal(t, evidence.Refused, a.Status, "%q", text)
			require.Zero(t, gate.Cost().Requests, "%q", text)
		}
	})
	t.Run("a value in a hole stays data", func(t *testing.T) {
		text, err := probe.ParseTemplate("GET /echo?u=${user}\nX-User: ${user}")
		require.NoError(t, err)
		text, err = text.WithValues(map[string]any{"user": "a&b=c /x"})
		require.NoError(t, err)
		v := object(t, ask(t, plain, connector.Tools{}, probe.Question{Lang: "http", Text: text}))
		require.Equal(t, int64(200), v["status"])
		text, err = text.WithValues(map[string]any{"user": "x\r\nHost: evil"})
		require.NoError(t, err)
		require.Equal(t, evidence.Refused, ask(t, plain, connector.Tools{}, probe.Question{Lang: "http", Text: text}).Status)
	})
	t.Run("http.check shows the worst of several samples", func(t *testing.T) {
		s := connector.Settings{"url": url, "health": "/health"}
		v := object(t, ask(t, s, connector.Tools{}, probe.Question{Lang: "probe", Builtin: "http.check", Args: map[string]any{"count": 3.0, "path": ""}}))
		require.Equal(t, int64(3), v["samples"])
		require.Equal(t, 1.0, v["ok_share"])
		require.Equal(t, []any{int64(200), int64(200), int64(200)}, v["statuses"])
		require.Equal(t, "/health", v["path"])
		v = object(t, ask(t, s, connector.Tools{}, probe.Question{Lang: "probe", Builtin: "http.check", Args: map[string]any{"path": "/gone"}}))
		require.Equal(t, 0.0, v["ok_share"])
		require.Equal(t, int64(404), v["status"])
	})
	t.Run("every documented field is there, and no other", func(t *testing.T) {
		spec := http.Kind().Probes[0]
		v := object(t, ask(t, plain, connector.Tools{}, probe.Question{Lang: "probe", Builtin: "http.check"}))
		var want []string
		for _, f := range spec.Fields {
			want = append(want, f.Name)
		}
		var got []string
		for k := range v {
			got = append(got, k)
		}
		require.ElementsMatch(t, want, got)
	})
	t.Run("examine is content, and says what fails", func(t *testing.T) {
		target, err := http.Kind().Open(connector.Settings{"url": url, "health": "/gone"}, connector.Tools{})
		require.NoError(t, err)
		checks := target.(connector.Examiner).Examine(context.Background())
		require.Len(t, checks, 2)
		require.True(t, checks[0].OK)
		require.False(t, checks[1].OK)
	})
}

func TestPhasesThatFail(t *testing.T) {
	t.Parallel()
	check := probe.Question{Lang: "probe", Builtin: "http.check", Args: map[string]any{"count": 3.0}}

	t.Run("refused: nothing listens", func(t *testing.T) {
		v := object(t, ask(t, connector.Settings{"url": fmt.Sprintf("http://127.0.0.1:%d", realserver.Port(t))}, connector.Tools{}, check))
		require.Equal(t, "connect", v["phase_failed"])
		require.Equal(t, "refused", v["error"])
		require.Equal(t, int64(0), v["status"])
		require.Equal(t, 0.0, v["ok_share"])
	})
	t.Run("refused on IPv4, and no route for IPv6: the refusal counts", func(t *testing.T) {
		dnsmasq := realserver.StartDnsmasq(t, "host-record=both.test,127.0.0.1,2001:db8::7")
		v := object(t, ask(t, connector.Settings{"url": fmt.Sprintf("http://both.test:%d", realserver.Port(t)), "resolver": dnsmasq.Address}, connector.Tools{}, fence("GET /")))
		require.Equal(t, "refused", v["error"])
		require.Contains(t, v["address"], "127.0.0.1:")
	})
	t.Run("no such host", func(t *testing.T) {
		dnsmasq := realserver.StartDnsmasq(t, "address=/shop.test/127.0.0.1")
		v := object(t, ask(t, connector.Settings{"url": "http://gone.shop-else.test:8080", "resolver": dnsmasq.Address}, connector.Tools{}, check))
		require.Equal(t, "dns", v["phase_failed"])
		require.Contains(t, []any{"no_such_host", "lookup_failed"}, v["error"])
	})
	t.Run("accepts and never answers: silence in the first byte, within the deadline, asked once", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer func() { _ = l.Close() }()
		gate := connector.NewGate(connector.Limits{})
		target, err := http.Kind().Open(connector.Settings{"url": "http://" + l.Addr().String()}, connector.Tools{Gate: gate})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(context.Background(), 600*time.Millisecond)
		defer cancel()
		a := target.Ask(ctx, check)
		require.NoError(t, ctx.Err(), "the answer came after the deadline")
		v := object(t, a)
		require.Equal(t, "first_byte", v["phase_failed"])
		require.Equal(t, "timeout", v["error"])
		require.Equal(t, 1, gate.Cost().Requests)
	})
	t.Run("hangs up without a word", func(t *testing.T) {
		v := object(t, ask(t, connector.Settings{"url": "http://" + serve(t, func(c net.Conn) { _ = c.Close() })}, connector.Tools{}, check))
		require.Equal(t, "first_byte", v["phase_failed"])
		require.Contains(t, []any{"closed", "reset"}, v["error"])
	})
	t.Run("hangs up in the middle of the body", func(t *testing.T) {
		v := object(t, ask(t, connector.Settings{"url": "http://" + serve(t, func(c net.Conn) {
			_, _ = c.Read(make([]byte, 4096))
			_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"))
			_ = c.Close()
		})}, connector.Tools{}, check))
		require.Equal(t, "body", v["phase_failed"])
		require.Equal(t, false, v["ok"])
		require.Equal(t, int64(200), v["status"])
	})
	t.Run("TLS asked of a server that speaks plain", func(t *testing.T) {
		n := startShop(t)
		v := object(t, ask(t, connector.Settings{"url": strings.Replace(n, "http://", "https://", 1)}, connector.Tools{}, check))
		require.Equal(t, "tls", v["phase_failed"])
		require.Equal(t, "tls_not_spoken", v["error"])
	})
	t.Run("an interrupted or spent investigation asks nothing", func(t *testing.T) {
		target, err := http.Kind().Open(connector.Settings{"url": "http://127.0.0.1:1"}, connector.Tools{})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		require.Equal(t, evidence.NotAsked, target.Ask(ctx, check).Status)
		require.NoError(t, target.Close())
		require.NoError(t, target.Close())
		require.Equal(t, evidence.NotAsked, target.Ask(context.Background(), check).Status)
	})
}

// serve accepts connections and hands each to the function, until the test ends.
func serve(t *testing.T, each func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			each(c)
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String()
}

func TestOneAddressOfSeveralIsBad(t *testing.T) {
	t.Parallel()
	url := startShop(t)
	_, port, _ := strings.Cut(strings.TrimPrefix(url, "http://"), ":")
	// The name has two addresses: nginx listens on the first only.
	dnsmasq := realserver.StartDnsmasq(t, "host-record=shop.test,127.0.0.1", "host-record=shop.test,127.0.0.2")
	s := connector.Settings{"url": "http://shop.test:" + port + "/health", "resolver": dnsmasq.Address}
	a := ask(t, s, connector.Tools{}, probe.Question{Lang: "probe", Builtin: "http.addresses"})
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	rows := a.Value.([]any)
	require.Len(t, rows, 2)
	ok := map[string]bool{}
	for _, r := range rows {
		row := r.(map[string]any)
		ok[row["address"].(string)] = row["ok"].(bool)
		if !row["ok"].(bool) {
			require.Equal(t, "refused", row["error"])
		}
	}
	require.Equal(t, map[string]bool{"127.0.0.1:" + port: true, "127.0.0.2:" + port: false}, ok)
	// A client still gets through: the dead address does not hide the living one.
	v := object(t, ask(t, s, connector.Tools{}, fence("GET /health")))
	require.Equal(t, true, v["ok"])
}

func TestSettings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settings connector.Settings
		says     string
	}{
		"no url":        {connector.Settings{}, "url is missing"},
		"wrong scheme":  {connector.Settings{"url": "ftp://x"}, "scheme"},
		"no host":       {connector.Settings{"url": "http://"}, "no host"},
		"unknown key":   {connector.Settings{"url": "http://x", "urll": "y"}, "urll"},
		"bad ca_file":   {connector.Settings{"url": "http://x", "ca_file": "missing.pem"}, "ca_file"},
		"bad address":   {connector.Settings{"url": "http://x", "address": "x"}, "host:port"},
		"secret in url": {connector.Settings{"url": "http://u:hunter22@[x"}, "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := http.Kind().Open(c.settings, connector.Tools{})
			require.ErrorContains(t, err, c.says)
			require.NotContains(t, err.Error(), "hunter22")
		})
	}
}
