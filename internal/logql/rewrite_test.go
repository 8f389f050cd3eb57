package logql_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/quellhq/quell/internal/logql"
)

// records is a source of lines that are given as they are.
type records []logql.Record

func (r records) Read(_ context.Context, _ logql.Window, emit func([]logql.Record) error) ([]string, error) {
	return nil, emit(append([]logql.Record(nil), r...))
}

// strictly rewrites a playbook query; the test fails where it cannot be said.
func strictly(t require.TestingT, text string) logql.Query {
	q, err := logql.Parse(text)
	require.NoError(t, err, text)
	r, err := logql.ToStrict(q)
	require.NoError(t, err, text)
	require.Empty(t, r.Client, text)
	require.Equal(t, logql.Strict, r.Query.Dialect)
	return r.Query
}

// said is an answer as text, for comparing two.
func said(r logql.Result) string {
	var out []string
	for _, l := range r.Lines {
		out = append(out, fmt.Sprintf("%.6f %s", l.T, l.Text))
	}
	for _, s := range r.Series {
		line := fmt.Sprint(s.Labels)
		for _, p := range s.Points {
			line += fmt.Sprintf(" %.3f=%.9g", p.T, p.V)
		}
		out = append(out, line)
	}
	sort.Strings(out)
	return strings.Join(out, "\n")
}

// What a playbook means, a Loki must be made to mean: for any lines and any
// query that can be said in strict LogQL, both engines give the same answer.
func TestARewrittenQueryMeansTheSame(t *testing.T) {
	found := 0
	rapid.Check(t, func(t *rapid.T) {
		src := randomRecords(t)
		text := randomQuery(t)
		asked := logql.Asked{End: noon, Since: time.Hour}
		if rapid.Bool().Draw(t, "stepped") {
			asked.Step = 10 * time.Minute
		}
		q, err := logql.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		strict := strictly(t, text)
		limits := logql.Limits{Series: 10_000}
		want, err := logql.Run(context.Background(), q, src, asked, limits)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		got, err := logql.Run(context.Background(), strict, src, asked, limits)
		if err != nil {
			t.Fatalf("%s\n%s: %v", text, strict.Text, err)
		}
		if w, g := said(want), said(got); w != g {
			t.Fatalf("%s\n%s\nplaybook:\n%s\nstrict:\n%s", text, strict.Text, w, g)
		}
		found += len(want.Lines) + len(want.Series)
	})
	require.Positive(t, found, "no query found anything: the test compares nothing")
}

func randomRecords(t *rapid.T) records {
	streams := []*logql.Stream{
		{Format: logql.JSON, Labels: map[string]string{"service": "api", "env": "prod"}},
		{Format: logql.JSON, Labels: map[string]string{"service": "web", "env": "test"}},
	}
	var out records
	for i := range rapid.IntRange(1, 25).Draw(t, "lines") {
		at := noon.UnixNano() - int64(rapid.IntRange(0, 3500).Draw(t, "ago"))*int64(time.Second) - int64(i)
		out = append(out, logql.Record{Time: at, Line: []byte(randomLine(t)), Stream: streams[rapid.IntRange(0, 1).Draw(t, "stream")]})
	}
	return out
}

func randomLine(t *rapid.T) string {
	pick := func(name string, values ...any) any { return rapid.SampledFrom(values).Draw(t, name) }
	if rapid.IntRange(0, 9).Draw(t, "broken") == 0 {
		return pick("line", `{"level":"error","message":"half`, `Traceback (most recent call last)`, `{"level":"error"`, ``).(string)
	}
	line := map[string]any{}
	put := func(name string, value any) {
		if value != nil {
			line[name] = value
		}
	}
	put(pick("level name", "level", "lvl", "severity").(string), pick("level", "ERROR", "error", "err", "warn", "WARNING", "info", 50, 30, nil, "Crit"))
	put(pick("message name", "message", "msg", "event").(string), pick("message", "pool exhausted", "Pool of 20", "timed out\nat x", "a.b|c", nil))
	put("duration_ms", pick("duration", 1, 12.5, 1e3, 2000, "fast", nil, "1500"))
	put("took", pick("took", "1.5s", "20ms", "2", nil))
	put("size", pick("size", "20MB", "3KiB", 7, "big", nil))
	put("error_type", pick("error", "PoolTimeout", "ConnectionError", "Lost\nConnection", nil))
	put("status", pick("status", 200, 503, "500", nil))
	put("service", pick("service", "api", "other", nil))
	put("details", pick("details", map[string]any{"reason": "expired", "pool": map[string]any{"size": 20}}, map[string]any{"reason": "a\"b"}, nil))
	text, _ := json.Marshal(line)
	return string(text)
}

func randomQuery(t *rapid.T) string {
	pick := func(name string, values ...string) string { return rapid.SampledFrom(values).Draw(t, name) }
	log := pick("selector", `{service="api"}`, `{service=~"a.*|w.*"}`, `{service=~".+", env!="test"}`)
	log += pick("line filter", "", "", ` |= "pool"`, ` |~ "(?i)POOL"`, ` != "half"`)
	log += " | json"
	for range rapid.IntRange(0, 3).Draw(t, "filters") {
		log += " | " + randomFilter(t, 2)
	}
	log += pick("format", "", "", "", ` | label_format x="{{.details.reason}}"`, ` | label_format who=service | keep level, who, error_type, duration_ms, details_reason`,
		` | drop error_type=~"Pool"`, ` | keep message, error_type, level`)
	if pick("kind", "lines", "lines", "series") == "lines" {
		return log + pick("line", "", ` | line_format "{{.level}} {{.message}} {{.details.pool.size}}{{.took}}"`, ` | line_format "{{.error_type | ToUpper}} {{__line__}}"`)
	}
	return randomMetric(t, log)
}

func randomFilter(t *rapid.T, depth int) string {
	pick := func(name string, values ...string) string { return rapid.SampledFrom(values).Draw(t, name) }
	if depth > 0 && rapid.IntRange(0, 2).Draw(t, "both") == 0 {
		return "(" + randomFilter(t, depth-1) + pick("op", " or ", " and ") + randomFilter(t, depth-1) + ")"
	}
	return pick("filter",
		`level="ERROR"`, `level!="error"`, `level=~"ERROR|CRITICAL"`, `level!~"warn|info"`, `level=~"^error$"`, `severity="WARN"`, `level=""`,
		`message=~"(?i)POOL"`, `message=~"exhausted|timed out"`, `message!~"a.b"`, `msg!=""`, `message=~".*at x"`, `message="pool exhausted"`,
		`error_type=~".*Connection.*"`, `error_type=~"Pool|Conn"`, `error_type!~"^Pool"`, `error_type=~".*Pool.*|.*Conn.*"`, `error_type=~"Lost.Conn"`,
		`duration_ms > 10`, `duration_ms != 1`, `duration_ms >= 1e3`, `took > 1s`, `took <= 20ms`, `size > 1MB`, `size < 1KiB`, `status >= 500`,
		`details.reason="expired"`, `details.pool.size == 20`, `details.reason=~"a.b"`, `service_extracted="other"`, `service=~"ap"`)
}

func randomMetric(t *rapid.T, log string) string {
	pick := func(name string, values ...string) string { return rapid.SampledFrom(values).Draw(t, name) }
	by := pick("by", "by (error_type)", "by (level)", "by (service, details.reason)", "by (message)", "")
	switch pick("metric", "count", "outer", "bare", "unwrapped", "average", "topk", "binary") {
	case "count":
		return fmt.Sprintf("sum %s (count_over_time(%s [20m]))", by, log)
	case "outer":
		return fmt.Sprintf("%s %s (%s(%s [20m]))", pick("outer", "max", "avg", "count"), by, pick("op", "count_over_time", "rate", "bytes_over_time"), log)
	case "bare":
		return fmt.Sprintf("%s(%s [20m] offset 5m)", pick("op", "count_over_time", "rate", "bytes_rate"), log)
	case "unwrapped":
		return fmt.Sprintf("%s(%s | unwrap %s [20m])", pick("op", "sum_over_time", "avg_over_time", "max_over_time", "min_over_time", "rate"),
			log, pick("unwrap", "duration_ms", "duration(took)", "bytes(size)", "details.pool.size"))
	case "average":
		return fmt.Sprintf("%s %s (%s(%s | unwrap duration_ms | level!=\"info\" [20m]))", pick("outer", "avg", "sum", "max"), by, pick("op", "avg_over_time", "sum_over_time", "max_over_time"), log)
	case "topk":
		return fmt.Sprintf("topk(2, sum %s (count_over_time(%s [20m]))) > 1", by, log)
	}
	return fmt.Sprintf("sum %s (count_over_time(%s [20m])) / sum %s (count_over_time({service=~\".+\"} | json [20m]))", by, log, by)
}

// Averages of floats depend on the order of the sums; %.9g above hides that.
var _ = math.NaN

func TestWhatIsRewritten(t *testing.T) {
	for text, want := range map[string]string{
		`{a="b"} |= "x"`:                                        `{a="b"} |= "x"`,
		`{a="b"} | json | status = 500`:                         `{a="b"} | json | status == 500 | __error__=""`,
		`{a="b"} | json | x=~"p|q"`:                             `{a="b"} | json | x=~"(?s).*(?:p|q).*" | __error__=""`,
		`{a="b"} | json | x=~"(?i)p.*q"`:                        `{a="b"} | json | x=~"(?i)(?s:.*)(?:p.*q)(?s:.*)" | __error__=""`,
		`{a="b"} | json | x=~".*p.*"`:                           `{a="b"} | json | x=~"(?s).*p.*" | __error__=""`,
		`{a="b"} | json | details.pool.size > 3`:                `{a="b"} | json | details_pool_size > 3 | __error__=""`,
		`{a="b"} | line_format "{{.a.b}} {{\"c.d\"}} .e.f"`:     `{a="b"} | line_format "{{.a_b}} {{\"c.d\"}} .e.f" | __error__=""`,
		`{a="b"} | json | __error__=""`:                         `{a="b"} | json | __error__=""`,
		`{a="b"} | json | drop __error__, x`:                    `{a="b"} | json | __error__="" | drop __error__, x | __error__=""`,
		`rate({a="b"} |= "x" [5m])`:                             `sum by (a) (rate({a="b"} |= "x" [5m]))`,
		`sum(count_over_time({a="b"} [5m]))`:                    `sum (count_over_time({a="b"} [5m]))`,
		`avg by (e) (avg_over_time({a="b"}|json|unwrap d[1h]))`: `avg by (e) (avg_over_time({a="b"} | json | unwrap d | __error__="" [1h]) by (e))`,
		`max by (e) (count_over_time({a="b"}[1h]))`:             `max by (e) (sum by (e, a) (count_over_time({a="b"} [1h])))`,
		`{a="b"} | json | level="warn"`: `{a="b"} | json | label_format level="{{or .level .lvl .severity .levelname .log_level .loglevel .severity_text}}"` +
			` | level=~"(?i)\\s*(?:warning|warn|wrn|40)\\s*" | __error__=""`,
	} {
		require.Equal(t, want, strictly(t, text).Text, text)
	}
}

func TestWhatCannotBeRewrittenSaysWhy(t *testing.T) {
	ask := func(text string) logql.Rewritten {
		q, err := logql.Parse(text)
		require.NoError(t, err)
		r, err := logql.ToStrict(q)
		require.NoError(t, err)
		return r
	}
	r := ask(`{a="b"} |= "x" | json | p.q == r`)
	require.Equal(t, "Loki cannot compare two labels: p_q == r", r.Client)
	require.Equal(t, []string{`{a="b"} |= "x"`}, []string{r.Fetch[0].Text})
	r = ask(`sum(count_over_time({a="b"} |= "x" | json | p == r [5m])) / sum(count_over_time({a="b"} [5m]))`)
	require.Len(t, r.Fetch, 1, "both sides share the lines of their selector")
	require.Equal(t, `{a="b"}`, r.Fetch[0].Text)

	q, err := logql.Parse(`{} | json`)
	require.NoError(t, err)
	_, err = logql.ToStrict(q)
	require.ErrorContains(t, err, "asks for a selector that names a stream")
}
