package otel_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// work is a span as a test writes it: times in milliseconds from the start of
// its parent.
type work struct {
	service, name, kind string
	at, took            float64
	attrs               map[string]string
	fails               string // type of the exception
	below               []work
}

// told is one request: when it began, and what it did.
type told struct {
	id   string
	at   time.Time
	root work
}

type flat struct {
	work
	id, parent string
	start      time.Time
}

func (x told) spans() []flat {
	var out []flat
	var add func(w work, parent string, start time.Time)
	add = func(w work, parent string, start time.Time) {
		start = start.Add(time.Duration(w.at * 1e6))
		id := fmt.Sprintf("%016x", len(out)+1)
		out = append(out, flat{w, id, parent, start})
		for _, b := range w.below {
			if b.service == "" {
				b.service = w.service
			}
			add(b, id, start)
		}
	}
	add(x.root, "", x.at)
	return out
}

func (x told) has(service string, longer time.Duration, failed bool) bool {
	ok, bad := false, false
	for _, s := range x.spans() {
		ok = ok || s.service == service && time.Duration(s.took*1e6) >= longer
		bad = bad || s.fails != ""
	}
	return ok && (!failed || bad)
}

// store is a double of Jaeger or Tempo that holds requests. It answers as they
// do: the newest first, and within the limit.
type store struct {
	requests []told
	tempo    bool
	batches  bool // Tempo's older form of OTLP, with ids in base64
	tenant   string
}

func (s *store) serve(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return server.URL
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	if s.tenant != "" && r.Header.Get("X-Scope-OrgID") != s.tenant {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintln(w, "no org id")
		return
	}
	path := r.URL.Path
	switch {
	case !s.tempo && path == "/api/services":
		s.json(w, map[string]any{"data": s.services(), "total": 2, "limit": 0, "offset": 0, "errors": nil})
	case !s.tempo && path == "/api/traces":
		q := r.URL.Query()
		longer, _ := time.ParseDuration(q.Get("minDuration"))
		var data []any
		for _, x := range s.find(q.Get("service"), q.Get("start"), q.Get("end"), 1000, q.Get("limit"), longer, q.Get("tags") != "") {
			data = append(data, jaegerForm(x))
		}
		s.json(w, map[string]any{"data": data, "total": 0, "limit": 0, "offset": 0, "errors": nil})
	case s.tempo && path == "/api/echo":
		fmt.Fprint(w, "echo")
	case s.tempo && path == "/api/v2/search/tag/resource.service.name/values":
		var values []any
		for _, n := range s.services() {
			values = append(values, map[string]any{"type": "string", "value": n})
		}
		s.json(w, map[string]any{"tagValues": values, "metrics": map[string]any{}})
	case s.tempo && path == "/api/search":
		q := r.URL.Query()
		text := q.Get("q")
		_, after, _ := strings.Cut(text, `resource.service.name = "`)
		service, _, _ := strings.Cut(after, `"`)
		longer := time.Duration(0)
		if _, after, ok := strings.Cut(text, "duration > "); ok {
			longer, _ = time.ParseDuration(strings.Fields(after)[0])
		}
		found := []any{}
		for _, x := range s.find(service, q.Get("start"), q.Get("end"), int64(time.Second), q.Get("limit"), longer, strings.Contains(text, "status = error")) {
			found = append(found, map[string]any{"traceID": strings.TrimLeft(x.id, "0"), "rootServiceName": x.root.service, "durationMs": x.root.took})
		}
		answer := map[string]any{"metrics": map[string]any{"inspectedTraces": 1}}
		if len(found) > 0 {
			answer["traces"] = found
		}
		s.json(w, answer)
	case s.tempo && strings.HasPrefix(path, "/api/traces/"):
		for _, x := range s.requests {
			if strings.TrimLeft(x.id, "0") == strings.TrimPrefix(path, "/api/traces/") {
				s.json(w, otlpForm(x, s.batches))
				return
			}
		}
		http.NotFound(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (s *store) json(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }

func (s *store) services() []string {
	var out []string
	seen := map[string]bool{}
	for _, x := range s.requests {
		for _, sp := range x.spans() {
			if !seen[sp.service] {
				seen[sp.service] = true
				out = append(out, sp.service)
			}
		}
	}
	return out
}

func (s *store) find(service, from, to string, unit int64, limit string, longer time.Duration, failed bool) []told {
	at := func(text string) time.Time {
		n, _ := strconv.ParseInt(text, 10, 64)
		return time.Unix(0, n*unit)
	}
	most, _ := strconv.Atoi(limit)
	var out []told
	for i := len(s.requests) - 1; i >= 0 && len(out) < most; i-- {
		x := s.requests[i]
		if !x.at.Before(at(from)) && !x.at.After(at(to)) && x.has(service, longer, failed) {
			out = append(out, x)
		}
	}
	return out
}

func jaegerForm(x told) map[string]any {
	processes, spans := map[string]any{}, []any{}
	for _, s := range x.spans() {
		processes["p-"+s.service] = map[string]any{"serviceName": s.service, "tags": []any{}}
		tags := []any{map[string]any{"key": "span.kind", "type": "string", "value": s.kind}}
		for k, v := range s.attrs {
			tags = append(tags, map[string]any{"key": k, "type": "string", "value": v})
		}
		logs := []any{}
		if s.fails != "" {
			tags = append(tags, map[string]any{"key": "error", "type": "bool", "value": true}, map[string]any{"key": "otel.status_code", "type": "string", "value": "ERROR"})
			logs = append(logs, map[string]any{"timestamp": s.start.UnixMicro(), "fields": []any{
				map[string]any{"key": "event", "type": "string", "value": "exception"}, map[string]any{"key": "exception.type", "type": "string", "value": s.fails},
				map[string]any{"key": "exception.message", "type": "string", "value": "it went wrong"}}})
		}
		references := []any{}
		if s.parent != "" {
			references = append(references, map[string]any{"refType": "CHILD_OF", "traceID": x.id, "spanID": s.parent})
		}
		spans = append(spans, map[string]any{
			"traceID": x.id, "spanID": s.id, "operationName": s.name, "references": references, "startTime": s.start.UnixMicro(),
			"duration": int64(s.took * 1000), "tags": tags, "logs": logs, "processID": "p-" + s.service, "warnings": nil,
		})
	}
	return map[string]any{"traceID": x.id, "spans": spans, "processes": processes, "warnings": nil}
}

func otlpForm(x told, batches bool) map[string]any {
	id := func(text string) string {
		if !batches || text == "" {
			return text
		}
		raw, _ := hex.DecodeString(text)
		return base64.StdEncoding.EncodeToString(raw)
	}
	value := func(k, v string) any {
		if n, err := strconv.Atoi(v); err == nil {
			return map[string]any{"key": k, "value": map[string]any{"intValue": strconv.Itoa(n)}}
		}
		return map[string]any{"key": k, "value": map[string]any{"stringValue": v}}
	}
	var list []any
	for _, s := range x.spans() {
		attrs := []any{}
		for k, v := range s.attrs {
			attrs = append(attrs, value(k, v))
		}
		kinds := map[string]int{"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}
		var kind any = kinds[s.kind]
		var code any = 0
		if batches {
			kind, code = "SPAN_KIND_"+strings.ToUpper(s.kind), "STATUS_CODE_UNSET"
		}
		events := []any{}
		if s.fails != "" {
			code = 2
			if batches {
				code = "STATUS_CODE_ERROR"
			}
			events = append(events, map[string]any{"name": "exception", "attributes": []any{value("exception.type", s.fails), value("exception.message", "it went wrong")}})
		}
		n := map[string]any{
			"traceId": id(x.id), "spanId": id(s.id), "name": s.name, "kind": kind, "attributes": attrs, "events": events,
			"startTimeUnixNano": strconv.FormatInt(s.start.UnixNano(), 10), "endTimeUnixNano": strconv.FormatInt(s.start.Add(time.Duration(s.took*1e6)).UnixNano(), 10),
			"status": map[string]any{"code": code},
		}
		if s.parent != "" {
			n["parentSpanId"] = id(s.parent)
		}
		resource := map[string]any{"attributes": []any{value("service.name", s.service)}}
		key := "scopeSpans"
		if batches && len(list)%2 == 1 {
			key = "instrumentationLibrarySpans"
		}
		list = append(list, map[string]any{"resource": resource, key: []any{map[string]any{"spans": []any{n}}}})
	}
	if batches {
		return map[string]any{"batches": list}
	}
	return map[string]any{"trace": map[string]any{"resourceSpans": list}, "metrics": map[string]any{}}
}

// both runs a test against each store and each form.
func both(t *testing.T, requests []told, test func(t *testing.T, s *store, url string)) {
	for name, s := range map[string]*store{"jaeger": {}, "tempo": {tempo: true}, "tempo, older form": {tempo: true, batches: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s.requests = requests
			test(t, s, s.serve(t))
		})
	}
}

func TestTheDoubleHoldsWhatItIsTold(t *testing.T) {
	t.Parallel()
	x := told{id: "a", root: work{service: "s", took: 5, below: []work{{at: 1, took: 2}}}}
	require.Len(t, x.spans(), 2)
	require.True(t, x.has("s", 4*time.Millisecond, false))
	require.False(t, x.has("s", 6*time.Millisecond, false))
}
