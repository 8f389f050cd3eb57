package request_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/logql/request"
)

// line makes a line of "name=value" fields, or of text where it has none.
func line(at int64, text string, fields ...string) request.Line {
	l := request.Line{At: at, Text: []byte(text), Message: []byte(text)}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, "=")
		l.Fields = append(l.Fields, request.Field{Name: []byte(name), Value: []byte(value)})
	}
	return l
}

func TestLinesOfRequests(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`198.51.100.1 - - [30/Nov/2026:06:00:00 +0000] "GET /items/1?x=2 HTTP/1.1" 200 512 "-" "curl/8"`:                          "GET /items/1?x=2 200 gateway",
		`198.51.100.1 - - [30/Nov/2026:06:00:00 +0000] "GET /items/1 HTTP/1.1" 502 512 "-" "curl/8" rt=0.250 ua="127.0.0.1:8000"`: "GET /items/1 502 0.25 gateway",
		`198.51.100.1 - - [30/Nov/2026:06:00:00 +0000] "GET /items/1 HTTP/1.1" 200 512 "-" "curl/8" 1.250 0.900`:                  "GET /items/1 200 1.25 gateway",
		`198.51.100.1 - - [30/Nov/2026:06:00:00 +0000] "POST /a HTTP/2.0" 201 5 "-" "-" request_time="0.004"`:                     "POST /a 201 0.004 gateway",
		`INFO:     127.0.0.1:4242 - "GET /items HTTP/1.1" 500 Internal Server Error`:                                              "GET /items 500 gateway",
		`[GIN] 2026/11/30 - 06:00:00 | 200 |    1.234567ms |       127.0.0.1 | GET      "/items/7"`:                               "GET /items/7 200 0.001234567",
		`GET /items/7 200 12.5 ms - 1234`:                                "GET /items/7 200 0.0125",
		`2026-11-30 06:00:00,123 INFO shop: PUT /carts/9 -> 204 in 31ms`: "PUT /carts/9 204 0.031",
		`request DELETE /carts/9 completed with status 503 (2.5s)`:       "DELETE /carts/9 503 2.5",
		`connect() failed (111: Connection refused) while connecting to upstream, request: "GET /catalog/412/ HTTP/1.1", upstream: "http://127.0.0.1:8000/catalog/412/"`: "",
		`Started GET "/products/412" for 127.0.0.1 at 2026-11-30 06:00:00 +0000`:                                                                                         "",
		`haproxy[9]: 198.51.100.1:4242 [30/Nov/2026:06:00:00.100] fe_api be_api/srv1 0/0/1/412/413 200 512 - - ---- 1/1/0/0/0 0/0 "GET /items/7 HTTP/1.1"`:               "GET /items/7 200 0.413 gateway",
		`haproxy[9]: 198.51.100.1:4242 [30/Nov/2026:06:00:00.100] fe_api be_api/<NOSRV> 0/1246/-1/-1/1246 503 212 - - sQ-- 1/1/0/0/0 0/9 "GET /items/7 HTTP/1.1"`:        "GET /items/7 503 1.246 gateway",
		`2026-11-30 06:00:00,123 INFO asks GET /items of the catalogue`:                                                                                                  "",
		`retrying GET /items after 200 ms`:             "",
		`GET /items took 200ms`:                        "",
		`worker 3 exited with 200 jobs done`:           "",
		`read tcp 10.0.0.1:443: i/o timeout after 500`: "",
	} {
		r, ok := request.Read(line(1, text))
		require.Equal(t, want, told(r, ok), text)
	}
	for fields, want := range map[string]string{
		"method=GET path=/items/1 status_code=200 duration_ms=12.5":                             "GET /items/1 200 0.0125",
		"http_method=GET http_route=/items/{id} http_status=200 elapsed=3ms":                    "GET /items/{id} 200 0.003",
		"verb=POST uri=/a?b=c status=201 latency_seconds=1.5":                                   "POST /a?b=c 201 1.5",
		"req_method=GET req_url=/a res_statusCode=200 responseTime=7":                           "GET /a 200 0.007",
		"request_method=GET request_uri=/a status=504 request_time=60.001 upstream_status=504":  "GET /a 504 60.001 gateway",
		"method=GET path=/a status=200 duration=0.0123":                                         "GET /a 200 ?",
		"method=GET path=/a status=200 duration=250µs":                                          "GET /a 200 0.00025",
		"http_request_method=GET url_path=/a http_response_status_code=200 event_duration=1500": "GET /a 200 1.5e-06",
		"meta_req_method=GET meta_req_url=/a meta_res_statusCode=404 meta_responseTime=12":      "GET /a 404 0.012",
		"httpRequest_requestMethod=GET httpRequest_requestUrl=/a httpRequest_status=200":        "GET /a 200",
		"method=GET path=/a status=200 duration=soon":                                           "GET /a 200",
		"method=GET path=/a status=200 event_duration=1500000":                                  "GET /a 200 0.0015",
		"method=GET path=/a duration_ms=12":                                                     "",
		"status=200 duration_ms=12":                                                             "",
	} {
		r, ok := request.Read(line(1, "request", strings.Fields(fields)...))
		require.Equal(t, want, told(r, ok), fields)
	}
}

func told(r request.Request, ok bool) string {
	if !ok {
		return ""
	}
	text := fmt.Sprintf("%s %s %d", r.Method, r.Target, r.Status)
	switch s := r.Took.Seconds(); {
	case r.Took.Unit == request.Unsaid:
		text += " ?"
	case s >= 0:
		text += fmt.Sprintf(" %.9g", s)
	}
	if r.Gateway {
		text += " gateway"
	}
	return text
}

func TestLinesOfCalls(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		level, message, fields, want string
	}{
		{"warn", "external api call slow", "details_host=pay.example:443 duration_ms=2500 endpoint=/orders method=POST", "pay.example:443 2.5"},
		{"error", "external api call failed", "details_host=pay.example details_status=503", "pay.example failed"},
		{"error", "outbound request timed out", "peer_service=stock", "stock failed"},
		{"info", `HTTP Request: POST https://pay.example/v1/charge "HTTP/1.1 200 OK"`, "", "pay.example"},
		{"info", `HTTP Request: POST https://pay.example/v1/charge "HTTP/1.1 502 Bad Gateway"`, "", "pay.example failed"},
		{"info", "called the billing service", "url=http://billing:8080/invoices elapsed_ms=30 status=200", "billing:8080 0.03"},
		{"info", "request", "direction=outbound host=search status=200 took=0.2s", "search 0.2"},
		{"info", "response from https://geo.example/lookup in 41ms", "", "geo.example 0.041"},
		{"warn", "request to the payment api failed: connection refused", "provider=acme", "acme failed"},
		{"error", "upstream timed out (110: Connection timed out) while reading response header from upstream, upstream: \"http://127.0.0.1:8000/a\"", "", ""},
		{"info", "request", "host=web-1 method=GET path=/items status=200 duration_ms=3", ""},
		{"info", "the service partners were loaded", "host=web-1", ""},
		{"error", "call failed", "", ""},
		{"error", "payments API answered 500", "req_host=127.0.0.1 res_statusCode=502", "payments failed"},
		{"error", "the stock-service backend returned status code: 503", "", "stock-service failed"},
		{"info", "stock service responded with 200", "", "stock"},
		{"error", "the service returned 500", "", ""},
	} {
		got, ok := request.ReadCall(line(1, c.message, strings.Fields(c.fields)...), c.level)
		text := ""
		if ok {
			text = got.Peer
			if s := got.Took.Seconds(); s >= 0 {
				text += fmt.Sprintf(" %g", s)
			}
			if got.Failed {
				text += " failed"
			}
		}
		require.Equal(t, c.want, text, c.message)
	}
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]string{
		"/items/17?sort=price": "/items/*", "/": "/", "/v2/users/me": "/v2/users/me", "https://shop.example/a/1": "/a/*",
		"/o/3f2c9a4e-6b7d-4a61-9f0e-0b2f0f6a7c11/lines": "/o/*/lines", "/files/5d41402abc4b2a76": "/files/*", "/checkout/payment": "/checkout/payment",
	} {
		require.Equal(t, want, request.Route([]byte(target)))
	}
}

const split = int64(1000e9)

// tally counts so many requests a second, before the split (400 s of them) and
// after it (100 s).
func tally(lines func(second int64) []request.Line) request.Report {
	one, two := request.NewTally(split), request.NewTally(split)
	for s := int64(600); s < 1100; s++ {
		for i, l := range lines(s) {
			l.At = s * 1e9
			to := one
			if (s+int64(i))%2 == 0 {
				to = two
			}
			to.Add(l, "info")
		}
	}
	one.Merge(two)
	r, _ := one.Report(0, 1100e9)
	return r
}

func TestNowAndBefore(t *testing.T) {
	t.Parallel()
	r := tally(func(s int64) []request.Line {
		slow, status := 20, 200
		if s >= 1000 {
			slow, status = 400, 500
		}
		list := []request.Line{
			line(0, "", "method=GET", "path=/items/"+fmt.Sprint(s), "status=200", "duration_ms=10"),
			line(0, "", "method=GET", "path=/report", fmt.Sprintf("status=%d", status), fmt.Sprintf("duration_ms=%d", slow)),
			line(0, "", "method=GET", "path=/health", "status=200", "duration_ms=1"),
			// the gateway tells of the same, and is not added
			line(0, fmt.Sprintf(`198.51.100.1 - - [x] "GET /items/%d HTTP/1.1" 200 5 "-" "-" rt=0.012`, s)),
			// and so does a line without a duration
			line(0, "", "method=GET", "path=/report", fmt.Sprintf("status=%d", status)),
		}
		if s >= 1000 {
			list = append(list, line(0, "external call slow", "peer=pay", "duration_ms=300"))
		}
		return list
	})
	require.False(t, r.Gateway)
	require.Equal(t, 200, r.All.Now.Counted)
	require.InDelta(t, 200, r.All.Before.Requests, 1)
	require.InDelta(t, 0.5, r.All.Now.Failed, 1e-9)
	require.Zero(t, r.All.Before.Failed)
	require.InEpsilon(t, 0.4, r.All.Now.P95, 0.04)
	require.InEpsilon(t, 0.02, r.All.Before.P95, 0.04)
	require.Equal(t, []string{"/items/*", "/report"}, []string{r.Paths[0].Name, r.Paths[1].Name})
	require.InEpsilon(t, 0.01, r.Paths[0].Now.P95, 0.04)
	require.Equal(t, 100, r.Calls[0].Now.Counted)
	require.Zero(t, r.Calls[0].Before.Counted)
	require.InEpsilon(t, 30.0/41, r.CallShare[1], 0.01)
}

// The number of a duration that says no unit is told by how such numbers are written.
func TestUnitsThatNobodySays(t *testing.T) {
	t.Parallel()
	for text, seconds := range map[string]float64{"12": 0.012, "0.012345": 0.012345, "58.33": 0.05833, "12000000": 0.012, "0.05": 0.05, "35.123": 0.035123} {
		r := tally(func(int64) []request.Line {
			return []request.Line{line(0, "", "path=/a", "status=200", "duration="+text)}
		})
		require.InEpsilon(t, seconds, r.All.Now.P50, 0.04, text)
	}
}

// What a dead service cannot write, the gateway does.
func TestADeadServiceIsToldByItsGateway(t *testing.T) {
	t.Parallel()
	r := tally(func(s int64) []request.Line {
		if s >= 1000 {
			return []request.Line{line(0, `198.51.100.1 - - [x] "GET /items/1 HTTP/1.1" 502 5 "-" "-"`)}
		}
		return []request.Line{line(0, "", "path=/items/1", "status=200", "duration_ms=9"), line(0, `198.51.100.1 - - [x] "GET /items/1 HTTP/1.1" 200 5 "-" "-"`)}
	})
	require.True(t, r.Gateway)
	require.InDelta(t, 1, r.All.Now.Failed, 1e-9)
	require.Zero(t, r.All.Before.Failed)
}

// A gateway that has just lost its servers fails by itself, and the service's own
// lines of a minute ago are all in order.
func TestWhatTheGatewayFailsItselfIsCounted(t *testing.T) {
	t.Parallel()
	r := tally(func(s int64) []request.Line {
		if s >= 1075 {
			return []request.Line{line(0, `198.51.100.1 - - [x] "GET /items/1 HTTP/1.1" 502 5 "-" "-"`)}
		}
		return []request.Line{line(0, "", "path=/items/1", "status=200", "duration_ms=9"), line(0, `198.51.100.1 - - [x] "GET /items/1 HTTP/1.1" 200 5 "-" "-"`)}
	})
	require.True(t, r.Gateway)
	require.InDelta(t, 0.25, r.All.Now.Failed, 0.02)
}

func TestWhoAsksMost(t *testing.T) {
	t.Parallel()
	r := tally(func(s int64) []request.Line {
		list := []request.Line{line(0, fmt.Sprintf(`198.51.100.%d - - [x] "GET /items/1 HTTP/1.1" 200 5 "-" "-"`, s%50))}
		if s >= 1000 {
			for range 4 {
				list = append(list, line(0, `203.0.113.9 - - [x] "GET /items/1 HTTP/1.1" 200 5 "-" "-"`))
			}
		}
		return list
	})
	require.Equal(t, 51, r.Addresses)
	require.Len(t, r.Askers, 10)
	require.Equal(t, "203.0.113.9", r.Askers[0].IP)
	require.InDelta(t, 0.8, r.Askers[0].Share, 0.01)
	require.Zero(t, r.Askers[0].Before)
	require.InDelta(t, 0.02, r.Askers[1].Before, 0.01)
}

// A service that writes of a few requests alone does not tell how many there are.
func TestAServiceThatTellsOfFewIsNotCounted(t *testing.T) {
	t.Parallel()
	r := tally(func(s int64) []request.Line {
		list := []request.Line{line(0, `198.51.100.1 - - [x] "GET /items/1 HTTP/1.1" 200 5 "-" "-"`)}
		if s%10 == 0 {
			list = append(list, line(0, "", "path=/items/1", "status=404"))
		}
		return list
	})
	require.True(t, r.Gateway)
	require.Equal(t, 100, r.All.Now.Counted)
	require.Zero(t, r.All.Now.Failed)
}

func TestNothingBeforeIsNotKnown(t *testing.T) {
	t.Parallel()
	tally := request.NewTally(split)
	_, ok := tally.Report(0, 1100e9)
	require.False(t, ok)
	tally.Add(line(1050e9, "", "path=/a", "status=200", "duration_ms=3"), "")
	r, ok := tally.Report(0, 1100e9)
	require.True(t, ok)
	require.True(t, math.IsNaN(r.All.Before.Requests))
	require.True(t, math.IsNaN(r.All.Before.P95))
}

func FuzzRead(f *testing.F) {
	f.Add(`198.51.100.1 - - [x] "GET /a HTTP/1.1" 200 5 "-" "-" rt=0.012`, "duration", "12ms")
	f.Add(`[GIN] | 200 | 1ms | GET "/a"`, "status", "200")
	f.Fuzz(func(_ *testing.T, text, name, value string) {
		l := request.Line{At: 1, Text: []byte(text), Message: []byte(text), Fields: []request.Field{{Name: []byte(name), Value: []byte(value)}, {Name: []byte("path"), Value: []byte(value)}}}
		tally := request.NewTally(1)
		tally.Add(l, "error")
		tally.Report(0, 2)
	})
}

// What a tally costs for a line of a service and one of an access log.
func BenchmarkTally(b *testing.B) {
	lines := []request.Line{
		line(1, "request", "timestamp=2026-11-30T06:00:00Z", "service=shop", "instance=a", "pid=4711", "request_id=3f2c9a4e", "method=GET", "endpoint=/items/17", "source_ip=198.51.100.7", "status_code=200", "duration_ms=12.5"),
		line(1, `198.51.100.1 - - [30/Nov/2026:06:00:00 +0000] "GET /items/1 HTTP/1.1" 200 512 "-" "curl/8" rt=0.250 ua="127.0.0.1:8000"`),
		line(1, "the cache was invalidated for an item that was changed", "service=shop", "level=info", "details_key=cache:item:17"),
	}
	tally := request.NewTally(1)
	for b.Loop() {
		for _, l := range lines {
			tally.Add(l, "info")
		}
	}
}

func TestTheTimeOfStatements(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		line       request.Line
		share      float64
		statements float64
	}{
		"Rails":                         {line(0, "Completed 200 OK in 200ms (Views: 1.2ms | ActiveRecord: 150.0ms (12 queries, 2 cached) | GC: 0.2ms)"), 0.75, 12},
		"lograge":                       {line(0, "", "method=GET", "path=/a", "status=200", "duration=200.25", "view=1.2", "db=150.19"), 0.75, math.NaN()},
		"with units":                    {line(0, "", "path=/a", "status=200", "duration_ms=200", "db_duration_s=0.15", "db_count=7"), 0.75, 7},
		"in the unit of the whole":      {line(0, "", "path=/a", "status=200", "duration_ms=200", "db_time=150"), 0.75, math.NaN()},
		"of a whole that says no unit":  {line(0, "", "path=/a", "status=200", "duration=200", "db_ms=150"), math.NaN(), math.NaN()},
		"more than the whole":           {line(0, "", "path=/a", "status=200", "duration_ms=200", "db_ms=250", "queries=0"), 1, 0},
		"a line that does not tell any": {line(0, "", "path=/a", "status=200", "duration_ms=200", "queries=many"), math.NaN(), math.NaN()},
	} {
		r := tally(func(int64) []request.Line { return []request.Line{c.line} })
		for _, f := range []request.Figures{r.All.Now, r.All.Before} {
			require.InDelta(t, c.share, f.InDatabase, 1e-4, name)
			require.InDelta(t, c.statements, f.Statements, 1e-4, name)
		}
	}
}
