package prometheus_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/prometheus"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/realserver"
)

// shared is one real Prometheus for the package, scraping a shop that works and
// several endpoints that fail, each in its own way.
var shared *realserver.PrometheusServer

func TestMain(m *testing.M) {
	os.Exit(realserver.Main(m, func(t testing.TB) {
		shop := httptest.NewServer(http.HandlerFunc(serveShop))
		t.Cleanup(shop.Close)
		refused := fmt.Sprintf("127.0.0.1:%d", realserver.Port(t))
		host := strings.TrimPrefix(shop.URL, "http://")
		shared = realserver.Prometheus(t, realserver.PrometheusConfig{
			Scrape: scrape("orders-api", host, "/metrics") + scrape("gone", refused, "/metrics") +
				scrape("elsewhere", "quell-test.invalid:80", "/metrics") +
				scrape("wrong-path", host, "/nothing") + scrape("failing", host, "/broken") + scrape("page", host, "/html") +
				scrape("silent", host, "/hang") + scrape("locked", host, "/locked"),
			Rules: rules,
		})
		realserver.WaitFor(t, "scrapes", 30*time.Second, "", func() error {
			a := ask(t, open(t, nil), promql("sum(rate(requests_total[1m]))"))
			if !a.Known() {
				return fmt.Errorf("%s: %s", a.Status, a.Reason)
			}
			up := ask(t, open(t, nil), builtin("prometheus.targets", nil))
			if !up.Known() || up.Value.(map[string]any)["unknown"] != int64(0) {
				return fmt.Errorf("not every target was scraped yet: %v", up)
			}
			fired := ask(t, open(t, nil), builtin("prometheus.alerts", nil))
			if !fired.Known() || !strings.Contains(fmt.Sprint(fired.Value), "TargetDown") {
				return fmt.Errorf("no alert yet")
			}
			rules := ask(t, open(t, nil), builtin("prometheus.rules", nil))
			if !rules.Known() || rules.Value.(map[string]any)["failing"] != int64(1) {
				return fmt.Errorf("the broken rule has not failed yet: %v", rules.Value)
			}
			return nil
		})
	}))
}

func scrape(job, target, path string) string {
	return fmt.Sprintf("  - {job_name: %s, metrics_path: %s, static_configs: [{targets: ['%s']}]}\n", job, path, target)
}

const rules = `groups:
- name: shop
  rules:
  - alert: TargetDown
    expr: up{job="gone"} == 0
    labels: {severity: page, service: gone}
    annotations: {summary: "{{ $labels.job }} is down"}
  - alert: Misspelt
    expr: reqests_total > 1
  - alert: MeantToBeMissing
    expr: absent(never_there)
  - record: broken
    expr: label_replace(db_connections_active, "a", "b", "c", "") * on() db_pools
`

// serveShop exposes what a small shop would, under the names of another library
// than the playbooks': requests_total with code, and job for the service.
func serveShop(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/metrics":
		n := float64(time.Now().UnixMilli()%1e9) / 100
		_, _ = fmt.Fprintf(w, "# TYPE requests_total counter\n"+
			"requests_total{endpoint=\"/orders\",code=\"200\"} %g\nrequests_total{endpoint=\"/orders\",code=\"500\"} %g\n"+
			"# TYPE db_connections_active gauge\ndb_connections_active{pool=\"main\"} 7\n"+
			"db_pools{pool=\"a\"} 1\ndb_pools{pool=\"b\"} 1\nidle_total 0\n", n, n/10)
	case "/broken":
		http.Error(w, "boom", http.StatusInternalServerError)
	case "/html":
		w.Header().Set("Content-Type", "text/plain")
		_, _ = fmt.Fprint(w, "<html><body>please log in</body></html>\n")
	case "/hang":
		<-r.Context().Done()
	case "/locked":
		w.WriteHeader(http.StatusUnauthorized)
	default:
		http.NotFound(w, r)
	}
}

func open(t testing.TB, settings connector.Settings) connector.Target {
	t.Helper()
	return openWith(t, settings, connector.Limits{})
}

func openWith(t testing.TB, settings connector.Settings, limits connector.Limits) connector.Target {
	t.Helper()
	if settings == nil {
		settings = connector.Settings{"url": shared.URL}
	}
	target, err := prometheus.Kind().Open(settings, connector.Tools{Gate: connector.NewGate(limits)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = target.Close() })
	return target
}

func ask(t testing.TB, target connector.Target, q probe.Question) evidence.Answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return target.Ask(ctx, q)
}

// promql is a question; options are written name=value.
func promql(text string, options ...string) probe.Question {
	q := probe.Question{Name: "q", Lang: "promql", Text: probe.Literal(text), Options: map[string]string{}, Now: time.Now(), Since: time.Hour}
	for _, o := range options {
		name, value, _ := strings.Cut(o, "=")
		q.Options[name] = value
	}
	return q
}

func builtin(name string, args map[string]any) probe.Question {
	return probe.Question{Name: "q", Lang: "probe", Builtin: name, Args: args, Now: time.Now(), Since: time.Hour}
}

// series returns the streams of an answer.
func series(t testing.TB, a evidence.Answer) []map[string]any {
	t.Helper()
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	var out []map[string]any
	for _, s := range a.Value.([]any) {
		out = append(out, s.(map[string]any))
	}
	return out
}

func needServer(t *testing.T) {
	t.Helper()
	if shared == nil {
		realserver.Find(t, "prometheus", "prometheus")
	}
}
