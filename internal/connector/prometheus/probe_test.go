package prometheus_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/prometheus"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func object(t *testing.T, a evidence.Answer) map[string]any {
	t.Helper()
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	return a.Value.(map[string]any)
}

func TestTargetsSayWhyTheyAreDown(t *testing.T) {
	needServer(t)
	v := object(t, ask(t, open(t, nil), builtin("prometheus.targets", nil)))
	require.Equal(t, int64(8), v["active"])
	require.Equal(t, int64(1), v["up"])
	require.Equal(t, int64(7), v["down"])
	cause := map[string]any{}
	for _, row := range v["targets"].([]any) {
		r := row.(map[string]any)
		cause[r["job"].(string)] = r["cause"]
		require.NotEmpty(t, r["error"])
	}
	require.Equal(t, map[string]any{
		"gone": "refused", "elsewhere": "no_such_host", "wrong-path": "not_found", "failing": "server_error",
		"page": "wrong_format", "silent": "timeout", "locked": "unauthorized",
	}, cause)
}

func TestAlerts(t *testing.T) {
	needServer(t)
	a := ask(t, open(t, nil), builtin("prometheus.alerts", map[string]any{"state": "firing"}))
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	byName := map[any]map[string]any{}
	for _, row := range a.Value.([]any) {
		byName[row.(map[string]any)["name"]] = row.(map[string]any)
	}
	down := byName["TargetDown"]
	require.NotNil(t, down)
	require.Equal(t, "page", down["severity"])
	require.Equal(t, "gone", down["service"])
	require.Equal(t, "gone is down", down["summary"])
	require.Equal(t, 0.0, down["value"])
	require.Equal(t, 0.0, down["limit"])
	require.Equal(t, 0.0, down["for_s"])
	require.GreaterOrEqual(t, down["active_s"], -1.0)

	require.Equal(t, evidence.Invalid, ask(t, open(t, nil), builtin("prometheus.alerts", map[string]any{"state": "loud"})).Status)
	pending := ask(t, open(t, nil), builtin("prometheus.alerts", map[string]any{"state": "pending"}))
	require.Empty(t, pending.Value)
}

func TestRules(t *testing.T) {
	needServer(t)
	v := object(t, ask(t, open(t, nil), builtin("prometheus.rules", nil)))
	require.Equal(t, int64(4), v["rules"])
	require.Equal(t, int64(3), v["alerting"])
	require.Equal(t, int64(1), v["failing"])
	failed := v["failed"].([]any)[0].(map[string]any)
	require.Equal(t, "broken", failed["name"])
	require.Contains(t, failed["error"], "many-to-many")
	require.Equal(t, []any{map[string]any{"group": "shop", "name": "Misspelt", "metric": "reqests_total"}}, v["blind"])
}

func TestHealth(t *testing.T) {
	needServer(t)
	v := object(t, ask(t, open(t, nil), builtin("prometheus.health", nil)))
	require.NotEmpty(t, v["version"])
	require.Equal(t, true, v["scraping"])
	require.Equal(t, true, v["reload_ok"])
	require.Less(t, v["last_sample_age_s"], 10.0)
	require.Greater(t, v["uptime_s"], 0.0)
	require.Greater(t, v["head_series"], int64(10))
	require.InDelta(t, 0, v["clock_offset_s"], 2)
}

func TestTheDoctorSaysWhatIsMissing(t *testing.T) {
	needServer(t)
	checks := open(t, nil).(connector.Examiner).Examine(context.Background())
	require.Len(t, checks, 4)
	for _, c := range checks {
		require.True(t, c.OK, "%+v", c)
	}
	denied := open(t, connector.Settings{"url": front(t) + "/basic"}).(connector.Examiner).Examine(context.Background())
	require.Len(t, denied, 1)
	require.False(t, denied[0].OK)
	require.True(t, denied[0].Needed)
	require.Contains(t, denied[0].Fix, "user and password")
}

// Every field of an answer is documented, and every documented field is there.
func TestFieldsAreDocumented(t *testing.T) {
	needServer(t)
	for _, spec := range prometheus.Kind().Probes {
		require.NotEmpty(t, spec.Why, spec.Name)
		if spec.Name == "prometheus.changes" {
			continue // of a service that tells its version: see package promtext
		}
		a := ask(t, open(t, nil), builtin(spec.Name, nil))
		require.Equal(t, evidence.Answered, a.Status, a.Reason)
		value, ok := a.Value.(map[string]any)
		if spec.Shape == probe.Rows {
			value, ok = a.Value.([]any)[0].(map[string]any)
		}
		require.True(t, ok, spec.Name)
		var documented, present []string
		for _, f := range spec.Fields {
			documented = append(documented, f.Name)
		}
		for name := range value {
			present = append(present, name)
		}
		require.ElementsMatch(t, documented, present, spec.Name)
	}
}
