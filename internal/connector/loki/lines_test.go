package loki_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// busy is an hour of a service whose orders take long since five minutes.
func busy() *lokiServer {
	st := lokiStream{labels: map[string]string{"app": "shop", "env": "prod"}}
	for s := 3600; s > 0; s -= 2 {
		path, took, status := "/cart", 20, 200
		if s%4 == 0 {
			path, took = "/orders/"+fmt.Sprint(s), 40
			if s < 300 {
				took, status = 2400, 500
			}
		}
		st.lines = append(st.lines, lokiLine{end.Add(-time.Duration(s) * time.Second),
			fmt.Sprintf(`{"level":"info","message":"request","method":"GET","path":%q,"status":%d,"duration_ms":%d,"version":"1.4.2"}`, path, status, took)})
	}
	st.lines = append(st.lines, lokiLine{end.Add(-time.Second), `{"level":"error","message":"order 17 could not be saved"}`})
	other := lokiStream{labels: map[string]string{"app": "billing"}, lines: []lokiLine{{end.Add(-time.Second), `{"level":"error","message":"of somebody else"}`}}}
	return &lokiServer{streams: []lokiStream{st, other}}
}

func builtin(target connector.Target, name, service string, args map[string]any) evidence.Answer {
	if args == nil {
		args = map[string]any{}
	}
	return target.Ask(context.Background(), probe.Question{
		Name: "q", Lang: "probe", Builtin: name, Args: args, Service: probe.Service{Name: service}, Now: end, Since: 30 * time.Minute,
	})
}

// What log files are asked, a Loki is asked as well, and all of it reads the lines once.
func TestQuestionsAboutLinesOfALoki(t *testing.T) {
	server := busy()
	target := open(t, connector.Settings{"url": server.start(t)}, connector.Limits{})
	answers := map[string]evidence.Answer{}
	var mu sync.Mutex
	var asking sync.WaitGroup
	for _, name := range []string{"logs.requests", "logs.errors", "logs.patterns", "logs.versions", "logs.auth", "logs.starts"} {
		asking.Go(func() {
			a := builtin(target, name, "shop", nil)
			mu.Lock()
			defer mu.Unlock()
			answers[name] = a
		})
	}
	asking.Wait()
	requests := answers["logs.requests"]
	require.Equal(t, evidence.Answered, requests.Status, requests.Reason)
	v := requests.Value.(map[string]any)
	require.InDelta(t, 300, v["requests"], 2)
	require.InDelta(t, 75, v["failed"], 2)
	paths := v["paths"].([]any)
	require.Len(t, paths, 2)
	for _, p := range paths {
		if p := p.(map[string]any); p["path"] == "/orders/*" {
			require.InEpsilon(t, 60, p["slower"], 0.1)
		}
	}
	require.Equal(t, evidence.Answered, answers["logs.errors"].Status, answers["logs.errors"].Reason)
	require.Contains(t, fmt.Sprint(answers["logs.errors"].Value), "could not be saved")
	require.NotContains(t, fmt.Sprint(answers["logs.errors"].Value), "somebody else")
	require.Contains(t, fmt.Sprint(answers["logs.versions"].Value), "1.4.2")
	require.Equal(t, evidence.NoData, answers["logs.starts"].Status)
	require.Contains(t, strings.Join(requests.Notes, "; "), "app is read in its place")
	require.Len(t, server.queries, 2, "1,801 lines are two pages, whoever asks: %v", server.queries)

	require.Equal(t, evidence.Answered, builtin(target, "logs.errors", "shop", map[string]any{"query": `{app="billing"} |= "somebody"`}).Status)
	wrong := builtin(target, "logs.errors", "shop", map[string]any{"query": `{app="billing"`})
	require.Equal(t, evidence.Invalid, wrong.Status)
	nobody := builtin(target, "logs.errors", "nobody", nil)
	require.Equal(t, evidence.NoData, nobody.Status)
	require.Contains(t, nobody.Reason, "no stream")
	require.Equal(t, evidence.NotApplicable, builtin(target, "logs.sources", "shop", nil).Status)
}

// A Loki that is slow gives the newest lines in the time that there is.
func TestASlowLokiGivesTheNewestLines(t *testing.T) {
	server := busy()
	server.slow = time.Second
	target := open(t, connector.Settings{"url": server.start(t)}, connector.Limits{Timeout: 2 * time.Second})
	a := builtin(target, "logs.requests", "shop", nil)
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	require.InDelta(t, 300, a.Value.(map[string]any)["requests"], 2)
	require.Contains(t, strings.Join(a.Notes, "; "), "only the newest 1000 lines")
}

// An error that a log has stopped to tell of, while it goes on, is over.
func TestLinesOfALokiThatHaveEnded(t *testing.T) {
	server := func(goesOn bool) *lokiServer {
		st := lokiStream{labels: map[string]string{"app": "shop", "pod": "web-1"}}
		for age := 600; age > 120; age -= 5 {
			st.lines = append(st.lines, lokiLine{end.Add(-time.Duration(age) * time.Second), `{"level":"error","message":"the pool is empty"}`})
		}
		if goesOn {
			st.lines = append(st.lines, lokiLine{end.Add(-time.Second), `{"level":"info","message":"request"}`})
		}
		return &lokiServer{streams: []lokiStream{st}}
	}
	ended := func(s *lokiServer, options map[string]string) float64 {
		target := open(t, connector.Settings{"url": s.start(t)}, connector.Limits{})
		template, err := probe.ParseTemplate(`{app="shop"} |= "pool is empty"`)
		require.NoError(t, err)
		q := probe.Question{Name: "q", Lang: "logql", Options: options, Service: probe.Service{Name: "shop"}, Now: end, Since: 30 * time.Minute}
		q.Text, err = template.WithValues(q.Service.Facts())
		require.NoError(t, err)
		a := target.Ask(context.Background(), q)
		require.Equal(t, evidence.Answered, a.Status, a.Reason)
		return a.Ended
	}
	require.Equal(t, float64(end.Add(-125*time.Second).Unix()), ended(server(true), nil))
	require.Zero(t, ended(server(true), map[string]string{"once": "true"}))
	require.Zero(t, ended(server(false), nil), "who wrote them writes no more")
}
