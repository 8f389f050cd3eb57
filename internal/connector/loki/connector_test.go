package loki_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/loki"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

const token = "hunter2-very-secret"

// end is the end of every window here; lines stand in the ten minutes before.
var end = time.Unix(1_700_000_000, 0)

func shop() *lokiServer { return shopAt(end) }

func shopAt(end time.Time) *lokiServer {
	s := &lokiServer{}
	for _, app := range []string{"orders-api", "billing"} {
		st := lokiStream{labels: map[string]string{"app": app, "env": "prod"}}
		for i := range 20 {
			level := "info"
			if i%4 == 0 {
				level = "error"
			}
			st.lines = append(st.lines, lokiLine{end.Add(time.Duration(i-20) * 30 * time.Second),
				fmt.Sprintf(`{"level":%q,"message":"request %d of %s","duration_ms":%d}`, level, i, app, i*100)})
		}
		s.streams = append(s.streams, st)
	}
	return s
}

func open(t *testing.T, settings connector.Settings, limits connector.Limits) connector.Target {
	t.Helper()
	target, err := loki.Kind().Open(settings, connector.Tools{Gate: connector.NewGate(limits)})
	require.NoError(t, err)
	t.Cleanup(func() { _ = target.Close() })
	return target
}

func ask(t *testing.T, target connector.Target, text string, options ...string) evidence.Answer {
	t.Helper()
	return askAt(t, end, target, text, options...)
}

func askAt(t *testing.T, end time.Time, target connector.Target, text string, options ...string) evidence.Answer {
	t.Helper()
	tmpl, err := probe.ParseTemplate(text)
	require.NoError(t, err)
	tmpl, err = tmpl.WithValues(map[string]any{"service": "orders-api", "word": `7" |= "x`})
	require.NoError(t, err)
	q := probe.Question{Name: "q", Lang: "logql", Text: tmpl, Options: map[string]string{}, Now: end, Since: time.Hour}
	for _, o := range options {
		name, value, _ := strings.Cut(o, "=")
		q.Options[name] = value
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return target.Ask(ctx, q)
}

func TestLines(t *testing.T) {
	target := open(t, connector.Settings{"url": shop().start(t)}, connector.Limits{})

	a := ask(t, target, `{app="${service}"} | json | level="error"`, "since=30m")
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	lines := a.Value.([]any)
	require.Len(t, lines, 5)
	first, last := lines[0].(map[string]any), lines[4].(map[string]any)
	require.Less(t, first["at"], last["at"], "oldest first")
	require.Equal(t, float64(end.Add(-10*time.Minute).Unix()), first["at"])
	require.Contains(t, first["line"], "request 0 of orders-api")
	require.Equal(t, "error", first["labels"].(map[string]any)["level"])

	a = ask(t, target, `{app="orders-api"}`, "limit=3")
	require.Len(t, a.Value, 3)
	require.Contains(t, a.Value.([]any)[2].(map[string]any)["line"], "request 19")
	require.Contains(t, a.Notes[0], "cut at 3 lines, the newest")
	a = ask(t, target, `{app="orders-api"}`, "limit=3", "direction=forward")
	require.Contains(t, a.Value.([]any)[0].(map[string]any)["line"], "request 0")

	a = ask(t, target, `{app="orders-api"} |= "${word}"`)
	require.Equal(t, evidence.Answered, a.Status)
	require.Empty(t, a.Value, "a value of a hole is text, never a further filter")
}

func TestMetrics(t *testing.T) {
	target := open(t, connector.Settings{"url": shop().start(t)}, connector.Limits{})
	a := ask(t, target, `sum by (level) (count_over_time({app="orders-api"} | json [30m]))`)
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	require.Len(t, a.Value, 2)
	require.Equal(t, map[string]any{"level": "error"}, a.Value.([]any)[0].(map[string]any)["labels"])
	require.Equal(t, 5.0, a.Value.([]any)[0].(map[string]any)["points"].([]any)[0].([]any)[1])

	a = ask(t, target, `sum(count_over_time({app="orders-api"}[1m]))`, "since=10m", "step=1m")
	require.Greater(t, len(a.Value.([]any)[0].(map[string]any)["points"].([]any)), 5)
}

func TestTheServiceIsFoundUnderItsLabel(t *testing.T) {
	s := shop()
	target := open(t, connector.Settings{"url": s.start(t)}, connector.Limits{})
	a := ask(t, target, `sum(count_over_time({service="${service}"} | json | level="error" [30m]))`)
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	require.Equal(t, 5.0, a.Value.([]any)[0].(map[string]any)["points"].([]any)[0].([]any)[1])
	require.Contains(t, a.Notes, "no stream bears the label service; app is read in its place")

	ask(t, target, `{service="${service}", env="prod"}`)
	labels := 0
	for _, path := range s.asked {
		if strings.HasSuffix(path, "/labels") {
			labels++
		}
	}
	require.Equal(t, 1, labels, "the names are asked for once: %v", s.asked)
}

func TestEmptyAnswersHaveAReason(t *testing.T) {
	target := open(t, connector.Settings{"url": shop().start(t)}, connector.Limits{})
	for name, c := range map[string]struct {
		query  string
		status evidence.Status
		reason string
	}{
		"nothing fits is an answer":   {`{app="orders-api"} |= "no such text"`, evidence.Answered, "no line of them fits"},
		"no stream of the service":    {`{app="shop"}`, evidence.NoData, `no stream has app="shop"; seen: billing, orders-api`},
		"no such label":               {`{pod="x"}`, evidence.NoData, "no stream bears the label pod; labels seen: app, env"},
		"no stream with all of them":  {`{app="orders-api", env!="prod"}`, evidence.NoData, "no stream"},
		"a count over missing stream": {`sum(count_over_time({app="shop"}[5m]))`, evidence.NoData, `app="shop"`},
	} {
		t.Run(name, func(t *testing.T) {
			a := ask(t, target, c.query)
			require.Equal(t, c.status, a.Status, a.Reason)
			require.Contains(t, a.Reason+strings.Join(a.Notes, "\n"), c.reason)
		})
	}
	none := open(t, connector.Settings{"url": (&lokiServer{}).start(t)}, connector.Limits{})
	a := ask(t, none, `{app="x"}`)
	require.Equal(t, evidence.NoData, a.Status)
	require.Contains(t, a.Reason, "look at the agent")
}

func TestEachFailureHasItsName(t *testing.T) {
	tenants := shop()
	tenants.tenant = "team-a"
	several := tenants.start(t)
	plain := shop().start(t)
	answers := http.NewServeMux()
	for path, code := range map[string]int{"/r401": 401, "/r403": 403, "/r429": 429, "/r500": 500, "/r504": 504} {
		answers.HandleFunc(path+"/", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "as Loki says", code) })
	}
	answers.HandleFunc("/hang/", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	odd := httptest.NewServer(answers)
	t.Cleanup(odd.Close)
	grafana := httptest.NewServer(http.StripPrefix("/api/datasources/proxy/uid/logs", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		shop().ServeHTTP(w, r)
	})))
	t.Cleanup(grafana.Close)

	for name, c := range map[string]struct {
		settings connector.Settings
		query    string
		status   evidence.Status
		reason   string
	}{
		"the right tenant":      {connector.Settings{"url": several, "tenant": "team-a"}, `{app="billing"}`, evidence.Answered, ""},
		"no tenant":             {connector.Settings{"url": several}, `{app="billing"}`, evidence.Denied, "several tenants"},
		"Grafana's proxy":       {connector.Settings{"url": grafana.URL + "/api/datasources/proxy/uid/logs", "bearer": token}, `{app="billing"}`, evidence.Answered, ""},
		"Grafana without token": {connector.Settings{"url": grafana.URL + "/api/datasources/proxy/uid/logs"}, `{app="billing"}`, evidence.Denied, "401"},
		"not let in":            {connector.Settings{"url": odd.URL + "/r401"}, `{app="x"}`, evidence.Denied, "401"},
		"not allowed":           {connector.Settings{"url": odd.URL + "/r403"}, `{app="x"}`, evidence.Denied, "403"},
		"too many questions":    {connector.Settings{"url": odd.URL + "/r429"}, `{app="x"}`, evidence.NotAsked, "429"},
		"a server error":        {connector.Settings{"url": odd.URL + "/r500"}, `{app="x"}`, evidence.Unreachable, "HTTP 500"},
		"a slow query":          {connector.Settings{"url": odd.URL + "/r504"}, `{app="x"}`, evidence.TimedOut, "gave up"},
		"a server that hangs":   {connector.Settings{"url": odd.URL + "/hang"}, `{app="x"}`, evidence.TimedOut, "time allowed"},
		"a wrong path":          {connector.Settings{"url": plain + "/nothing"}, `{env="x"}`, evidence.Unreachable, "404"},
		"nothing listens":       {connector.Settings{"url": "http://127.0.0.1:1"}, `{app="x"}`, evidence.Unreachable, "nothing listens"},
		"a query Loki refuses":  {connector.Settings{"url": plain}, `{app="billing"} | nonsense`, evidence.Invalid, "parse error"},
	} {
		t.Run(name, func(t *testing.T) {
			a := ask(t, open(t, c.settings, connector.Limits{Timeout: 300 * time.Millisecond}), c.query)
			require.Equal(t, c.status, a.Status, a.Reason)
			require.Contains(t, a.Reason, c.reason)
			require.NotContains(t, fmt.Sprintf("%#v", a), token)
		})
	}
}

func TestBoundsAndLife(t *testing.T) {
	target := open(t, connector.Settings{"url": shop().start(t)}, connector.Limits{Rows: 4})
	require.Len(t, ask(t, target, `{app="billing"}`).Value, 4)
	require.Equal(t, evidence.Refused, ask(t, open(t, connector.Settings{"url": shop().start(t)}, connector.Limits{Bytes: 200}), `{app="billing"}`).Status)
	for _, o := range []string{"since=5", "limit=x", "direction=up", "step=0s"} {
		require.Equal(t, evidence.Invalid, ask(t, target, `{app="billing"}`, o).Status, o)
	}
	for _, c := range target.(connector.Examiner).Examine(context.Background()) {
		require.True(t, c.OK, "%+v", c)
	}
	require.NoError(t, target.Close())
	require.NoError(t, target.Close())
	require.Equal(t, evidence.NotAsked, ask(t, target, `{app="billing"}`).Status)
}

func TestSettingsThatCannotWork(t *testing.T) {
	_, err := loki.Kind().Open(connector.Settings{}, connector.Tools{})
	require.ErrorContains(t, err, "url is missing")
	_, err = loki.Kind().Open(connector.Settings{"url": "http://x", "tenant": "a", "headers": map[string]any{"X-Scope-OrgID": "b"}}, connector.Tools{})
	require.ErrorContains(t, err, "keep one")
}

func TestCheck(t *testing.T) {
	check := loki.Kind().Languages[0].Check
	tmpl, err := probe.ParseTemplate(`{app="${service}"} |= "x"`)
	require.NoError(t, err)
	require.Empty(t, check(tmpl, map[string]string{"since": "30m"}))
	require.Len(t, check(tmpl, map[string]string{"since": "30"}), 1)
	require.Len(t, check(probe.Literal(`{app="x"`), nil), 1)
}
