package series_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/promapi"
	"github.com/quellhq/quell/internal/promtext"
	"github.com/quellhq/quell/internal/realserver"
	"github.com/quellhq/quell/internal/series"
)

// conformance are the shapes of query that playbooks use.
var conformance = []string{
	`orders_total`,
	`orders_total{code="500"}`,
	`orders_total{code=~"5.."}`,
	`orders_total{code!~"5..",method!=""}`,
	`sum(orders_total)`,
	`sum by (code) (rate(orders_total[10s]))`,
	`sum without (method, instance) (increase(orders_total[10s]))`,
	`sum(rate(orders_total{code=~"5.."}[10s])) / sum(rate(orders_total[10s]))`,
	`irate(orders_total[10s])`,
	`rate(restarts_total[15s])`,
	`increase(restarts_total[15s])`,
	`resets(restarts_total[15s])`,
	`histogram_quantile(0.95, sum by (le) (rate(latency_seconds_bucket[10s])))`,
	`histogram_quantile(0.5, rate(latency_seconds_bucket[10s]))`,
	`rate(latency_seconds_sum[10s]) / rate(latency_seconds_count[10s])`,
	`latency_seconds_bucket{le="1.0"}`,
	`rpc_seconds{quantile="0.99"}`,
	`queue_depth`,
	`max(queue_depth)`,
	`avg_over_time(queue_depth[10s])`,
	`max_over_time(queue_depth[10s])`,
	`min_over_time(queue_depth[10s])`,
	`quantile_over_time(0.9, queue_depth[10s])`,
	`stddev_over_time(queue_depth[10s])`,
	`count_over_time(queue_depth[10s])`,
	`last_over_time(queue_depth[10s])`,
	`present_over_time(queue_depth[10s])`,
	`changes(queue_depth[10s])`,
	`delta(queue_depth[10s])`,
	`deriv(queue_depth[10s])`,
	`predict_linear(queue_depth[10s], 60)`,
	`queue_depth offset 3s`,
	`queue_depth > 3`,
	`queue_depth > bool 3`,
	`topk(1, orders_total)`,
	`bottomk(2, orders_total)`,
	`count(orders_total)`,
	`count_values("depth", pool_size)`,
	`quantile(0.5, orders_total)`,
	`pool_used / on (pool) group_left () pool_size`,
	`pool_used / ignoring (kind) pool_size`,
	`pool_used and on (pool) (pool_size > 5)`,
	`pool_used unless on (pool) (pool_size > 5)`,
	`sum(never_there) or vector(0)`,
	`absent(never_there{job="shop"})`,
	`absent(queue_depth)`,
	`clamp_max(queue_depth, 2)`,
	`abs(-queue_depth)`,
	`round(queue_depth / 3, 0.1)`,
	`label_replace(queue_depth, "host", "$1", "instance", "(.*):.*")`,
	`label_join(queue_depth, "who", "/", "job", "instance")`,
	`sort_desc(orders_total)`,
	`max_over_time(sum(rate(orders_total[5s]))[10s:2s])`,
	`avg_over_time(vector(1)[10s:1s])`,
	`time() - timestamp(queue_depth) < bool 5`,
	`scalar(sum(pool_size)) * 2`,
	`up`,
	`up == 0`,
	`{__name__=~"pool_.*"}`,
	`1 + 2 * 3`,
}

// exposeShop writes a page whose counters follow the clock, one of them
// starting again every seven seconds.
func exposeShop(w http.ResponseWriter, _ *http.Request) {
	s := float64(time.Now().UnixMilli()%1e8) / 1000
	_, _ = fmt.Fprintf(w, `# TYPE orders_total counter
orders_total{method="GET",code="200"} %[1]g
orders_total{method="GET",code="500"} %[2]g
orders_total{method="POST",code="200"} %[3]g
restarts_total %[4]g
# TYPE latency_seconds histogram
latency_seconds_bucket{le="0.1"} %[3]g
latency_seconds_bucket{le="1.0"} %[1]g
latency_seconds_bucket{le="+Inf"} %[1]g
latency_seconds_sum %[2]g
latency_seconds_count %[1]g
# TYPE rpc_seconds summary
rpc_seconds{quantile="0.5"} NaN
rpc_seconds{quantile="0.99"} 0.25
queue_depth{tenant="a"} %[5]g
pool_used{pool="main",kind="used"} 4
pool_used{pool="spare",kind="used"} 1
pool_size{pool="main"} 10
pool_size{pool="spare"} 5
escaped{path="C:\\x \"y\"",empty=""} 1
`, math.Floor(s*10), math.Floor(s), math.Floor(s*5), math.Floor(math.Mod(s, 7)), 5+4*math.Sin(s))
}

// The same fence gives the same answer on Prometheus and here. First on the very
// same samples, where answers must agree to the last digits; then each with its
// own scrapes of the same endpoint, where the series must be the same.
func TestConformanceWithPrometheus(t *testing.T) {
	shop := httptest.NewServer(http.HandlerFunc(exposeShop))
	defer shop.Close()
	host := strings.TrimPrefix(shop.URL, "http://")
	server := realserver.Prometheus(t, realserver.PrometheusConfig{
		Scrape: "  - {job_name: shop, static_configs: [{targets: ['" + host + "', '127.0.0.1:1']}]}\n",
	})
	client := shop.Client()
	defer client.CloseIdleConnections()
	defer http.DefaultClient.CloseIdleConnections()
	own := series.NewStore(series.Limits{})
	endpoint := func(host string) series.Endpoint {
		return series.Endpoint{URL: "http://" + host + "/metrics", Labels: map[string]string{"job": "shop", "instance": host}}
	}
	scraper := series.NewScraper(series.ScraperConfig{
		Store: own, Client: client, Interval: time.Second, Endpoints: []series.Endpoint{endpoint(host), endpoint("127.0.0.1:1")},
	})
	defer scraper.Close()

	// No window may begin before the history does: there Prometheus 2 and 3 guess
	// differently how a counter began. The longest reaches back 15 s, from 4 s ago.
	realserver.WaitFor(t, "history", 60*time.Second, "", func() error {
		r := remote(t, server.URL, `min(count_over_time(up[1m]))`, time.Now())
		if len(r) == 0 || r[0].Points[0].V < 23 {
			return fmt.Errorf("too few scrapes: %v", r)
		}
		return nil
	})

	end := time.Now().Add(-time.Second)
	var samples []evidence.Stream
	copied := series.NewStore(series.Limits{})
	for _, s := range remote(t, server.URL, `{__name__!=""}[1m]`, end) {
		samples = append(samples, s)
		for _, p := range s.Points {
			require.NoError(t, copied.Append(labels.FromMap(s.Labels), int64(math.Round(p.T*1000)), p.V))
		}
	}
	require.NotEmpty(t, samples)
	engine, ours := series.NewEngine(copied), series.NewEngine(own)
	// Prometheus 2 counts a sample at the left end of a window, Prometheus 3 and
	// this engine do not: choose times at which no window begins on a sample.
	end = offGrid(end, samples)

	for _, query := range conformance {
		t.Run("same samples/"+query, func(t *testing.T) {
			compare(t, remote(t, server.URL, query, end), local(t, engine, query, promtext.Window{End: end}))
		})
		t.Run("same samples over a range/"+query, func(t *testing.T) {
			w := promtext.Window{Range: true, Start: end.Add(-4 * time.Second), End: end, Step: 2 * time.Second}
			compare(t, remoteRange(t, server.URL, query, w), local(t, engine, query, w))
		})
	}
	t.Run("own scrapes, same series", func(t *testing.T) {
		const all = `count by (__name__, job, instance, method, code, le, quantile, tenant, pool, kind, path) ({__name__=~".+",__name__!~"scrape_.*"})`
		compare(t, remote(t, server.URL, all, end), local(t, ours, all, promtext.Window{End: end}))
	})
	for _, query := range []string{`up`, `pool_used`, `escaped`, `rpc_seconds`, `sum(pool_used) / sum(pool_size)`} {
		t.Run("own scrapes, same constants/"+query, func(t *testing.T) {
			compare(t, remote(t, server.URL, query, end), local(t, ours, query, promtext.Window{End: end}))
		})
	}
	for _, query := range []string{
		`sum by (code) (rate(orders_total[10s]))`, `sum(rate(orders_total{code="500"}[10s])) / sum(rate(orders_total[10s]))`,
		`histogram_quantile(0.95, rate(latency_seconds_bucket[10s]))`,
	} {
		t.Run("own scrapes, rates alike/"+query, func(t *testing.T) {
			theirs, mine := remote(t, server.URL, query, end), local(t, ours, query, promtext.Window{End: end})
			require.Equal(t, len(theirs), len(mine))
			byLabels(theirs)
			byLabels(mine)
			for i := range theirs {
				require.Equal(t, theirs[i].Labels, mine[i].Labels)
				require.InEpsilon(t, theirs[i].Points[0].V, mine[i].Points[0].V, 0.15, "%v", theirs[i].Labels)
			}
		})
	}
}

func offGrid(end time.Time, samples []evidence.Stream) time.Time {
	used := map[int64]bool{}
	for _, s := range samples {
		for _, p := range s.Points {
			used[int64(math.Round(p.T*1000))%1000] = true
		}
	}
	end = end.Truncate(time.Millisecond)
	for used[end.UnixMilli()%1000] || used[(end.UnixMilli()-1)%1000] {
		end = end.Add(-time.Millisecond)
	}
	return end
}

// byLabels puts streams into the one order that both can be compared in: neither
// side promises one.
func byLabels(streams []evidence.Stream) {
	slices.SortFunc(streams, func(a, b evidence.Stream) int { return strings.Compare(fmt.Sprint(a.Labels), fmt.Sprint(b.Labels)) })
}

// compare takes NaN for a value of its own, and differences in the last digits
// for none: the sums run in another order.
func compare(t *testing.T, theirs, ours []evidence.Stream) {
	t.Helper()
	byLabels(theirs)
	byLabels(ours)
	if diff := cmp.Diff(theirs, ours, cmpopts.EquateApprox(1e-9, 1e-12), cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("Prometheus (-) and we (+):\n%s", diff)
	}
}

func local(t *testing.T, e *series.Engine, query string, w promtext.Window) []evidence.Stream {
	t.Helper()
	r, err := e.Query(context.Background(), query, w)
	require.NoError(t, err)
	return r.Streams
}

func remote(t *testing.T, base, query string, at time.Time) []evidence.Stream {
	t.Helper()
	return fetch(t, base+"/api/v1/query?"+url.Values{"query": {query}, "time": {stamp(at)}}.Encode())
}

func remoteRange(t *testing.T, base, query string, w promtext.Window) []evidence.Stream {
	t.Helper()
	return fetch(t, base+"/api/v1/query_range?"+url.Values{
		"query": {query}, "start": {stamp(w.Start)}, "end": {stamp(w.End)}, "step": {w.Step.String()},
	}.Encode())
}

func fetch(t *testing.T, address string) []evidence.Stream {
	t.Helper()
	res, err := http.Get(address)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	var e struct {
		Status, Error string
		Data          promapi.Result
	}
	require.NoError(t, json.NewDecoder(res.Body).Decode(&e))
	require.Equal(t, "success", e.Status, e.Error)
	streams, err := e.Data.Streams()
	require.NoError(t, err)
	return streams
}

func stamp(at time.Time) string {
	return strconv.FormatFloat(float64(at.UnixMilli())/1000, 'f', 3, 64)
}
