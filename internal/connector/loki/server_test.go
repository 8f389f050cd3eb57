package loki_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/quellhq/quell/internal/logql"
	"github.com/quellhq/quell/internal/promtext"
)

// lokiServer stands in for Loki: there is no package of it for the systems that
// tests run on, and building it takes minutes. It answers as Loki's HTTP API
// documents it: the same paths, envelopes, plain-text errors, limits and tenant
// header. The queries are evaluated by our own engine, in the strict dialect.
// TestARealLokiAnswersTheSame holds it against a real one.
type lokiServer struct {
	tenant  string // when set, required as X-Scope-OrgID
	streams []lokiStream
	asked   []string      // paths, in order
	queries []string      // in order
	slow    time.Duration // that each page of lines takes
	mu      sync.Mutex
}

type lokiStream struct {
	labels map[string]string
	lines  []lokiLine
}

type lokiLine struct {
	at   time.Time
	text string
}

func (s *lokiServer) start(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return server.URL
}

func (s *lokiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r.URL.Path)
	if s.tenant != "" && r.Header.Get("X-Scope-OrgID") != s.tenant {
		http.Error(w, "no org id", http.StatusUnauthorized)
		return
	}
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	switch path := strings.TrimPrefix(r.URL.Path, "/loki/api/v1/"); {
	case path == "labels":
		names := map[string]bool{}
		for _, st := range s.streams {
			for name := range st.labels {
				names[name] = true
			}
		}
		list(w, names)
	case strings.HasPrefix(path, "label/") && strings.HasSuffix(path, "/values"):
		name := strings.TrimSuffix(strings.TrimPrefix(path, "label/"), "/values")
		values := map[string]bool{}
		for _, st := range s.streams {
			if v, ok := st.labels[name]; ok {
				values[v] = true
			}
		}
		list(w, values)
	case path == "series":
		s.series(w, r)
	case path == "query", path == "query_range":
		s.query(w, r, path == "query_range")
	default:
		http.NotFound(w, r)
	}
}

func list(w http.ResponseWriter, set map[string]bool) {
	var names []string
	for n := range set {
		names = append(names, n)
	}
	sort.Strings(names)
	if len(names) == 0 { // Loki leaves empty data out
		_ = json.NewEncoder(w).Encode(map[string]any{"status": "success"})
		return
	}
	reply(w, names)
}

func reply(w http.ResponseWriter, data any) {
	_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": data})
}

func (s *lokiServer) series(w http.ResponseWriter, r *http.Request) {
	matchers, err := promtext.NewParser().ParseMetricSelector(r.Form.Get("match[]"))
	if err != nil {
		http.Error(w, "parse error : "+err.Error(), http.StatusBadRequest)
		return
	}
	found := []map[string]string{}
	for _, st := range s.streams {
		if fits(matchers, st.labels) {
			found = append(found, st.labels)
		}
	}
	reply(w, found)
}

func fits(matchers []*labels.Matcher, have map[string]string) bool {
	for _, m := range matchers {
		if !m.Matches(have[m.Name]) {
			return false
		}
	}
	return true
}

// Read gives the engine all lines; see logql.Source.
func (s *lokiServer) Read(_ context.Context, _ logql.Window, emit func([]logql.Record) error) ([]string, error) {
	for _, st := range s.streams {
		stream := &logql.Stream{Name: "test", Format: logql.JSON, Labels: st.labels}
		for _, l := range st.lines {
			if err := emit([]logql.Record{{Time: l.at.UnixNano(), Line: []byte(l.text), Stream: stream}}); err != nil {
				return nil, err
			}
		}
	}
	return nil, nil
}

func (s *lokiServer) query(w http.ResponseWriter, r *http.Request, ranged bool) {
	s.queries = append(s.queries, r.Form.Get("query"))
	time.Sleep(s.slow)
	q, err := logql.ParseIn(logql.Strict, r.Form.Get("query"))
	if err != nil {
		http.Error(w, "parse error at line 1, col 1: syntax error: "+err.Error(), http.StatusBadRequest)
		return
	}
	asked := logql.Asked{Since: time.Hour}
	stamp := r.Form.Get("time")
	if ranged {
		stamp = r.Form.Get("end")
		start, _ := strconv.ParseInt(r.Form.Get("start"), 10, 64)
		end, _ := strconv.ParseInt(stamp, 10, 64)
		asked.Since = time.Duration(end - start)
		if step, err := strconv.ParseFloat(r.Form.Get("step"), 64); err == nil {
			asked.Step = time.Duration(step * float64(time.Second))
		}
	}
	n, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		http.Error(w, "cannot parse time", http.StatusBadRequest)
		return
	}
	asked.End = time.Unix(0, n)
	limit, _ := strconv.Atoi(r.Form.Get("limit"))
	switch {
	case asked.Since > 721*time.Hour:
		http.Error(w, fmt.Sprintf("the query time range exceeds the limit (query length: %s, limit: 30d1h)", asked.Since), http.StatusBadRequest)
		return
	case limit > 5000:
		http.Error(w, fmt.Sprintf("max entries limit per query exceeded, limit > max_entries_limit_per_query (%d > 5000)", limit), http.StatusBadRequest)
		return
	case !q.Metric() && !ranged:
		http.Error(w, "log queries are not supported as an instant query type, please change your query to a range query type", http.StatusBadRequest)
		return
	}
	result, err := logql.Run(r.Context(), q, s, asked, logql.Limits{Lines: 100_000})
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if q.Metric() {
		reply(w, metricData(result, ranged))
		return
	}
	lines := result.Lines
	if r.Form.Get("direction") == "forward" {
		lines = lines[:min(limit, len(lines))]
	} else {
		lines = lines[max(0, len(lines)-limit):]
	}
	var out []any
	for _, l := range lines { // Loki groups by stream; one line a stream is allowed
		out = append(out, map[string]any{"stream": l.Labels, "values": [][]string{{strconv.FormatFloat(l.T*1e9, 'f', 0, 64), l.Text}}})
	}
	reply(w, map[string]any{"resultType": "streams", "result": out, "stats": map[string]any{}})
}

func metricData(result logql.Result, ranged bool) map[string]any {
	out := []any{}
	for _, s := range result.Series {
		var points []any
		for _, p := range s.Points {
			points = append(points, []any{p.T, strconv.FormatFloat(p.V, 'f', -1, 64)})
		}
		if ranged {
			out = append(out, map[string]any{"metric": s.Labels, "values": points})
		} else {
			out = append(out, map[string]any{"metric": s.Labels, "value": points[len(points)-1]})
		}
	}
	kind := "vector"
	if ranged {
		kind = "matrix"
	}
	return map[string]any{"resultType": kind, "result": out}
}
