package promtext_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/promtext"
	"github.com/quellhq/quell/internal/series"
)

// memory is a source over a few series, each with the value 1 now.
type memory struct {
	*series.Engine
	store *series.Store
	names error // what Names fails with
}

var now = time.UnixMilli(1_700_000_000_000)

func sourceOf(t *testing.T, lines ...string) *memory {
	t.Helper()
	store := series.NewStore(series.Limits{})
	for _, line := range lines {
		ls, err := promtext.NewParser().ParseMetric(line)
		require.NoError(t, err)
		for i := range int64(4) {
			require.NoError(t, store.Append(ls, now.UnixMilli()-(3-i)*10_000, float64(1+i)))
		}
	}
	return &memory{Engine: series.NewEngine(store), store: store}
}

func (m *memory) Names(context.Context) ([]string, error) {
	return m.store.LabelValues(model.MetricNameLabel), m.names
}

func (m *memory) LabelNames(_ context.Context, metric string) ([]string, error) {
	return m.store.LabelNames(labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, metric)), nil
}

func (m *memory) LabelValues(_ context.Context, metric, label string) ([]string, error) {
	return m.store.LabelValues(label, labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, metric)), nil
}

func asked(m *memory, text string) evidence.Answer {
	a := promtext.Asker{Source: m, Rows: 100}
	return a.Ask(context.Background(), probe.Question{Lang: "promql", Text: probe.Literal(text), Now: now, Since: time.Hour})
}

func TestNamesOfThisInstallation(t *testing.T) {
	for name, c := range map[string]struct {
		have  []string
		query string
		found bool
		label map[string]any // of the only stream
		says  string
	}{
		"the playbook's own name needs nothing": {
			[]string{`http_requests_total{service="a"}`, `requests_total{service="a"}`}, `sum(http_requests_total{service="a"})`, true, map[string]any{}, "",
		},
		"one other name is taken": {
			[]string{`requests_total{service="a"}`}, `sum(http_requests_total{service="a"})`, true, map[string]any{}, "requests_total is read in its place",
		},
		"of several names none is taken": {
			[]string{`requests_total{service="a"}`, `http_request_total{service="a"}`}, `sum(http_requests_total{service="a"})`, false, nil, "several could take its place",
		},
		"a counter goes before the count of a histogram": {
			[]string{`requests_total{service="a"}`, `http_request_duration_seconds_count{service="a"}`}, `sum(http_requests_total{service="a"})`, true, map[string]any{}, "asked as sum(requests_total{service=\"a\"})",
		},
		"of several names that of this service is taken": {
			[]string{`requests_total{job="a"}`, `http_request_total{service="b"}`}, `sum(http_requests_total{service="a"})`, true, map[string]any{}, "asked as sum(requests_total{job=\"a\"})",
		},
		"another service's name is not this one's": {
			[]string{`http_requests_total{service="b"}`, `requests_total{service="a"}`}, `sum(http_requests_total{service="a"})`, true, map[string]any{}, "no series of http_requests_total is of this service; requests_total is read in its place",
		},
		"a name that this service has too is not replaced": {
			[]string{`http_requests_total{job="a"}`, `requests_total{service="a"}`}, `sum(http_requests_total{service="a"})`, true, map[string]any{}, "asked as sum(http_requests_total{job=\"a\"})",
		},
		"a query without a service keeps its name": {
			[]string{`http_requests_total{job="b"}`, `requests_total{job="a"}`}, `sum(http_requests_total)`, true, map[string]any{}, "",
		},
		"an application's own name before the metric": {
			[]string{`shop_http_requests_total{job="a"}`, `nginx_http_requests_total{job="a"}`, `shop_client_http_requests_total{job="a"}`}, `sum(http_requests_total{service="a"})`, true, map[string]any{}, "shop_http_requests_total is read in its place",
		},
		"an application's own name of another service": {
			[]string{`shop_http_requests_total{job="b"}`}, `sum(http_requests_total{service="a"})`, false, nil, "no series is called http_requests_total",
		},
		"two applications' names": {
			[]string{`shop_http_requests_total{job="a"}`, `cart_http_requests_total{job="a"}`}, `sum(http_requests_total{service="a"})`, false, nil, "several could take its place",
		},
		"a label of services that names others": {
			[]string{`up{job="a"}`, `up{job="x",service="b"}`}, `up{service="a"}`, true, map[string]any{"__name__": "up", "service": "a"}, "job is read in its place",
		},
		"hits and misses in two counters": {
			[]string{`cache_hits_total{service="a"}`, `cache_misses_total{service="a"}`}, `sum(cache_requests_total{service="a",result="miss"}) or 0 * sum(cache_requests_total{service="a"})`, true, map[string]any{},
			`asked as sum(cache_misses_total{service="a"}) or 0 * sum((cache_hits_total{service="a"} + cache_misses_total{service="a"}))`,
		},
		"misses are what hits leave": {
			[]string{`cache_hits_total{job="a"}`, `cache_requests_total{job="a"}`}, `sum(rate(cache_requests_total{service="a",result="miss"}[1m]))`, true, map[string]any{},
			`asked as sum((rate(cache_requests_total{job="a"}[1m]) - rate(cache_hits_total{job="a"}[1m])))`,
		},
		"hits of one counter by its label": {
			[]string{`cache_hits_total{service="a"}`, `cache_requests_total{service="a",result="hit"}`}, `sum(cache_requests_total{service="a",result="hit"})`, true, map[string]any{}, "",
		},
		"a label that holds the service is taken": {
			[]string{`up{job="a",app="x"}`, `up{job="b",app="y"}`}, `sum by (service) (up{service="a"})`, true, map[string]any{"service": "a"}, "job is read in its place",
		},
		"a label that holds another service is not": {
			[]string{`up{job="b"}`}, `up{service="a"}`, false, nil, `none with service="a"`,
		},
		"two labels that hold the service on the same series": {
			[]string{`up{job="a",app="a"}`}, `sum(up{service="a"})`, true, map[string]any{}, "app is read in its place",
		},
		"two labels that hold the service on different series are not taken": {
			[]string{`up{job="a",app="x"}`, `up{job="y",app="a"}`}, `up{service="a"}`, false, nil, `none with service="a"`,
		},
		"a status by its other name, negated too": {
			[]string{`requests_total{code="200"}`, `requests_total{code="500"}`}, `sum by (status) (requests_total{status!~"2.."})`, true, map[string]any{"status": "500"}, "code is read in its place",
		},
		"both sides of an operator": {
			[]string{`a_total{job="x",code="1"}`, `b_total{job="x"}`}, `a_total{service="x"} / on (service) b_total{service="x"}`, true, map[string]any{"service": "x"}, "job is read in its place",
		},
		"histogram families": {
			[]string{`request_duration_seconds_bucket{le="+Inf"}`}, `sum(http_request_duration_seconds_bucket)`, true, map[string]any{}, "request_duration_seconds_bucket is read",
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := asked(sourceOf(t, c.have...), c.query)
			text := a.Reason + "\n" + strings.Join(a.Notes, "\n")
			require.Contains(t, text, c.says)
			if !c.found {
				require.Equal(t, evidence.NoData, a.Status, "%v", a.Value)
				return
			}
			require.Equal(t, evidence.Answered, a.Status, a.Reason)
			require.Equal(t, c.label, a.Value.([]any)[0].(map[string]any)["labels"])
			if c.says == "" {
				require.Empty(t, a.Notes)
			}
		})
	}
}

func TestNamesThatCannotBeListed(t *testing.T) {
	m := sourceOf(t, `up{service="a"}`)
	m.names = promtext.Fail(evidence.Denied, "not allowed to list names", "")
	a := asked(m, "up")
	require.Equal(t, evidence.Answered, a.Status, "the question itself may still be allowed")
	require.Contains(t, a.Notes[0], "not allowed to list names")
	m.names = promtext.Fail(evidence.Unreachable, "gone", "")
	require.Equal(t, evidence.Unreachable, asked(m, "up").Status)
}

// A rate of failures where none has happened yet: the playbook says what
// nothing means, and only for a service that is there.
func TestAFallbackCounts(t *testing.T) {
	m := sourceOf(t, `requests_total{service="a",status="200"}`)
	const query = `sum(rate(requests_total{service="%",status=~"5.."}[1m])) or 0 * sum(rate(requests_total{service="%"}[1m]))`
	a := asked(m, strings.ReplaceAll(query, "%", "a"))
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	require.Equal(t, 0.0, a.Value.([]any)[0].(map[string]any)["points"].([]any)[0].([]any)[1])
	a = asked(m, strings.ReplaceAll(query, "%", "b"))
	require.Equal(t, evidence.NoData, a.Status)
	require.Contains(t, a.Reason, `none with service="b"`)

	a = asked(m, `sum(rate(requests_total{service="b"}[1m])) or vector(0)`)
	require.Equal(t, evidence.NoData, a.Status, "a constant says nothing of a service that is not there: %v", a.Value)
	a = asked(m, `sum(rate(requests_total{service="a",status=~"5.."}[1m])) or vector(0)`)
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	a = asked(m, `sum(errors_total) or vector(0)`)
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	require.Contains(t, a.Notes[0], "the query's own fallback")
}

// No request has failed, or nobody can see which have: only the first is a zero.
func TestAFallbackDoesNotSpeakForALabelThatNobodyHas(t *testing.T) {
	const query = `sum(rate(requests_total{service="a",status=~"5.."}[1m])) or 0 * sum(rate(requests_total{service="a"}[1m]))`
	a := asked(sourceOf(t, `requests_total{service="a",code="200"}`), query)
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	a = asked(sourceOf(t, `requests_total{service="a"}`), query)
	require.Equal(t, evidence.NoData, a.Status, "%v", a.Value)
	require.Contains(t, a.Reason, "no series of requests_total bears the label status")
}

// Nothing is changed where the playbook's own words are there.
func TestAWrittenNameThatIsThereStays(t *testing.T) {
	for _, name := range []string{"requests_total", "http_request_duration_seconds_count", "external_requests_total", "db_pool_size", "queue_depth"} {
		m := sourceOf(t, name+`{service="a"}`)
		a := asked(m, name+`{service="a"}`)
		require.Equal(t, evidence.Answered, a.Status, a.Reason)
		require.Empty(t, a.Notes, "the written name is there: nothing is changed")
	}
}

func changesOf(t *testing.T, m *memory) evidence.Answer {
	t.Helper()
	a := promtext.Asker{Source: m, Rows: 100}
	return a.Changes(context.Background(), probe.Question{Service: probe.Service{Name: "shop"}, Now: now, Since: time.Hour})
}

// sampled appends values every 15 s up to now; a value of 0 is no sample.
func (m *memory) sampled(t *testing.T, metric string, values ...float64) {
	t.Helper()
	ls, err := promtext.NewParser().ParseMetric(metric)
	require.NoError(t, err)
	for i, v := range values {
		if v != 0 {
			require.NoError(t, m.store.Append(ls, now.UnixMilli()-int64(len(values)-1-i)*15_000, v))
		}
	}
}

func TestANewVersionAndANewStartAreChanges(t *testing.T) {
	m := sourceOf(t)
	started := float64(now.Unix() - 62)
	m.sampled(t, `process_start_time_seconds{service="shop",instance="a:1"}`, 1e9, 1e9, 1e9, 1e9, started, started, started, started)
	m.sampled(t, `build_info{service="shop",instance="a:1",version="1"}`, 1, 1, 1, 1, 0, 0, 0, 0)
	m.sampled(t, `build_info{service="shop",instance="a:1",version="2"}`, 0, 0, 0, 0, 1, 1, 1, 1)
	a := changesOf(t, m)
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	byKind := map[string][]map[string]any{}
	for _, r := range a.Value.([]any) {
		row := r.(map[string]any)
		byKind[row["kind"].(string)] = append(byKind[row["kind"].(string)], row)
		for _, f := range promtext.ChangesSpec().Fields {
			require.Contains(t, row, f.Name)
		}
	}
	require.Len(t, byKind[probe.Deploy], 1)
	require.Contains(t, byKind[probe.Deploy][0]["detail"], "version 2")
	require.InDelta(t, float64(now.Unix()-45), byKind[probe.Deploy][0]["at"], 15)
	require.Len(t, byKind[probe.Restart], 2)
	require.Equal(t, started, byKind[probe.Restart][1]["at"])
}

func TestAServiceThatTellsNoVersionIsNotOneThatDidNotChange(t *testing.T) {
	require.Equal(t, evidence.NoData, changesOf(t, sourceOf(t, `http_requests_total{service="shop"}`)).Status)
}
