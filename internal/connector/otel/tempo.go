package otel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// tempoServices lists the services that the store knows; old versions answer
// below another path.
func (c *client) tempoServices(ctx context.Context) ([]string, error) {
	var reply struct {
		Values []any `json:"tagValues"`
	}
	if err := c.get(ctx, "/api/v2/search/tag/resource.service.name/values", nil, &reply); err != nil {
		var f *fault
		if !errors.As(err, &f) || f.status != 404 && f.status != 400 {
			return nil, err
		}
		if err := c.get(ctx, "/api/search/tag/service.name/values", nil, &reply); err != nil {
			return nil, err
		}
	}
	var out []string
	for _, v := range reply.Values {
		switch v := v.(type) {
		case string:
			out = append(out, v)
		case map[string]any:
			out = append(out, text(v["value"]))
		}
	}
	return out, nil
}

func (c *client) tempoTraces(ctx context.Context, w want) ([]*trace, error) {
	// The name comes from the store's own list or from the operator, and is
	// quoted as TraceQL wants it.
	q := "resource.service.name = " + strconv.Quote(w.service)
	if w.longer > 0 {
		q += fmt.Sprintf(" && duration > %dus", int64(w.longer*1e6))
	}
	if w.failed {
		q += " && status = error"
	}
	var found struct {
		Traces *[]struct {
			TraceID string `json:"traceID"`
		} `json:"traces"`
		Metrics *json.RawMessage `json:"metrics"`
	}
	query := url.Values{
		"q": {"{ " + q + " }"}, "limit": {strconv.Itoa(w.limit)}, "spss": {"1"},
		"start": {strconv.FormatInt(int64(w.from), 10)}, "end": {strconv.FormatInt(int64(w.to)+1, 10)},
	}
	if err := c.get(ctx, "/api/search", query, &found); err != nil {
		return nil, err
	}
	if found.Traces == nil {
		if found.Metrics == nil {
			return nil, c.strange()
		}
		return nil, nil // nothing was found: Tempo leaves the list out
	}
	list := (*found.Traces)[:min(len(*found.Traces), w.limit)]
	traces, errs := make([]*trace, len(list)), make([]error, len(list))
	var wg sync.WaitGroup
	for i := range list {
		wg.Add(1)
		go func() {
			defer wg.Done()
			traces[i], errs[i] = c.tempoTrace(ctx, list[i].TraceID)
		}()
	}
	wg.Wait()
	var out []*trace
	var failed error
	for i := range traces {
		switch {
		case traces[i] != nil:
			out = append(out, traces[i])
		case errs[i] != nil:
			failed = errs[i]
		}
	}
	if len(out) == 0 && failed != nil {
		return nil, failed
	}
	return out, nil
}

var traceID = regexp.MustCompile(`^[0-9a-fA-F]{1,32}$`)

// tempoTrace fetches one trace; one that is not there any more is nil.
func (c *client) tempoTrace(ctx context.Context, id string) (*trace, error) {
	if !traceID.MatchString(id) {
		return nil, c.strange()
	}
	data, err := c.fetch(ctx, "/api/traces/"+id, nil)
	if err != nil {
		if f := (*fault)(nil); errors.As(err, &f) && f.status == 404 {
			return nil, nil
		}
		return nil, err
	}
	t, ok := parseOTLP(id, data)
	if !ok {
		return nil, c.strange()
	}
	return t, nil
}

type otlp struct {
	Batches       []resourceSpans `json:"batches"`
	ResourceSpans []resourceSpans `json:"resourceSpans"`
	Trace         *otlp           `json:"trace"` // version 2 of the path wraps it
}

type resourceSpans struct {
	Resource struct {
		Attributes []attribute `json:"attributes"`
	} `json:"resource"`
	Scopes []scopeSpans `json:"scopeSpans"`
	Older  []scopeSpans `json:"instrumentationLibrarySpans"`
}

type scopeSpans struct {
	Spans []otlpSpan `json:"spans"`
}

type otlpSpan struct {
	SpanID     string      `json:"spanId"`
	Parent     string      `json:"parentSpanId"`
	Name       string      `json:"name"`
	Kind       any         `json:"kind"` // a number or a name
	Start      flexible    `json:"startTimeUnixNano"`
	End        flexible    `json:"endTimeUnixNano"`
	Attributes []attribute `json:"attributes"`
	Events     []struct {
		Name       string      `json:"name"`
		Attributes []attribute `json:"attributes"`
	} `json:"events"`
	Status struct {
		Code    any    `json:"code"`
		Message string `json:"message"`
	} `json:"status"`
}

type attribute struct {
	Key   string `json:"key"`
	Value struct {
		String *string  `json:"stringValue"`
		Int    flexible `json:"intValue"`
		Double *float64 `json:"doubleValue"`
		Bool   *bool    `json:"boolValue"`
	} `json:"value"`
}

// flexible is a number that JSON has as a text, as protobuf writes 64 bits.
type flexible string

func (f *flexible) UnmarshalJSON(data []byte) error {
	*f = flexible(strings.Trim(string(data), `"`))
	return nil
}

func (f flexible) seconds() float64 {
	n, _ := strconv.ParseUint(string(f), 10, 64)
	return float64(n/1000) / 1e6
}

func (a attribute) text() string {
	switch v := a.Value; {
	case v.String != nil:
		return *v.String
	case v.Bool != nil:
		return strconv.FormatBool(*v.Bool)
	case v.Double != nil:
		return strconv.FormatFloat(*v.Double, 'f', -1, 64)
	default:
		return string(v.Int)
	}
}

func plain(list []attribute) map[string]string {
	out := make(map[string]string, len(list))
	for _, a := range list {
		out[a.Key] = a.text()
	}
	return out
}

// spanKinds are OTLP's numbers of them.
var spanKinds = []string{"", "internal", "server", "client", "producer", "consumer"}

// parseOTLP reads a trace in either JSON form of OTLP: batches, as Tempo names
// them, or resourceSpans. Ids are compared and never decoded, so that hex and
// base64 do alike.
func parseOTLP(id string, data []byte) (*trace, bool) {
	var reply otlp
	if json.Unmarshal(data, &reply) != nil {
		return nil, false
	}
	if reply.Trace != nil {
		reply = *reply.Trace
	}
	all := append(reply.Batches, reply.ResourceSpans...)
	if len(all) == 0 {
		return nil, false
	}
	t := &trace{id: id}
	for _, r := range all {
		service := plain(r.Resource.Attributes)["service.name"]
		for _, scope := range append(r.Scopes, r.Older...) {
			for _, s := range scope.Spans {
				if len(t.spans) < mostSpans {
					t.spans = append(t.spans, s.span(service))
				}
			}
		}
	}
	t.link()
	return t, true
}

func (o otlpSpan) span(service string) *span {
	s := &span{id: o.SpanID, name: o.Name, service: service, attrs: plain(o.Attributes), start: o.Start.seconds(), end: o.End.seconds()}
	if !isZero(o.Parent) {
		s.parent = o.Parent
	}
	s.end = max(s.end, s.start)
	switch k := o.Kind.(type) {
	case string:
		s.kind = strings.ToLower(strings.TrimPrefix(k, "SPAN_KIND_"))
	case float64:
		if n := int(k); n > 0 && n < len(spanKinds) {
			s.kind = spanKinds[n]
		}
	}
	for _, e := range o.Events {
		fields := plain(e.Attributes)
		if fields["name"] == "" {
			fields["name"] = e.Name
		}
		s.note(fields)
	}
	s.settle(text(o.Status.Code), o.Status.Message)
	return s
}

// isZero reports whether an id, in hex or base64, is none.
func isZero(id string) bool {
	return strings.Trim(id, "0") == "" || strings.Trim(id, "A=") == ""
}
