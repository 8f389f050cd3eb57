package logql_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/logql"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// memory is a source of lines written as "seconds before noon, a blank, the line".
type memory struct {
	stream logql.Stream
	lines  string
	batch  int // records per batch; 0: all
}

func (m *memory) Read(_ context.Context, _ logql.Window, emit func([]logql.Record) error) ([]string, error) {
	var batch []logql.Record
	for _, l := range strings.Split(strings.TrimSpace(m.lines), "\n") {
		var ago float64
		at, line, _ := strings.Cut(l, " ")
		if _, err := fmt.Sscan(at, &ago); err != nil {
			return nil, err
		}
		batch = append(batch, logql.Record{Time: noon.UnixNano() - int64(ago*1e9), Line: []byte(line), Stream: &m.stream})
		if m.batch > 0 && len(batch) == m.batch {
			if err := emit(batch); err != nil {
				return nil, err
			}
			batch = nil
		}
	}
	return nil, emit(batch)
}

func jsonLines(lines string) *memory {
	return &memory{stream: logql.Stream{Name: "app.log", Format: logql.JSON, Labels: map[string]string{"filename": "app.log"}}, lines: lines}
}

func ask(t *testing.T, query string, src logql.Source) logql.Result {
	t.Helper()
	return askWindow(t, query, src, logql.Asked{End: noon, Since: time.Hour})
}

func askWindow(t *testing.T, query string, src logql.Source, asked logql.Asked) logql.Result {
	t.Helper()
	q, err := logql.Parse(query)
	require.NoError(t, err, query)
	r, err := logql.Run(context.Background(), q, src, asked, logql.Limits{})
	require.NoError(t, err, query)
	return r
}

func texts(r logql.Result) []string {
	out := []string{}
	for _, l := range r.Lines {
		out = append(out, l.Text)
	}
	return out
}

// shop is a log with the things that playbooks look for.
const shop = `
3000 {"timestamp":"x","level":"INFO","service":"shop","message":"starting","duration_ms":5,"endpoint":"/a"}
240 {"level":"error","service":"shop","message":"Connection pool is full","error_type":"PoolTimeout","duration_ms":2500,"endpoint":"/a","details":{"pool_size":10,"active_connections":10}}
180 {"level":"ERROR","service":"shop","message":"Authentication Failed for x","error_type":"AuthError","duration_ms":12,"endpoint":"/b","source_ip":"10.0.0.1","details":{"reason":"expired","pool_size":10,"active_connections":9}}
120 {"level":"warn","service":"billing","message":"slow query","duration_ms":1500,"endpoint":"/a"}
60 {"level":"ERROR","service":"shop","message":"Connection refused","error_type":"PoolTimeout","duration_ms":"n/a","endpoint":"/b"}
30 {"level":"ERROR","service":"shop","mess
10 Traceback (most recent call last):
`

func TestLogQueries(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		query string
		want  []string // beginnings of what is in "message"
	}{
		"the selector reads fields of the line":           {`{service="billing"} | json`, []string{"slow query"}},
		"a selector's regular expression is anchored":     {`{service=~"bill"} | json`, nil},
		"a label's regular expression is not":             {`{service="shop"} | json | message=~"(?i)authentication failed"`, []string{"Authentication"}},
		"a dotted path is its flattened name":             {`{service="shop"} | json | details.reason != ""`, []string{"Authentication"}},
		"a label compares with a label as numbers":        {`{service="shop"} | json | details.active_connections == details.pool_size`, []string{"Connection pool"}},
		"levels compare without case":                     {`{service="shop"} | json | level="Error"`, []string{"Connection pool", "Authentication", "Connection refused"}},
		"levels compare under all spellings":              {`{service=~".+"} | json | severity="WARNING"`, []string{"slow query"}},
		"numbers are compared as numbers":                 {`{service=~".+"} | json | duration_ms > 1000`, []string{"Connection pool", "slow query"}},
		"a missing label is the empty text":               {`{service="shop"} | json | error_type=""`, []string{"starting"}},
		"msg finds message":                               {`{service="shop"} | json | msg="starting"`, []string{"starting"}},
		"line filters come before parsing":                {`{service="shop"} |= "Pool" |~ "re[f]used" | json`, []string{"Connection refused"}},
		"a line filter takes alternatives":                {`{service="shop"} |= "starting" or "refused" | json`, []string{"starting", "Connection refused"}},
		"a negative line filter drops each alternative":   {`{service="shop"} != "Pool" or "starting" | json`, []string{"Authentication"}},
		"and, or bind alike from left to right":           {`{service="shop"} | json | level="info" or level="error" and endpoint="/b"`, []string{"Authentication", "Connection refused"}},
		"parentheses group conditions":                    {`{service="shop"} | json | level="info" or (level="error" and endpoint="/b")`, []string{"starting", "Authentication", "Connection refused"}},
		"durations in labels do not compare with numbers": {`{service="shop"} | json | duration_ms > 1s`, nil},
		"json takes single fields":                        {`{service="shop"} | json why="details.reason", message | why="expired"`, []string{"Authentication"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := ask(t, c.query, jsonLines(shop))
			var got []string
			for _, l := range r.Lines {
				got = append(got, l.Labels["message"])
			}
			require.Len(t, got, len(c.want), "%v", got)
			for i := range got {
				require.True(t, strings.HasPrefix(got[i], c.want[i]), "%v", got)
			}
		})
	}
}

func TestBrokenLinesAreCountedAndSkipped(t *testing.T) {
	t.Parallel()
	r := ask(t, `{filename="app.log"} | json`, jsonLines(shop))
	require.Len(t, r.Lines, 5)
	require.Contains(t, r.Notes, `2 lines could not be read by "| json" and were left out of 7`)
}

func TestEmptyAnswersSayWhy(t *testing.T) {
	t.Parallel()
	r := ask(t, `{service="chop"} | json`, jsonLines(shop))
	require.Equal(t, "service is one of: billing, shop", r.Hint)
	r = ask(t, `{service="shop"} | json | level="error" | error_type="Nope"`, jsonLines(shop))
	require.Equal(t, `none of 3 lines passed | error_type="Nope"`, r.Hint)
	r = ask(t, `{team="x"}`, jsonLines(shop))
	require.Contains(t, r.Hint, "no line has the label team")
}

func TestFormats(t *testing.T) {
	t.Parallel()
	r := ask(t, `{service="shop"} | json | error_type="AuthError" | line_format "{{.level}}: {{ .details.reason }} {{.nothing}}!"`, jsonLines(shop))
	require.Equal(t, []string{"ERROR: expired !"}, texts(r))
	r = ask(t, `{service="billing"} | json | label_format op=endpoint, both="{{.level}}-{{.op}}" | keep op, both`, jsonLines(shop))
	require.Equal(t, map[string]string{"op": "/a", "both": "warn-/a"}, r.Lines[0].Labels)
	r = ask(t, `{service="billing"} | json | drop message, level="info", filename, service`, jsonLines(shop))
	require.Equal(t, map[string]string{"level": "warn", "endpoint": "/a", "duration_ms": "1500"}, r.Lines[0].Labels)
	r = ask(t, `{service="billing"} | pattern "<_>\"level\":\"<word>\"<_>"`, jsonLines(shop))
	require.Equal(t, "warn", r.Lines[0].Labels["word"])
	r = ask(t, `{service="billing"} | regexp "duration_ms\":(?P<took>[0-9]+)" | took >= 1500`, jsonLines(shop))
	require.Equal(t, "1500", r.Lines[0].Labels["took"])
}

func TestOtherFormatsAnswerTheSameQuestion(t *testing.T) {
	t.Parallel()
	plain := &memory{stream: logql.Stream{Format: logql.Plain, Labels: map[string]string{"service": "shop"}}, lines: `
50 2026-03-01 11:59:10,000 ERROR app.db: connection refused
40 10.0.0.1 - - [01/Mar/2026:11:59:20 +0000] "GET /a HTTP/1.1" 502 12
30 2026/03/01 11:59:30 [warn] 12#12: upstream is slow
20 INFO:     127.0.0.1:1 - "GET / HTTP/1.1" 200 OK`}
	r := ask(t, `{service="shop"} | json | level="error"`, plain)
	require.Len(t, r.Lines, 2)
	require.Contains(t, strings.Join(r.Notes, "\n"), "4 of 4 lines in another format")
	require.Equal(t, "502", r.Lines[1].Labels["status"])
	logfmt := &memory{stream: logql.Stream{Format: logql.Logfmt}, lines: `
50 ts=x level=error service=shop msg="no \"route\"" dur=1.5s size=20MB
40 ts=x lvl=info service=shop msg=ok dur=20ms size=3kB`}
	require.Len(t, ask(t, `{service="shop"} | logfmt | dur > 1s | size >= 20MB | level="error"`, logfmt).Lines, 1)
	require.Equal(t, `no "route"`, ask(t, `{service="shop"} | json | level="error"`, logfmt).Lines[0].Labels["msg"])
}

// show writes series as "label=value: t=v …" with t in seconds before noon.
func show(list []evidence.Stream) string {
	var b strings.Builder
	for _, s := range list {
		var names []string
		for _, k := range []string{"service", "endpoint", "error_type", "source_ip", "level"} {
			if v, ok := s.Labels[k]; ok {
				names = append(names, k+"="+v)
			}
		}
		b.WriteString("{" + strings.Join(names, ",") + "}")
		for _, p := range s.Points {
			fmt.Fprintf(&b, " %g=%g", float64(noon.Unix())-p.T, p.V)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestMetricQueries(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		`sum(count_over_time({service="shop"} | json | level="error" [5m]))`:                                                            "{} 0=3\n",
		`sum by (error_type) (count_over_time({service="shop"} | json | level="error" [5m]))`:                                           "{error_type=AuthError} 0=1\n{error_type=PoolTimeout} 0=2\n",
		`topk(1, sum by (error_type) (count_over_time({service=~".+"} | json | level="error" [5m])))`:                                   "{error_type=PoolTimeout} 0=2\n",
		`rate({service="shop"} | json | level="ERROR" [5m])`:                                                                            "{service=shop} 0=0.01\n",
		`avg by (endpoint) (avg_over_time({service=~".+"} | json | unwrap duration_ms [5m]))`:                                           "{endpoint=/a} 0=2000\n{endpoint=/b} 0=12\n",
		`max_over_time({service=~".+"} | json | unwrap duration_ms [5m]) by (service)`:                                                  "{service=billing} 0=1500\n{service=shop} 0=2500\n",
		`quantile_over_time(0.5, {service=~".+"} | json | unwrap duration_ms [5m]) by ()`:                                               "{} 0=1500\n",
		`sum(count_over_time({service="shop"} | json | level="debug" [5m])) or vector(0)`:                                               "{} 0=0\n",
		`sum(count_over_time({service="shop"} | json [5m])) > 10`:                                                                       "",
		`sum(count_over_time({service="shop"} | json [5m])) > bool 2`:                                                                   "{} 0=1\n",
		`sum(count_over_time({service="shop"} | json | level="error" [5m])) / sum(count_over_time({service="shop"} | json [5m])) * 100`: "{} 0=100\n",
		// The half-written line names its service, so the selector takes it.
		`100 - sum(count_over_time({service="shop"}[5m]))`: "{} 0=96\n",
		`2 ^ 3 ^ 0 * vector(5)`:                            "{} 0=10\n",
		`sum by (endpoint) (count_over_time({service="shop"} | json [5m])) unless sum by (endpoint) (count_over_time({service="billing"} | json [5m]))`:                                      "{endpoint=/b} 0=2\n",
		`count(sum by (endpoint) (count_over_time({service=~".+"} | json [5m])))`:                                                                                                            "{} 0=2\n",
		`sum without (message, duration_ms, details_pool_size, details_active_connections, details_reason, filename, source_ip, error_type) (count_over_time({service="shop"} | json [5m]))`: "{service=shop,endpoint=/a,level=error} 0=1\n{service=shop,endpoint=/b,level=ERROR} 0=2\n",
		`sum(bytes_over_time({service="billing"}[5m]))`:        "{} 0=94\n",
		`sum(count_over_time({service="shop"}[5m] offset 2m))`: "{} 0=2\n",
	} {
		t.Run(query, func(t *testing.T) {
			t.Parallel()
			r := askWindow(t, query, jsonLines(shop), logql.Asked{End: noon})
			require.Equal(t, want, show(r.Series))
		})
	}
}

func TestSeriesOverAWindow(t *testing.T) {
	t.Parallel()
	// Ranges are open at their start and closed at their end.
	src := jsonLines("120 {\"service\":\"a\"}\n60 {\"service\":\"a\"}\n59 {\"service\":\"a\"}\n0 {\"service\":\"a\"}")
	r := askWindow(t, `sum(count_over_time({service="a"}[1m]))`, src, logql.Asked{End: noon, Since: 3 * time.Minute, Step: time.Minute})
	require.Equal(t, "{} 120=1 60=1 0=2\n", show(r.Series))
	// A step that is no part of the range.
	r = askWindow(t, `sum(count_over_time({service="a"}[90s]))`, src, logql.Asked{End: noon, Since: 2 * time.Minute, Step: time.Minute})
	require.Equal(t, "{} 120=1 60=2 0=3\n", show(r.Series))
	r = askWindow(t, `sum(count_over_time({service="a"}[1m])) or vector(0)`, src, logql.Asked{End: noon.Add(time.Minute), Since: 4 * time.Minute, Step: 2 * time.Minute})
	require.Equal(t, "{} 180=0 60=1 -60=0\n", show(r.Series))
}

func TestLimits(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 600 {
		fmt.Fprintf(&b, "%d {\"service\":\"a\",\"request_id\":\"r%d\",\"n\":%d}\n", 600-i, i, i%3)
	}
	q, err := logql.Parse(`sum by (n, request_id) (count_over_time({service="a"} | json [1h]))`)
	require.NoError(t, err)
	_, err = logql.Run(context.Background(), q, jsonLines(b.String()), logql.Asked{End: noon}, logql.Limits{})
	require.ErrorContains(t, err, "more than 500 series: the label request_id has the most values")
	q, err = logql.Parse(`{service="a"} | json`)
	require.NoError(t, err)
	r, err := logql.Run(context.Background(), q, jsonLines(b.String()), logql.Asked{End: noon, Since: time.Hour}, logql.Limits{Lines: 2})
	require.NoError(t, err)
	require.Len(t, r.Lines, 2)
	require.Equal(t, "r599", r.Lines[1].Labels["request_id"])
	require.Contains(t, r.Notes, "only the newest 2 matching lines were kept")
}

func TestBatchesDoNotChangeTheAnswer(t *testing.T) {
	t.Parallel()
	for _, query := range []string{`{service=~".+"} | json | level="error"`, `sum by (endpoint) (rate({service=~".+"} | json [5m]))`} {
		want := ask(t, query, jsonLines(shop))
		for batch := 1; batch < 5; batch++ {
			src := jsonLines(shop)
			src.batch = batch
			require.Equal(t, want, ask(t, query, src))
		}
	}
}

func TestSettledLabelsWin(t *testing.T) {
	t.Parallel()
	src := jsonLines(shop)
	src.stream.Labels["service"] = "edge"
	r := ask(t, `{service="edge"} | json | service_extracted="billing"`, src)
	require.Len(t, r.Lines, 1)
	require.Equal(t, "edge", r.Lines[0].Labels["service"])
}

func TestJSONFields(t *testing.T) {
	t.Parallel()
	src := jsonLines(`1 {"a-b":"x","1n":1.50,"e":1e3,"nul":null,"list":[1,{"x":"]"}],"t":true,"o":{"p":{"q":"é\u00e9\ud83d\ude00\n"}},"dup":1,"dup":2,"empty":""} trailing`)
	r := ask(t, `{filename="app.log"} | json`, src)
	require.Equal(t, map[string]string{"filename": "app.log", "a_b": "x", "_1n": "1.50", "e": "1e3", "t": "true", "o_p_q": "éé😀\n", "dup": "1", "empty": ""}, r.Lines[0].Labels)
}

func isError(t *testing.T, err error) *logql.Error {
	t.Helper()
	var at *logql.Error
	require.True(t, errors.As(err, &at), "%v", err)
	return at
}

// A query that asks for lines that could not be read finds them.
func TestLinesThatCannotBeReadCanBeAskedFor(t *testing.T) {
	t.Parallel()
	for _, query := range []string{`{} | json | __error__!=""`, `{} | json | __error__="JSONParserErr"`, `{} | json | __error__=~".+"`} {
		require.Equal(t, []string{`{"level":"ERROR","service":"shop","mess`, "Traceback (most recent call last):"}, texts(ask(t, query, jsonLines(shop))), query)
	}
	require.Len(t, texts(ask(t, `{} | json | __error__=""`, jsonLines(shop))), 5)
	require.Len(t, texts(ask(t, `{level="warning"}`, jsonLines(shop))), 1, "a selector compares levels as filters do")
}
