package otel

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
)

// want is which traces are asked for.
type want struct {
	service  string
	from, to float64 // seconds since 1970
	limit    int
	longer   float64 // requests at least this long, in seconds; 0: any
	failed   bool    // with an error in them
}

// jaegerServices lists the services that the store knows.
func (c *client) jaegerServices(ctx context.Context) ([]string, error) {
	var reply struct{ Data []string }
	if err := c.get(ctx, "/api/services", nil, &reply); err != nil {
		return nil, err
	}
	return reply.Data, nil
}

func (c *client) jaegerTraces(ctx context.Context, w want) ([]*trace, error) {
	micros := func(at float64) string { return strconv.FormatInt(int64(at*1e6), 10) }
	query := url.Values{
		"service": {w.service}, "start": {micros(w.from)}, "end": {micros(w.to)}, "limit": {strconv.Itoa(w.limit)}, "lookback": {"custom"},
	}
	if w.longer > 0 {
		query.Set("minDuration", strconv.FormatInt(int64(w.longer*1e6), 10)+"us")
	}
	if w.failed {
		query.Set("tags", `{"error":"true"}`)
	}
	data, err := c.fetch(ctx, "/api/traces", query)
	if err != nil {
		return nil, err
	}
	traces, ok := parseJaeger(data)
	if !ok {
		return nil, c.strange()
	}
	return traces[:min(len(traces), w.limit)], nil
}

type jaegerTrace struct {
	TraceID string `json:"traceID"`
	Spans   []struct {
		SpanID     string `json:"spanID"`
		Name       string `json:"operationName"`
		Parent     string `json:"parentSpanID"` // of old versions
		References []struct {
			Type   string `json:"refType"`
			Trace  string `json:"traceID"`
			SpanID string `json:"spanID"`
		} `json:"references"`
		Start   int64       `json:"startTime"` // microseconds
		Took    int64       `json:"duration"`
		Tags    []jaegerTag `json:"tags"`
		Logs    []struct{ Fields []jaegerTag }
		Process string `json:"processID"`
	} `json:"spans"`
	Processes map[string]struct {
		Service string `json:"serviceName"`
	} `json:"processes"`
}

type jaegerTag struct {
	Key   string `json:"key"`
	Value any    `json:"value"`
}

// parseJaeger reads what /api/traces answers.
func parseJaeger(data []byte) ([]*trace, bool) {
	var reply struct {
		Data *[]jaegerTrace `json:"data"`
	}
	if json.Unmarshal(data, &reply) != nil {
		return nil, false
	}
	if reply.Data == nil { // null: nothing was found
		return nil, strings.Contains(string(data), `"data"`)
	}
	var out []*trace
	for _, j := range *reply.Data {
		t := &trace{id: j.TraceID}
		for _, s := range j.Spans[:min(len(j.Spans), mostSpans)] {
			n := &span{
				id: s.SpanID, parent: s.Parent, name: s.Name, service: j.Processes[s.Process].Service,
				start: float64(s.Start) / 1e6, end: float64(s.Start+max(0, s.Took)) / 1e6, attrs: map[string]string{},
			}
			for _, r := range s.References {
				if r.Type == "CHILD_OF" && (r.Trace == "" || r.Trace == j.TraceID) || n.parent == "" && r.Trace == j.TraceID {
					n.parent = r.SpanID
				}
			}
			for _, tag := range s.Tags {
				n.attrs[tag.Key] = text(tag.Value)
			}
			n.kind = strings.ToLower(n.attr("span.kind"))
			for _, l := range s.Logs {
				fields := map[string]string{}
				for _, f := range l.Fields {
					fields[f.Key] = text(f.Value)
				}
				n.note(fields)
			}
			n.settle(n.attr("otel.status_code"), n.attr("otel.status_description"))
			t.spans = append(t.spans, n)
		}
		t.link()
		out = append(out, t)
	}
	return out, true
}

// note reads an event of a span: an exception, by its old names and its new ones.
func (s *span) note(fields map[string]string) {
	first := func(names ...string) string {
		for _, n := range names {
			if fields[n] != "" {
				return fields[n]
			}
		}
		return ""
	}
	kind := first("exception.type", "error.kind", "error.type")
	said := first("exception.message", "message")
	if kind == "" && first("event", "name") != "exception" && first("event") != "error" {
		return
	}
	if s.exception == "" {
		s.exception, s.message = kind, said
	}
}

// settle says whether the span failed, from its status and its attributes.
func (s *span) settle(code, said string) {
	switch strings.ToUpper(strings.TrimPrefix(code, "STATUS_CODE_")) {
	case "ERROR", "2":
		s.failed = true
	case "OK", "1":
		return
	}
	if s.message == "" {
		s.message = said
	}
	if s.attr("error") == "true" {
		s.failed = true
	}
	if status, err := strconv.Atoi(s.status()); err == nil && status >= 500 {
		s.failed = true
	}
}

// status is the HTTP status, or that of gRPC, or empty.
func (s *span) status() string {
	return s.attr("http.response.status_code", "http.status_code", "rpc.grpc.status_code")
}

// text is an attribute's value as text.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}
