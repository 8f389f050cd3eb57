package alertmanager_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/alertmanager"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/realserver"
)

func healthOf(t *testing.T, url string) map[string]any {
	t.Helper()
	a := open(t, connector.Settings{"url": url}).Ask(context.Background(), probe.Question{Lang: "probe", Builtin: "alertmanager.health", Now: time.Now()})
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	return a.Value.(map[string]any)
}

func TestHealthNamesTheReceiverThatFails(t *testing.T) {
	t.Parallel()
	good := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(good.Close)
	bad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) }))
	t.Cleanup(bad.Close)
	const routes = "route: {receiver: hook, group_wait: 50ms, group_interval: 100ms}\n"
	config := func(url string) string {
		return routes + "receivers: [{name: hook, webhook_configs: [{url: '" + url + "'}]}]\n"
	}
	well := realserver.AlertmanagerWith(t, config(good.URL))
	well.Fire(t, map[string]string{"alertname": "ApiSlow"})
	require.Eventually(t, func() bool { sent, _ := healthOf(t, well.URL)["sent"].(float64); return sent > 0 }, 10*time.Second, 50*time.Millisecond)
	v := healthOf(t, well.URL)
	require.Equal(t, 0.0, v["worst_share"])
	require.Equal(t, "", v["worst"])
	require.Equal(t, true, v["reload_ok"])
	require.Equal(t, []any{"hook"}, v["receivers"])
	require.Greater(t, v["received"], 0.0)
	var documented []string
	for _, f := range spec2(t, "alertmanager.health").Fields {
		documented = append(documented, f.Name)
	}
	var present []string
	for name := range v {
		present = append(present, name)
	}
	require.ElementsMatch(t, documented, present)

	ill := realserver.AlertmanagerWith(t, config(bad.URL))
	ill.Fire(t, map[string]string{"alertname": "ApiSlow"})
	// A message counts as sent when it sets out and as failed when it comes back:
	// between the two the share is less.
	require.Eventually(t, func() bool {
		v = healthOf(t, ill.URL)
		return v["worst_share"] == 1.0
	}, 10*time.Second, 50*time.Millisecond)
	require.Equal(t, "webhook", v["worst"])

	require.NoError(t, os.WriteFile(well.Config, []byte("route: {}\n"), 0o600))
	require.NoError(t, well.Signal(syscall.SIGHUP))
	require.Eventually(t, func() bool { return healthOf(t, well.URL)["reload_ok"] == false }, 10*time.Second, 50*time.Millisecond)
}

func spec2(t *testing.T, name string) probe.Spec {
	t.Helper()
	for _, s := range alertmanager.Kind().Probes {
		if s.Name == name {
			return s
		}
	}
	t.Fatal("no question " + name)
	return probe.Spec{}
}
