package series_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/series"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

const password = "hunter2-very-secret"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shop serves 100 requests a second, one in ten of them failed, on a page that
// the test may replace.
func shop(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	if handler == nil {
		handler = func(w http.ResponseWriter, _ *http.Request) {
			n := time.Now().UnixMilli() % 1e9 / 10
			_, _ = fmt.Fprintf(w, "requests_total{code=\"200\"} %d\nrequests_total{code=\"500\"} %d\ndb_connections_active 7\n", n*9/10, n/10)
		}
	}
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s
}

func open(t *testing.T, settings connector.Settings, limits connector.Limits) connector.Target {
	t.Helper()
	target, err := series.Kind().Open(settings, connector.Tools{Gate: connector.NewGate(limits)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, target.Close()) })
	return target
}

func ask(t *testing.T, target connector.Target, q probe.Question, within time.Duration) evidence.Answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	return target.Ask(ctx, q)
}

func promql(text string, options ...string) probe.Question {
	q := probe.Question{Name: "q", Lang: "promql", Text: probe.Literal(text), Options: map[string]string{}, Now: time.Now(), Since: time.Hour}
	for _, o := range options {
		name, value, _ := strings.Cut(o, "=")
		q.Options[name] = value
	}
	return q
}

func point(t *testing.T, a evidence.Answer) float64 {
	t.Helper()
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	points := a.Value.([]any)[0].(map[string]any)["points"].([]any)
	return points[len(points)-1].([]any)[1].(float64)
}

// The first investigation after opening has no history at all, and still gets
// a right rate: two samples a second apart, with the window cut to them.
func TestOneShot(t *testing.T) {
	s := shop(t, nil)
	target := open(t, connector.Settings{
		"scrape": []any{map[string]any{"url": s.URL, "labels": map[string]any{"service": "orders-api"}}},
	}, connector.Limits{})

	a := ask(t, target, promql("db_connections_active"), 5*time.Second)
	require.Equal(t, 7.0, point(t, a))
	require.Empty(t, a.Notes, "one sample is enough for a value")

	a = ask(t, target, promql(`sum(rate(http_requests_total{service="orders-api"}[5m]))`), 5*time.Second)
	require.InDelta(t, 100, point(t, a), 15)
	require.Contains(t, strings.Join(a.Notes, "\n"), "windows of up to 5m are cut to 1s")
	require.Contains(t, strings.Join(a.Notes, "\n"), "requests_total is read in its place")

	a = ask(t, target, promql(`sum(rate(requests_total{status=~"5.."}[1m])) / sum(rate(requests_total[1m]))`, "range=30m", "step=15s"), 5*time.Second)
	require.InDelta(t, 0.1, point(t, a), 0.02)
	require.Contains(t, strings.Join(a.Notes, "\n"), "of the 30m asked for")

	a = ask(t, target, promql(`db_connections_active`, "range=30m", "step=15s"), 5*time.Second)
	require.GreaterOrEqual(t, len(a.Value.([]any)[0].(map[string]any)["points"].([]any)), 2, "two samples are two points")

	a = ask(t, target, promql(`sum(rate(requests_total{service="billing"}[1m]))`), 5*time.Second)
	require.Equal(t, evidence.NoData, a.Status)
	require.Contains(t, a.Reason, `none with service="billing"`)
	require.Contains(t, a.Reason, `service="orders-api"`)
}

// A target that was open for a while before answers for the window's end that
// the investigation gives.
func TestHistory(t *testing.T) {
	s := shop(t, nil)
	target := open(t, connector.Settings{"scrape": []any{s.URL + "/metrics"}, "interval": "1s"}, connector.Limits{})
	require.Equal(t, evidence.Answered, ask(t, target, promql("rate(requests_total[1m])"), 5*time.Second).Status)
	q := promql("db_connections_active")
	a := ask(t, target, q, 5*time.Second)
	at := a.Value.([]any)[0].(map[string]any)["points"].([]any)[0].([]any)[0].(float64)
	require.InDelta(t, float64(q.Now.UnixMilli())/1000, at, 0.002)
}

func TestTheDeadlineHolds(t *testing.T) {
	hang := shop(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	target := open(t, connector.Settings{"scrape": []any{hang.URL}}, connector.Limits{})
	start := time.Now()
	a := ask(t, target, promql("up"), 300*time.Millisecond)
	require.Equal(t, evidence.TimedOut, a.Status, a.Reason)
	require.Less(t, time.Since(start), time.Second)

	work := shop(t, nil)
	target = open(t, connector.Settings{"scrape": []any{work.URL}}, connector.Limits{})
	a = ask(t, target, promql("rate(requests_total[1m])"), 300*time.Millisecond)
	require.Equal(t, evidence.NoData, a.Status, "one sample gives no rate: %v", a.Value)
	require.Contains(t, a.Reason, "two samples")
}

func TestEachFailureHasItsName(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		status  evidence.Status
		cause   string
	}{
		"no such page":   {http.NotFound, evidence.Unreachable, "not_found"},
		"wants a token":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) }, evidence.Denied, "unauthorized"},
		"a server error": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }, evidence.Unreachable, "server_error"},
		"a web page":     {func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "<html>\n<body>") }, evidence.Invalid, "wrong_format"},
		"a page too large": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprint(w, strings.Repeat("a 1\n", 5000))
		}, evidence.Refused, "limit"},
	} {
		t.Run(name, func(t *testing.T) {
			s := shop(t, c.handler)
			target := open(t, connector.Settings{"scrape": []any{s.URL}, "bearer": password}, connector.Limits{Bytes: 10_000})
			a := ask(t, target, promql("sum(rate(requests_total[1m]))"), 5*time.Second)
			require.Equal(t, c.status, a.Status, a.Reason)
			require.NotContains(t, fmt.Sprintf("%#v", a), password)

			targets := ask(t, target, probe.Question{Lang: "probe", Builtin: "prometheus.targets"}, 5*time.Second)
			v := targets.Value.(map[string]any)
			require.Equal(t, int64(1), v["down"])
			require.Equal(t, c.cause, v["targets"].([]any)[0].(map[string]any)["cause"])

			// That it is down is known, though nothing else is.
			require.Equal(t, 0.0, point(t, ask(t, target, promql("up"), 5*time.Second)))
		})
	}
	t.Run("nothing listens", func(t *testing.T) {
		target := open(t, connector.Settings{"scrape": []any{"http://user:" + password + "@127.0.0.1:1/metrics"}}, connector.Limits{})
		a := ask(t, target, promql("x"), 5*time.Second)
		require.Equal(t, evidence.Unreachable, a.Status)
		require.Contains(t, a.Reason, "nothing listens")
		require.NotContains(t, fmt.Sprintf("%#v", a), password)
	})
}

func TestOneOfTwoEndpointsFails(t *testing.T) {
	s := shop(t, nil)
	target := open(t, connector.Settings{"scrape": []any{s.URL, "http://127.0.0.1:1/metrics"}}, connector.Limits{})
	a := ask(t, target, promql("db_connections_active"), 5*time.Second)
	require.Equal(t, 7.0, point(t, a))
	require.Contains(t, strings.Join(a.Notes, "\n"), "not every endpoint could be read")
	a = ask(t, target, promql("count(up == 0)"), 5*time.Second)
	require.Equal(t, 1.0, point(t, a))
}

func TestWhatItIsNot(t *testing.T) {
	s := shop(t, nil)
	target := open(t, connector.Settings{"scrape": []any{s.URL}}, connector.Limits{})
	for _, q := range []probe.Question{
		{Lang: "probe", Builtin: "prometheus.alerts"}, {Lang: "probe", Builtin: "prometheus.rules"},
		{Lang: "probe", Builtin: "redis.info"}, {Lang: "sql"},
	} {
		require.Equal(t, evidence.NotApplicable, ask(t, target, q, time.Second).Status)
	}
	h := ask(t, target, probe.Question{Lang: "probe", Builtin: "prometheus.health"}, 5*time.Second)
	require.Equal(t, true, h.Value.(map[string]any)["scraping"])
	for _, c := range target.(connector.Examiner).Examine(context.Background()) {
		require.True(t, c.OK, "%+v", c)
	}
	require.NoError(t, target.Close())
	require.Equal(t, evidence.NotAsked, ask(t, target, promql("up"), time.Second).Status)
}

func TestSettingsThatCannotWork(t *testing.T) {
	for name, c := range map[string]struct {
		settings connector.Settings
		says     string
	}{
		"nothing to scrape":   {connector.Settings{}, "scrape is missing"},
		"no scheme":           {connector.Settings{"scrape": []any{"localhost:8000"}}, "http://"},
		"twice the same":      {connector.Settings{"scrape": []any{"http://x/metrics", "http://x"}}, "twice"},
		"too often":           {connector.Settings{"scrape": []any{"http://x"}, "interval": "10ms"}, "shortest"},
		"an unknown key":      {connector.Settings{"scrape": []any{map[string]any{"adress": "http://x"}}}, "endpoint"},
		"an unknown setting":  {connector.Settings{"scrap": []any{"http://x"}}, `"scrap"`},
		"a window below zero": {connector.Settings{"scrape": []any{"http://x"}, "window": "-1s"}, "below zero"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := series.Kind().Open(c.settings, connector.Tools{})
			require.ErrorContains(t, err, c.says)
		})
	}
}

func TestFieldsAreDocumented(t *testing.T) {
	s := shop(t, nil)
	target := open(t, connector.Settings{"scrape": []any{s.URL}}, connector.Limits{})
	for _, spec := range series.Kind().Probes {
		if spec.Name == "prometheus.changes" {
			continue // of a service that tells its version: see package promtext
		}
		a := ask(t, target, probe.Question{Lang: "probe", Builtin: spec.Name}, 5*time.Second)
		require.Equal(t, evidence.Answered, a.Status, a.Reason)
		var documented, present []string
		for _, f := range spec.Fields {
			documented = append(documented, f.Name)
		}
		for name := range a.Value.(map[string]any) {
			present = append(present, name)
		}
		require.ElementsMatch(t, documented, present, spec.Name)
	}
}
