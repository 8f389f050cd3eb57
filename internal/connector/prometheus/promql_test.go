package prometheus_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
)

func TestPromQL(t *testing.T) {
	needServer(t)
	target := open(t, nil)

	t.Run("a value now", func(t *testing.T) {
		a := ask(t, target, promql("db_connections_active"))
		s := series(t, a)
		require.Len(t, s, 1)
		require.Equal(t, "main", s[0]["labels"].(map[string]any)["pool"])
		require.Equal(t, 7.0, s[0]["points"].([]any)[0].([]any)[1])
		require.Empty(t, a.Notes)
	})
	t.Run("a range gives points in order", func(t *testing.T) {
		s := series(t, ask(t, target, promql("db_connections_active", "range=30s", "step=1s")))
		points := s[0]["points"].([]any)
		require.NotEmpty(t, points)
		last := 0.0
		for _, p := range points {
			require.Greater(t, p.([]any)[0].(float64), last)
			last = p.([]any)[0].(float64)
		}
	})
	t.Run("a scalar is a series without labels", func(t *testing.T) {
		require.Equal(t, 3.0, series(t, ask(t, target, promql("1 + 2")))[0]["points"].([]any)[0].([]any)[1])
	})
	t.Run("other names of the same thing are found, and told", func(t *testing.T) {
		a := ask(t, target, promql(`sum by (service, status) (rate(http_requests_total{service="orders-api",status=~"5.."}[30s]))`))
		s := series(t, a)
		require.Len(t, s, 1)
		require.Equal(t, map[string]any{"service": "orders-api", "status": "500"}, s[0]["labels"], "labels come back under the playbook's names")
		notes := strings.Join(a.Notes, "\n")
		require.Contains(t, notes, "no series is called http_requests_total here; requests_total is read in its place")
		require.Contains(t, notes, "code is read in its place")
		require.Contains(t, notes, "job is read in its place")
	})
	t.Run("the operator's own names win", func(t *testing.T) {
		own := open(t, connector.Settings{"url": shared.URL, "aliases": map[string]any{"pool_use": "db_connections_active"}})
		require.Len(t, series(t, ask(t, own, promql("pool_use"))), 1)
	})
	t.Run("a limit cuts and says so", func(t *testing.T) {
		a := ask(t, target, promql("up", "limit=2"))
		require.Len(t, series(t, a), 2)
		require.Contains(t, a.Notes, "cut at 2 of 8 series")
	})
}

func TestEmptyAnswersHaveAReason(t *testing.T) {
	needServer(t)
	target := open(t, nil)
	for name, c := range map[string]struct {
		query  string
		status evidence.Status
		reason string // or a note, where answered
	}{
		"no such name":                     {`db_connection_active`, evidence.NoData, "no series is called db_connection_active; there is db_connections_active"},
		"no such service":                  {`sum(rate(requests_total{job="shop"}[1m]))`, evidence.NoData, `none with job="shop"; labels seen: job="orders-api"`},
		"no such service, with a fallback": {`sum(rate(requests_total{service="shop"}[1m])) or vector(0)`, evidence.NoData, "fallback value says nothing"},
		"no such status":                   {`requests_total{code="404"}`, evidence.NoData, `there are 2 series of requests_total, none with code="404"`},
		"two labels that do not meet":      {`up{job="gone",instance="quell-test.invalid:80"}`, evidence.NoData, "at once"},
		"all filtered away is an answer":   {`db_connections_active > 80`, evidence.Answered, "none passes the comparison"},
		"a division by zero":               {`rate(idle_total[1m]) / rate(idle_total[1m])`, evidence.NoData, "division by zero"},
		"sides that do not match":          {`db_pools{pool="a"} / db_connections_active{pool="main"}`, evidence.NoData, "no labels in common"},
		"a window too short for a rate":    {`rate(requests_total[100ms])`, evidence.NoData, "two samples"},
		"never there, with a fallback":     {`sum(never_there) or vector(0)`, evidence.Answered, "no series is called never_there: the value is the query's own fallback"},
	} {
		t.Run(name, func(t *testing.T) {
			a := ask(t, target, promql(c.query))
			require.Equal(t, c.status, a.Status, "%s %v", a.Reason, a.Value)
			require.Contains(t, a.Reason+"\n"+strings.Join(a.Notes, "\n"), c.reason)
		})
	}
}
