package otel_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/connectortest"
	"github.com/quellhq/quell/internal/connector/otel"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/secret"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func open(t *testing.T, s connector.Settings) connector.Target {
	t.Helper()
	target, err := otel.Kind().Open(s, connector.Tools{Redact: secret.NewRedactor()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, target.Close()) })
	return target
}

func question(name string) probe.Question {
	args := map[string]any{"service": "shop", "recently": 10 * time.Minute, "before": time.Hour}
	if name == "otel.repeats" {
		args["times"], args["takes"] = int64(5), 20*time.Millisecond
	}
	return probe.Question{Lang: "probe", Builtin: name, Args: args, Now: now, Since: time.Hour}
}

func ask(t *testing.T, target connector.Target, name string) any {
	t.Helper()
	a := target.Ask(t.Context(), question(name))
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	return a.Value
}

func rows(t *testing.T, target connector.Target, name string) []map[string]any {
	t.Helper()
	out := []map[string]any{}
	for _, r := range ask(t, target, name).([]any) {
		out = append(out, r.(map[string]any))
	}
	return out
}

// sql is a statement, and http a call, that the shop sends.
func sql(at, took float64, statement string) work {
	return work{name: "SELECT shop", kind: "client", at: at, took: took, attrs: map[string]string{"db.system": "postgresql", "db.name": "shop", "db.statement": statement}}
}

func call(at, took float64, fails string) work {
	return work{name: "POST", kind: "client", at: at, took: took, fails: fails, attrs: map[string]string{"http.method": "POST", "http.url": "https://pay.example/v1/charges/4711", "server.address": "pay.example"},
		below: []work{{service: "payments", name: "POST /v1/charges/{id}", kind: "server", at: 1, took: took - 2, fails: fails, attrs: map[string]string{"http.route": "/v1/charges/{id}", "http.method": "POST"}}}}
}

func get(route string, took float64, below ...work) work {
	return work{service: "shop", name: "GET " + route, kind: "server", took: took, attrs: map[string]string{"http.route": route, "http.request.method": "GET"}, below: below}
}

// story makes n requests, evenly over the minutes from ago to until before now.
func story(requests []told, n int, ago, until time.Duration, root func(i int) work) []told {
	for i := range n {
		at := now.Add(-ago + (ago-until)*time.Duration(i)/time.Duration(n))
		requests = append(requests, told{id: fmt.Sprintf("%032x", len(requests)+1), at: at, root: root(i)})
	}
	return requests
}

func usual(i int) work {
	return get("/cart/{id}", 20, sql(2, 4, fmt.Sprintf("SELECT * FROM carts WHERE id = %d", i)), call(8, 8, ""))
}

func TestASlowNeighbour(t *testing.T) {
	t.Parallel()
	requests := story(nil, 60, 70*time.Minute, 9*time.Minute, usual)
	requests = story(requests, 40, 9*time.Minute, 0, func(int) work {
		return get("/cart/{id}", 920, sql(2, 4, "SELECT * FROM carts WHERE id = 7"), call(8, 900, ""))
	})
	both(t, requests, func(t *testing.T, _ *store, url string) {
		target := open(t, connector.Settings{"url": url})
		v := ask(t, target, "otel.slow").(map[string]any)
		require.InDelta(t, 0.92, v["p50_s"], 0.001)
		require.InDelta(t, 0.02, v["before_p50_s"], 0.001)
		require.Greater(t, v["call_share"], 0.9)
		require.Less(t, v["own_share"], 0.05)
		require.Equal(t, "payments", v["top_service"])
		require.Equal(t, "POST /v1/charges/{id}", v["top_operation"])
		require.InDelta(t, 0.006, v["top_before_s"], 0.001)
		d := rows(t, target, "otel.dependencies")
		require.Equal(t, "payments", d[0]["peer"])
		require.Equal(t, "call", d[0]["kind"])
		require.Greater(t, d[0]["slower"], 50.0)
		require.Equal(t, 1.0, d[0]["per_request"])
		require.Equal(t, 1.0, d[0]["before_per_request"])
		require.Greater(t, d[0]["time_share"], 0.9)
		require.Equal(t, "postgresql shop", d[1]["peer"])
		require.InDelta(t, 1.0, d[1]["slower"], 0.01)
		require.Empty(t, rows(t, target, "otel.repeats"))
		require.Empty(t, rows(t, target, "otel.errors"))
	})
}

func TestOneStatementForEachRow(t *testing.T) {
	t.Parallel()
	requests := story(nil, 60, 70*time.Minute, 9*time.Minute, func(int) work {
		return get("/orders", 20, sql(2, 4, "SELECT * FROM orders WHERE user_id = 9"), sql(7, 6, "SELECT * FROM items WHERE order_id IN (1, 2, 3)"))
	})
	requests = story(requests, 40, 9*time.Minute, 0, func(i int) work {
		w := get("/orders", 20+30*5, sql(2, 4, "SELECT * FROM orders WHERE user_id = 9"))
		for n := range 30 {
			w.below = append(w.below, sql(8+5*float64(n), 4, fmt.Sprintf("SELECT * FROM items WHERE order_id = %d AND note = 'it''s %d'", i*100+n, n)))
		}
		return w
	})
	both(t, requests, func(t *testing.T, _ *store, url string) {
		target := open(t, connector.Settings{"url": url})
		r := rows(t, target, "otel.repeats")
		require.Len(t, r, 1)
		require.Equal(t, "GET /orders", r[0]["endpoint"])
		require.Equal(t, "SELECT * FROM items WHERE order_id = ? AND note = ?", r[0]["operation"])
		require.Equal(t, 30.0, r[0]["usual"])
		require.Equal(t, 0.0, r[0]["before"])
		require.Equal(t, true, r[0]["sequential"])
		require.Greater(t, r[0]["time_share"], 0.6)
		require.Equal(t, 1.0, r[0]["share"])
	})
}

func TestWhatRunsBesideItselfIsNotSequential(t *testing.T) {
	t.Parallel()
	requests := story(nil, 20, 9*time.Minute, 0, func(int) work {
		w := get("/feed", 60)
		for range 10 {
			w.below = append(w.below, call(5, 50, ""))
		}
		return w
	})
	both(t, requests, func(t *testing.T, _ *store, url string) {
		target := open(t, connector.Settings{"url": url})
		r := rows(t, target, "otel.repeats")
		require.Len(t, r, 1)
		require.Equal(t, false, r[0]["sequential"])
		require.Nil(t, r[0]["before"], "nothing is known of before")
		v := ask(t, target, "otel.slow").(map[string]any)
		require.Nil(t, v["before_p50_s"])
		require.Less(t, v["call_share"], 1.0, "time that ran side by side counts once")
	})
}

func TestErrorsAreToldWhereTheyBegin(t *testing.T) {
	t.Parallel()
	requests := story(nil, 60, 70*time.Minute, 9*time.Minute, usual)
	requests = story(requests, 40, 9*time.Minute, 0, func(i int) work {
		if i%2 == 0 {
			return usual(i)
		}
		w := get("/cart/{id}", 40, call(8, 30, "ConnectTimeout"))
		w.fails = "HTTPException"
		return w
	})
	both(t, requests, func(t *testing.T, _ *store, url string) {
		r := rows(t, open(t, connector.Settings{"url": url}), "otel.errors")
		require.Len(t, r, 1, "the error is told once, where it begins")
		require.Equal(t, "payments", r[0]["service"])
		require.Equal(t, "call", r[0]["kind"])
		require.Equal(t, "ConnectTimeout", r[0]["error"])
		require.Equal(t, "it went wrong", r[0]["message"])
		require.InDelta(t, 0.5, r[0]["share"], 0.1)
		require.Equal(t, 0.0, r[0]["before_share"])
		require.Equal(t, true, r[0]["reaches_user"])
	})
}

func TestTheContract(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = silent.Close() })
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, gone.Close())
	requests := story(nil, 30, 70*time.Minute, 0, func(int) work {
		w := get("/feed", 200, call(5, 50, "Timeout"))
		for n := range 8 {
			w.below = append(w.below, sql(60+float64(n)*10, 8, "SELECT 1"))
		}
		return w
	})
	both(t, requests, func(t *testing.T, _ *store, url string) {
		at := func(url string) connector.Settings {
			return connector.Settings{"url": url, "bearer": "hunter22", "tenant": "hunter22"}
		}
		c := connectortest.Case{Kind: otel.Kind(), Well: at(url), Gone: at("http://" + gone.Addr().String()), Silent: at("http://" + silent.Addr().String()), Secret: "hunter22"}
		for _, s := range c.Kind.Probes {
			c.Questions = append(c.Questions, question(s.Name))
		}
		connectortest.Run(t, c)
	})
}

func TestATenantIsNeeded(t *testing.T) {
	t.Parallel()
	s := &store{tempo: true, tenant: "team", requests: story(nil, 5, time.Minute, 0, usual)}
	url := s.serve(t)
	a := open(t, connector.Settings{"url": url}).Ask(t.Context(), question("otel.slow"))
	require.Equal(t, evidence.Denied, a.Status)
	require.Equal(t, "set tenant", a.Hint)
	ask(t, open(t, connector.Settings{"url": url, "tenant": "team"}), "otel.slow")
}

func TestNames(t *testing.T) {
	t.Parallel()
	s := &store{requests: story(nil, 5, time.Minute, 0, usual)}
	target := open(t, connector.Settings{"url": s.serve(t), "services": map[string]any{"checkout": "shop"}})
	of := func(name string) evidence.Answer {
		q := question("otel.slow")
		q.Args["service"] = name
		return target.Ask(t.Context(), q)
	}
	require.Equal(t, evidence.Answered, of("Sh-op").Status)
	require.Equal(t, evidence.Answered, of("checkout").Status)
	a := of("nobody")
	require.Equal(t, evidence.NoData, a.Status)
	require.Contains(t, a.Reason, "there are payments, shop")
	old := question("otel.slow")
	old.Now = now.Add(-24 * time.Hour)
	require.Equal(t, evidence.NoData, target.Ask(t.Context(), old).Status, "nothing was traced then")
}

func TestStrangeAnswers(t *testing.T) {
	t.Parallel()
	id := "00000000000000000000000000000001"
	circle := fmt.Sprintf(`{"data":[{"traceID":%q,"spans":[{"spanID":"1","references":[{"refType":"CHILD_OF","traceID":%q,"spanID":"2"}]},{"spanID":"2","references":[{"refType":"CHILD_OF","traceID":%q,"spanID":"1"}]},{"spanID":"1","duration":-5,"startTime":9000000000000000}]}]}`, id, id, id)
	for name, c := range map[string]struct {
		services, traces string
		status           int
		want             []evidence.Status
	}{
		"html":            {"<html>login</html>", "", 200, []evidence.Status{evidence.NotApplicable}},
		"no traces":       {`{"data":["shop"]}`, `{"data":null,"errors":null}`, 200, []evidence.Status{evidence.NoData}},
		"empty":           {`{"data":["shop"]}`, ``, 200, []evidence.Status{evidence.NotApplicable}},
		"half":            {`{"data":["shop"]}`, `{"data":[{"traceID":"1","spans":[{`, 200, []evidence.Status{evidence.NotApplicable}},
		"other types":     {`{"data":["shop"]}`, `{"data":{"a":1}}`, 200, []evidence.Status{evidence.NotApplicable}},
		"nulls":           {`{"data":["shop"]}`, `{"data":[{"spans":null,"processes":null},{"spans":[{"tags":null,"logs":null}]}]}`, 200, []evidence.Status{evidence.NoData}},
		"a circle":        {`{"data":["shop"]}`, circle, 200, []evidence.Status{evidence.NoData, evidence.Answered}},
		"denied":          {`{"data":["shop"]}`, `{"errors":[{"code":403,"msg":"not yours"}]}`, 403, []evidence.Status{evidence.Denied}},
		"sick":            {`{"data":["shop"]}`, `{"errors":[{"code":500,"msg":"storage is down"}]}`, 500, []evidence.Status{evidence.Unreachable}},
		"too many":        {`{"data":["shop"]}`, ``, 429, []evidence.Status{evidence.NotAsked}},
		"no such service": {`{"data":[]}`, `{"data":[]}`, 200, []evidence.Status{evidence.NoData}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/api/services" {
					fmt.Fprint(w, c.services)
					return
				}
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.traces)
			}))
			t.Cleanup(s.Close)
			target := open(t, connector.Settings{"url": s.URL})
			for _, spec := range otel.Kind().Probes {
				a := target.Ask(t.Context(), question(spec.Name))
				require.Contains(t, c.want, a.Status, "%s: %s", spec.Name, a.Reason)
			}
		})
	}
}

func TestAHugeAnswerIsRefused(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/services" {
			fmt.Fprint(w, `{"data":["shop"]}`)
			return
		}
		_, _ = w.Write([]byte(strings.Repeat(" ", 9<<20)))
	}))
	t.Cleanup(s.Close)
	a := open(t, connector.Settings{"url": s.URL}).Ask(t.Context(), question("otel.slow"))
	require.Equal(t, evidence.Refused, a.Status)
}

// A batch with a hundred thousand spans takes neither long nor much.
func TestARunawayTraceIsBounded(t *testing.T) {
	t.Parallel()
	w := get("/batch", 1e6)
	for n := range 20000 {
		w.below = append(w.below, sql(float64(n), 1, "SELECT 1"))
	}
	deep := get("/deep", 9000)
	for range 3000 {
		deep = work{service: "shop", name: "step", kind: "internal", took: 9000, below: []work{deep}}
	}
	s := &store{requests: []told{{id: fmt.Sprintf("%032x", 1), at: now.Add(-time.Minute), root: w}, {id: fmt.Sprintf("%032x", 2), at: now.Add(-time.Minute), root: deep}}}
	target, err := otel.Kind().Open(connector.Settings{"url": s.serve(t)}, connector.Tools{Gate: connector.NewGate(connector.Limits{Bytes: 64 << 20})})
	require.NoError(t, err)
	start := time.Now()
	for _, spec := range otel.Kind().Probes {
		require.Equal(t, evidence.Answered, target.Ask(t.Context(), question(spec.Name)).Status)
	}
	require.Less(t, time.Since(start), 20*time.Second)
}

func TestSettings(t *testing.T) {
	t.Parallel()
	for _, bad := range []connector.Settings{
		{}, {"url": "jaeger:16686"}, {"url": "ftp://x"}, {"url": "http://x?y"}, {"url": "http://x", "flavour": "zipkin"}, {"url": "http://x", "password": "p"},
	} {
		_, err := otel.Kind().Open(bad, connector.Tools{})
		require.Error(t, err, bad)
	}
}
