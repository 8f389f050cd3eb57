package logql_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/logql"
)

func askStrict(query string, src logql.Source, asked logql.Asked) (logql.Result, error) {
	q, err := logql.ParseIn(logql.Strict, query)
	if err != nil {
		return logql.Result{}, err
	}
	return logql.Run(context.Background(), q, src, asked, logql.Limits{})
}

func TestStrictReadings(t *testing.T) {
	t.Parallel()
	hour := logql.Asked{End: noon, Since: time.Hour}
	for query, lines := range map[string]int{
		`{service="shop"}`: 0, // the line's own fields are no stream labels
		`{filename="app.log"} | json | message=~"(?i)authentication failed"`:   0, // anchored
		`{filename="app.log"} | json | message=~"(?i)authentication failed.*"`: 1,
		`{filename="app.log"} | json | level="error"`:                          1, // letter by letter
		`{filename="app.log"} | json | msg="slow query"`:                       0, // no aliases
		`{filename="app.log"} | json | duration_ms > 1000`:                     3, // with the one that is no number
		`{filename="app.log"} | json | duration_ms > 1000 | __error__=""`:      2,
		`{filename="app.log"} | json | __error__="JSONParserErr"`:              2,
	} {
		r, err := askStrict(query, jsonLines(shop), hour)
		require.NoError(t, err, query)
		require.Len(t, r.Lines, lines, query)
	}
}

func TestStrictMetrics(t *testing.T) {
	t.Parallel()
	at := logql.Asked{End: noon}
	_, err := askStrict(`sum by (level) (count_over_time({filename="app.log"} | json | __error__!="x" | keep level [5m]))`, jsonLines(shop), at)
	require.NoError(t, err, "a query that speaks of __error__ knows what it counts")
	_, err = askStrict(`count_over_time({filename="app.log"} | json [5m])`, jsonLines(shop), at)
	require.EqualError(t, err, `JSONParserErr: a line of {filename="app.log"} could not be read (not a JSON object), and strict LogQL does not count such lines in silence: add | __error__="" before the range to leave them out`)

	three := jsonLines("50 {\"e\":\"/a\",\"d\":1,\"id\":\"x\"}\n40 {\"e\":\"/a\",\"d\":2,\"id\":\"x\"}\n30 {\"e\":\"/a\",\"d\":6,\"id\":\"y\"}")
	for query, want := range map[string]float64{
		`avg by (e) (avg_over_time({filename="app.log"} | json | unwrap d [5m]))`: 3.75, // of the averages 1.5 and 6
		`avg_over_time({filename="app.log"} | json | unwrap d [5m]) by (e)`:       3,
	} {
		r, err := askStrict(query, three, at)
		require.NoError(t, err)
		require.Len(t, r.Series, 1)
		require.InDelta(t, want, r.Series[0].Points[0].V, 1e-9, query)
	}
	r, err := askStrict(`count_over_time({filename="app.log"}[1m])`, three, logql.Asked{End: noon.Add(20 * time.Second), Since: 2 * time.Minute, Step: 50 * time.Second})
	require.NoError(t, err)
	require.Equal(t, "{} 50=1 0=3\n", show(r.Series), "points are laid from the start: 100, 50 and 0 seconds before noon")
}

func TestStrictSeriesAreBounded(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 600 {
		fmt.Fprintf(&b, "%d {\"request_id\":\"r%d\",\"n\":%d,\"path\":\"/%d\"}\n", 600-i, i, i, i%3)
	}
	for _, query := range []string{
		`rate({filename="app.log"} | json | keep request_id, path [1h])`,
		`max(sum_over_time({filename="app.log"} | json | unwrap n [1h]))`,
		`sum by (path) (avg_over_time({filename="app.log"} | json | unwrap n [1h]))`,
	} {
		_, err := askStrict(query, jsonLines(b.String()), logql.Asked{End: noon})
		require.ErrorContains(t, err, "more than 500 series: the label request_id has the most values", query)
	}
	_, err := askStrict(`sum by (path) (sum_over_time({filename="app.log"} | json | unwrap n [1h]))`, jsonLines(b.String()), logql.Asked{End: noon})
	require.NoError(t, err, "sums are formed while lines come in")
}

// In the playbook dialect the same stages leave out what they cannot read.
func TestStagesOfPlaybooks(t *testing.T) {
	t.Parallel()
	src := &memory{stream: logql.Stream{Format: logql.Plain, Labels: map[string]string{"service": "shop"}}, lines: `
60 10.0.0.7 said ` + "\x1b[31mno\x1b[0m" + ` to bob
50 {"pod":"p","_entry":"took 12 ms"}
40 took 7 ms
30 from fe80::1 and 192.168.0.9:80`}
	for query, want := range map[string][]string{
		`{service="shop"} |> "took <_> ms"`:                                                                                       {"took 7 ms"},
		`{service="shop"} !> "<_>took <_> ms<_>" | decolorize`:                                                                    {"10.0.0.7 said no to bob", "took 7 ms", "from fe80::1 and 192.168.0.9:80"},
		`{service="shop"} | unpack | pod="p"`:                                                                                     {"took 12 ms"},
		`{service="shop"} |= ip("10.0.0.0/24") or ip("fe80::/10") | line_format "x"`:                                              {"x", "x"},
		`{service="shop"} != ip("0.0.0.0/0") |= "took" | line_format "{{__line__|upper}}"`:                                        {`{"POD":"P","_ENTRY":"TOOK 12 MS"}`, "TOOK 7 MS"},
		`{service="shop"} | pattern "took <ms> ms" | ms != "" | line_format "{{mul .ms 2}} {{ if gt (int .ms) 5 }}slow{{ end }}"`: {"14 slow"},
		`{service="shop"} | regexp "(?P<a>[0-9.]+):80" | a=ip("192.168.0.0/16") | line_format "{{.a}}"`:                           {"192.168.0.9"},
	} {
		require.Equal(t, want, texts(ask(t, query, src)), query)
	}
	r := ask(t, `{service="shop"} | line_format "{{ div 1 0 }}"`, src)
	require.Empty(t, r.Lines)
	require.Contains(t, strings.Join(r.Notes, "\n"), `4 lines could not be read by "| line_format \"{{ div 1 0 }}\"" and were left out of 4`)
	r = askWindow(t, `absent_over_time({service="shop"} |= "nothing" [5m])`, src, logql.Asked{End: noon})
	require.Equal(t, "{service=shop} 0=1\n", show(r.Series))
	r = ask(t, `{service="shop"} | json | line_format "{{ if .details.reason }}{{ .details.reason | upper }}{{ end }}{{ .level | lower }}"`,
		jsonLines(`5 {"service":"shop","details":{"reason":"x"},"lvl":"ERROR"}`))
	require.Equal(t, []string{"Xerror"}, texts(r), "dots and aliases are read in templates with functions, too")
}
