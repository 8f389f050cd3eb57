package prometheus_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/realserver"
)

func TestDeliveryTellsALostAlertFromADeliveredOne(t *testing.T) {
	t.Parallel()
	taken := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(taken.Close)
	const fires = "groups: [{name: g, rules: [{alert: Always, expr: vector(1)}]}]\n"
	start := func(alertmanagers ...string) connector.Target {
		s := realserver.Prometheus(t, realserver.PrometheusConfig{Rules: fires, Alerts: alertmanagers, Args: []string{"--rules.alert.resend-delay=1s"}})
		return open(t, connector.Settings{"url": s.URL})
	}
	well := start(strings.TrimPrefix(taken.URL, "http://"))
	ill := start(fmt.Sprintf("127.0.0.1:%d", realserver.Port(t)))
	none := start()
	wait := func(target connector.Target, field string) map[string]any {
		realserver.WaitFor(t, field, 30*time.Second, "", func() error {
			a := ask(t, target, builtin("prometheus.delivery", nil))
			had, _ := a.Value.(map[string]any)
			if n, _ := had[field].(float64); n > 0 {
				return nil
			}
			return fmt.Errorf("%v", a.Value)
		})
		return object(t, ask(t, target, builtin("prometheus.delivery", nil)))
	}
	v := wait(well, "sent")
	require.Equal(t, int64(1), v["alertmanagers"])
	require.Equal(t, 0.0, v["failed_share"])
	v = wait(ill, "failed")
	require.Equal(t, 1.0, v["failed_share"])
	v = object(t, ask(t, none, builtin("prometheus.delivery", nil)))
	require.Equal(t, int64(0), v["alertmanagers"])
	require.Nil(t, v["failed_share"])
}

func TestReachAsksWhatIsDownFromHere(t *testing.T) {
	needServer(t)
	a := ask(t, open(t, nil), builtin("prometheus.reach", map[string]any{"most": int64(10)}))
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	here, status := map[string]any{}, map[string]any{}
	for _, row := range a.Value.([]any) {
		r := row.(map[string]any)
		here[r["job"].(string)], status[r["job"].(string)] = r["here"], r["status"]
		require.Equal(t, false, r["metrics"], "%v", r)
	}
	require.Equal(t, map[string]any{
		"gone": "refused", "elsewhere": "no_such_host", "wrong-path": "answers", "failing": "answers",
		"page": "answers", "silent": "silent", "locked": "answers",
	}, here)
	require.Equal(t, int64(404), status["wrong-path"])
	require.Equal(t, evidence.Invalid, ask(t, open(t, nil), builtin("prometheus.reach", map[string]any{"most": int64(11)})).Status)
}

func TestReachKnowsAPageOfMetricsThatPrometheusDoesNotGet(t *testing.T) {
	// An endpoint that is silent for Prometheus alone: as behind a firewall.
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.UserAgent(), "Prometheus") {
			<-r.Context().Done()
			return
		}
		_, _ = fmt.Fprint(w, "\nup_to_date{a=\"b c\"} 1\n")
	}))
	t.Cleanup(page.Close)
	s := realserver.Prometheus(t, realserver.PrometheusConfig{Scrape: scrape("walled", strings.TrimPrefix(page.URL, "http://"), "/metrics")})
	target := open(t, connector.Settings{"url": s.URL})
	realserver.WaitFor(t, "a failed scrape", 20*time.Second, "", func() error {
		a := ask(t, target, builtin("prometheus.reach", nil))
		if rows, _ := a.Value.([]any); len(rows) == 1 {
			return nil
		}
		return fmt.Errorf("%v", a)
	})
	r := ask(t, target, builtin("prometheus.reach", nil)).Value.([]any)[0].(map[string]any)
	require.Equal(t, "timeout", r["there"])
	require.Equal(t, "answers", r["here"])
	require.Equal(t, true, r["metrics"])
}
