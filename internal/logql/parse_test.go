package logql_test

import (
	"errors"
	"flag"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/logql"
	"github.com/quellhq/quell/internal/probe"
)

var update = flag.Bool("update", false, "rewrite the goldens")

// queries are the forms of queries that runbooks in use contain.
func queries(t testing.TB) []string {
	t.Helper()
	data, err := os.ReadFile("testdata/queries.txt")
	require.NoError(t, err)
	return strings.Split(strings.TrimSpace(string(data)), "\n\n")
}

func TestQueriesOfRunbooks(t *testing.T) {
	t.Parallel()
	list := queries(t)
	require.Len(t, list, 34)
	var b strings.Builder
	for _, text := range list {
		q, err := logql.Parse(text)
		require.NoError(t, err, text)
		kind := "lines  "
		if q.Metric() {
			kind = "series "
		}
		b.WriteString(kind + q.String() + "\n")
	}
	const golden = "testdata/queries.golden"
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(b.String()), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), b.String())
}

// more holds one query for each construct.
var more = []string{
	`{a="b"}`, `{}`, "{a=`b`, c!=\"d\", e=~\"f\", g!~\"h\",}", `({a="b"} |= "x") | json`,
	`{a="b"} |= "x" or "y" != "z" |~ "p|q" !~ "r" | json | json != "x"`,
	`{a="b"} | json x="y.z[0]", w | logfmt | regexp "(?P<n>[0-9]+)" | pattern "<a> - <_> <b>"`,
	`{a="b"} | c="d" and e!="f" or (g=~"h", i!~"j") k > -1.5 | l >= 1h30m, m < 20MB | n == o.p | q != 3 | r <= 5 | s = 5`,
	`{a="b"} | label_format x=y, z="{{.x}}" | line_format "{{.a}} {{__line__}}" | keep x, z="1" | drop y, w=~"v"`,
	`rate({a="b"}[5m])`, `rate({a="b"}[5m] | json)`, `count_over_time(({a="b"} |= "x" [1h]) )`, `bytes_rate({a="b"}[1m] offset 1h)`,
	`quantile_over_time(0.99, {a="b"} | json | unwrap duration(took) | took > 1s [5m]) by (c)`,
	`sum without (x) (sum_over_time({a="b"} | json | unwrap bytes(n) [5m]))`, `sum(rate({a="b"}[5m])) by (c)`,
	`topk(3, sum by (x) (rate({a="b"}[1d]))) > bool 1e3`,
	`1 + 2 * vector(3) ^ 2 ^ 0.5 - -1 % 4`, `(sum(rate({a="b"}[1w])) or vector(0)) and on (x) vector(1) unless ignoring (y) vector(2)`,
	"# a comment\nSUM BY (a) (\n  RATE({b=\"c\"} | JSON [5m]) # another\n) / 2",
	`{json="x"} | json | drop="y" | by="z" | rate > 5`, `bottomk by (a) (2, max_over_time({a="b"} | json | unwrap n [5m]))`,
	`first_over_time({a="b"} | json | unwrap n [90s]) by () <= last_over_time({a="b"} | json | unwrap n [1m30s]) by ()`,
}

// inBoth holds one query for each construct that the dialects share, besides
// those of more.
var inBoth = []string{
	`{a="b"} |> "took <_> ms" !> "x <_>" or "<_> y" |= ip("10.0.0.0/8") or "z" != ip("::1") or ip("10.0.0.1-10.0.0.9")`,
	`{a="b"} | unpack | decolorize | unpack != "x" | decolorize="y"`,
	`{a="b"} | logfmt --strict --keep-empty a, b="c" | LOGFMT --keep-empty | addr=ip("10.0.0.0/8") or addr!=ip("::1/64")`,
	`{a="b"} | line_format "{{ if eq .a \"x\" }}{{ .b | upper | printf \"%10s\" }}{{ else }}{{ range $k, $v := fromJson .c }}{{ $k }}{{ end }}{{ end }}"`,
	`absent_over_time({a="b"} | json [5m])`, `absent_over_time({a="b"} | json | unwrap x [5m])`,
	`stddev_over_time({a="b"} | json | unwrap x [5m]) by (c) + stdvar_over_time({a="b"} | json | unwrap x [5m]) without (d)`,
	`rate_counter({a="b"} | json | unwrap x [5m])`, `sort_desc(sort(stddev by (x) (rate({a="b"}[5m])))) - stdvar(rate({a="b"}[5m]))`,
	`label_replace(rate({a="b"}[5m]), "x", "$1-y", "a", "(.*)")`,
	`rate({a="b"}[5m]) * on (x) group_left (y, z) rate({a="b"}[5m]) / ignoring (x) group_right (sum(rate({a="b"}[5m])))`,
	`rate({a="b"}[5m]) * on (x) group_left rate({a="b"}[5m]) > bool on () group_right () rate({a="b"}[5m])`,
	`sum by (rate, json, by) (rate({a="b"} | json | count_over_time > 5 [5m]))`,
}

// onlyInPlaybooks tells the constructs that strict LogQL has not.
var onlyInPlaybooks = regexp.MustCompile(`o\.p|\{\}|[a-z]\.[a-z_]+ *[!=]|unwrap [a-z]+\.`)

func TestPrintedQueriesParseToTheSame(t *testing.T) {
	t.Parallel()
	strict := 0
	for _, text := range append(append(queries(t), more...), inBoth...) {
		for _, dialect := range []logql.Dialect{logql.Playbook, logql.Strict} {
			first, err := logql.ParseIn(dialect, text)
			if dialect == logql.Strict && onlyInPlaybooks.MatchString(text) {
				require.Error(t, err, text)
				continue
			}
			require.NoError(t, err, text)
			second, err := logql.ParseIn(dialect, first.String())
			require.NoError(t, err, first.String())
			require.Equal(t, first.String(), second.String())
			if dialect == logql.Strict {
				strict++
			}
		}
	}
	require.Greater(t, strict, 60)
}

func TestMistakesInStrictQueries(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{a="b"} | json | details.reason="x"`: `17: LogQL has no dots in label names, and "details.reason" has one: nested names are joined by underscores: write details_reason`,
		`{a.b="c"}`:                           `1: LogQL has no dots in label names, and "a.b" has one: nested names are joined by underscores: write a_b`,
		`sum by (a.b) (rate({a="c"}[5m]))`:    `8: LogQL has no dots in label names, and "a.b" has one: nested names are joined by underscores: write a_b`,
		`{a="b"} | json | x > y`:              "21: LogQL compares a label with a text or a number, not with the label y: compare them in a template first: | x!=\"\" | y!=\"\" | label_format difference=`{{subf .x .y}}` | difference > 0 | drop difference",
		`{}`:                                  `0: every value of this selector may be empty, and Loki asks for one that may not: name a stream, like {service="api"}; of files {filename=~".+"} takes every line`,
		`{a=~".*", b!="c"}`:                   `0: every value of this selector may be empty, and Loki asks for one that may not: name a stream, like {service="api"}; of files {filename=~".+"} takes every line`,
	} {
		_, err := logql.ParseIn(logql.Strict, text)
		require.Error(t, err, text)
		at := isError(t, err)
		require.Equal(t, want, strconv.Itoa(at.Offset)+": "+at.Error(), text)
		_, err = logql.Parse(text)
		require.NoError(t, err, "the playbook dialect reads it: %s", text)
	}
}

func TestMistakesInQueries(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		``:                         `0: the query is empty: write at least a selector, like {service="api"}`,
		`{a="b"`:                   `6: expected "," or "}" in the stream selector, not the end of the query`,
		`{a=b}`:                    `3: expected a text in double quotes or backticks after =, not "b": write "b"`,
		`{a=='b'}`:                 `4: '\'' has no meaning here: write texts in double quotes or backticks`,
		`{a="b"} | jsn`:            `10: there is no stage "jsn": did you mean json?`,
		`{a="b"} | json | c > "5"`: `21: > compares numbers, and this is a text: use = for texts, or write the number without quotes`,
		`{a="b"} |= c`:             `11: expected a text in double quotes or backticks after |=, not "c": write "c"`,
		`{a="b"} |~ "("`:           "11: not a regular expression: missing closing ): `(`",
		`{a="b"} | json | line_format "{{.a | uper}}"`:        `37: templates have no function "uper": did you mean upper?`,
		`{a="b"} | line_format "{{now}}"`:                     `25: templates have no function "now": an answer must not depend on when the question is asked`,
		`{a="b"} | line_format "{{template \"x\"}}"`:          `22: named templates are not supported`,
		`{a="b"} | line_format "{{if .a}}x"`:                  `22: not a template: unexpected EOF`,
		`{a="b"} | unwrap c`:                                  `10: unwrap stands only inside of a range aggregation: write avg_over_time({…} | json | unwrap duration_ms [5m])`,
		`{a="b"} [5m]`:                                        `8: a range […] stands only inside of a range aggregation: write count_over_time({…} [5m]), rate(…) or another`,
		`{a="b"} | unpac`:                                     `10: there is no stage "unpac": did you mean unpack?`,
		`{a="b"} |> "<a> x"`:                                  `11: a pattern filter takes no names: <a> is one, write <_>: write text with <_> for what varies, like "took <_> ms"`,
		`{a="b"} |= ip("10.0.0.0.8")`:                         `14: "10.0.0.0.8" is no IP address, network or range of addresses: write an address, a network like "10.0.0.0/8" or a range like "10.0.0.1-10.0.0.9"`,
		`{a="b"} |~ ip("10.0.0.0/8")`:                         `11: ip(…) goes with |= and != only, not with |~`,
		`{a="b"} | addr>ip("10.0.0.0/8")`:                     `14: ip(…) goes with = and != only, not with >`,
		`{a="b"} | logfmt --stric`:                            `17: logfmt has no flag --stric: it has --strict and --keep-empty`,
		`{a="b"} | json --strict`:                             `15: json takes no flags`,
		`count_over_time({a="b"})`:                            `0: count_over_time needs a range: write [5m] after the log query`,
		`count_over_time({a="b"}[5])`:                         `24: expected a duration like 5m in the range, not "5": a duration has a unit: 5s, 5m`,
		`count_over_time({a="b"}[5m:1m])`:                     `26: a subquery is not supported: LogQL has none`,
		`avg_over_time({a="b"}[5m])`:                          `0: avg_over_time needs numbers: add | unwrap LABEL before the range`,
		`count_over_time({a="b"} | unwrap x [5m])`:            `0: count_over_time counts lines and takes no unwrap: write sum_over_time, or leave unwrap out`,
		`sum({a="b"})`:                                        `4: sum works on series, and this gives lines: write sum(count_over_time({…} [5m]))`,
		`rates({a="b"}[5m])`:                                  `0: there is no function "rates": did you mean rate?`,
		`approx_topk(5, rate({a="b"}[5m]))`:                   `0: approx_topk is not supported: write topk`,
		`label_replace(rate({a="b"}[5m]), "x-y", "", "", "")`: `33: "x-y" is no label name`,
		`sum(rate({a="b"}[5m])) or 0`:                         `23: or works on series, not on a number: write vector(0) for a number`,
		`{a="b"} > 5`:                                         `0: > works on numbers, and this side gives lines: count them: count_over_time({…} [5m])`,
		`rate({a="b"}[5m]) / group_left rate({a="b"}[5m])`:    `20: group_left needs on (…) or ignoring (…) before it`,
		`rate({a="b"}[5m]) or on (x) group_left vector(1)`:    `28: group_left does not go with or, which pairs many with many`,
		`rate({a="b"}[5m] @ 5)`:                               `17: the @ modifier is not supported: LogQL has none`,
		`topk(rate({a="b"}[5m]))`:                             `5: expected a number, not "rate"`,
		`5`:                                                   `0: a number alone asks nothing of any log`,
		`service="x"`:                                         `0: there is no function "service": a selector stands in braces: {service="…"}`,
		`{a="${b}"} | x > ${c}`:                               `17: a hole ${…} was not filled`,
		`count_over_time({a="b"}[5m]) by (c)`:                 `29: count_over_time takes no grouping: write sum by (…) (count_over_time(…))`,
		`{a="b"} | json | x="y" && z="w"`:                     `23: '&' has no meaning here: write and`,
		// Copied from a dashboard, a web page, another language.
		`count_over_time({a="b"}[$__interval])`:         `24: $__interval is a variable of Grafana, which nobody fills in here: write a duration, like [5m]`,
		`count_over_time({a="b"}[${__auto}])`:           `24: ${__auto} is a variable of Grafana, which nobody fills in here: write a duration, like [5m]`,
		`count_over_time({a="b"}[$window])`:             `24: $window is a variable of Grafana, which nobody fills in here: write a duration, like [5m]`,
		`{a=$service}`:                                  `3: $service is a variable of Grafana, which nobody fills in here: write its value`,
		`{a=~${service:regex}}`:                         `4: ${service:regex} is a variable of Grafana, which nobody fills in here: write its value`,
		`{a="b"} | json | c &gt; 5`:                     `19: &gt; is how a web page writes >: write >`,
		`{a=&quot;b&quot;}`:                             `3: &quot; is how a web page writes ": write "`,
		`{'a'}`:                                         `1: '\'' has no meaning here: write texts in double quotes or backticks`,
		`http_requests_total{a="b"}`:                    `0: the metric http_requests_total is PromQL, and this reads LogQL, which asks lines: lines are chosen by a selector alone, like {service="api"}, and counted by count_over_time({service="api"} [5m])`,
		`sum(rate(http_requests[5m]))`:                  `9: the metric http_requests is PromQL, and this reads LogQL, which asks lines: lines are chosen by a selector alone, like {service="api"}, and counted by count_over_time({service="api"} [5m])`,
		`up`:                                            `0: the metric up is PromQL, and this reads LogQL, which asks lines: lines are chosen by a selector alone, like {service="api"}, and counted by count_over_time({service="api"} [5m])`,
		`increase({a="b"}[5m])`:                         `0: increase is PromQL, and this reads LogQL, which asks lines: write count_over_time({…} [5m]) for lines, sum_over_time({…} | unwrap x [5m]) for numbers in them`,
		`histogram_quantile(0.9, x)`:                    `0: histogram_quantile is PromQL, and this reads LogQL, which asks lines: write quantile_over_time(0.95, {…} | json | unwrap duration_ms [5m])`,
		`timeout`:                                       `0: "timeout" is no query: to look for it write {} |= "timeout"`,
		`connection refused`:                            `0: "connection refused" is no query: to look for it write {} |= "connection refused"`,
		`"timeout"`:                                     `0: expected a selector {…} or a function, not a text: to look for it write {} |= "timeout"`,
		`{a="b"} | level = error`:                       `18: error without quotes is a label, and = compares with a text: write "error" in quotes; two labels are compared with ==`,
		`{a="b"} |= "x" and |= "y"`:                     `15: between filters stands no and: leave it out: a line must pass all filters in a row`,
		`{a="b"} |= "x" or |= "y"`:                      `18: or joins texts, not filters: write |= "a" or "b"`,
		`{a="b"} |= "x" and level="y"`:                  `15: a filter on a label begins with |: write | in the place of and`,
		`sum by level (rate({a="b"}[5m]))`:              `7: expected "(" after by, not "level": write by (level)`,
		`{a="b"} | json | 1 > c`:                        `17: expected a stage or a label filter, not "1"`,
		`{a="b"} | json | c > d > e`:                    `23: a label filter compares two values: write | a > b | b > c for a > b > c`,
		`{a="b"} | json | not c="d"`:                    `17: LogQL has no not: write != or !~ in the comparison, like level != "info"`,
		`{a="b"} | json | c not in ("d")`:               `19: LogQL does not know the comparison not: write c != "a" or c !~ "a|b"`,
		`{a="b"} | json | c in ("d", "e")`:              `19: LogQL does not know the comparison in: write c =~ "a|b"`,
		`{a="b"} | json | c like "d%"`:                  `19: LogQL does not know the comparison like: write c =~ ".*a.*"`,
		`{a="b"} | line_format "{{.t | date "15:04"}}"`: "35: this quote ends the template, whose {{ is still open: put a template that has quotes in it in backticks: `{{… \"…\" …}}`",
		`{a="b"} | line_format "{{.t | date "2006-01-02T15:04"}}"`: "35: this quote ends the template, whose {{ is still open: put a template that has quotes in it in backticks: `{{… \"…\" …}}`",
		`{a="b"} | line_format {{.x}}`:                             "24: a template is a text: put it in backticks, like line_format `{{.message}}`",
		`{a="b"} | line_format {{ __line__ }}`:                     "22: expected a text in double quotes or backticks after line_format, not \"{\": put the template in backticks: `{{…}}`",
		`{a="b"} |~ "(` + strings.Repeat("x", 4000) + `"`:          "11: not a regular expression: missing closing ): `(" + strings.Repeat("x", 79) + "…`",
		strings.Repeat("(", 100):                                   `64: nested deeper than 64 levels`,
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			_, err := logql.Parse(text)
			require.Error(t, err)
			at := isError(t, err)
			require.Equal(t, want, strconv.Itoa(at.Offset)+": "+at.Error())
		})
	}
}

// Blanks that web pages and chats bring along are blanks.
func TestPastedBlanks(t *testing.T) {
	t.Parallel()
	want, err := logql.Parse(`{a="b"} | json | c > 5`)
	require.NoError(t, err)
	for _, blank := range []string{"\u00a0", "\u200b", "\u202f", "\u2060", "\ufeff", "\r\n"} {
		got, err := logql.Parse(strings.ReplaceAll("\ufeff{a=\"b\"} | json | c > 5", " ", blank))
		require.NoError(t, err, "%q", blank)
		require.Equal(t, want.String(), got.String())
	}
	// A hole behind one is still a part of a regular expression.
	filled, err := fill(t, "{s=~\u00a0\"${v}\"}", map[string]any{"v": "a.b"})
	require.NoError(t, err)
	require.Equal(t, "{s=~\u00a0\"a\\\\.b\"}", filled)
}

func TestPlaceholders(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{a="$service"}`, `{a=~"${service:regex}"}`, `{a="${service}"}`, `{a="b"} |= "<REQUEST_ID>"`, `{a="b"} | json | c="[USER_ID]"`, `{a="YOUR_SERVICE"}`} {
		require.Len(t, logql.Placeholders(text), 1, text)
	}
	for _, text := range []string{`{a=~"b$"}`, `{a="b"} |= "$5"`, `{a="b"} | pattern "<ip>"`, `{a="b"} |> "<_>"`, `{a="b"} |= "<html>x"`, `{a="b"} | line_format "$x {{.y}}"`} {
		require.Empty(t, logql.Placeholders(text), text)
	}
}

func template(t testing.TB, text string) probe.Template {
	t.Helper()
	out, err := probe.ParseTemplate(text)
	require.NoError(t, err)
	return out
}

func TestChecksOfFences(t *testing.T) {
	t.Parallel()
	require.Empty(t, logql.Check(template(t, "sum(count_over_time({service=\"${service}\"} |~ \"x${service}\" | json | d > ${least} [${window}])) > ${n}"), nil))
	problems := logql.Check(template(t, `{service="${service}"} | jsn`), nil)
	require.Len(t, problems, 1)
	require.Equal(t, 25, problems[0].Offset)
	require.Equal(t, probe.Lines, logql.ShapeOf(template(t, `{service="${service}"}`)))
	require.Equal(t, probe.Series, logql.ShapeOf(template(t, `rate({service="${service}"}[${w}])`)))
	require.Equal(t, probe.Any, logql.ShapeOf(template(t, `rate(`)))
}

func fill(t testing.TB, text string, values map[string]any) (string, error) {
	t.Helper()
	filled, err := template(t, text).WithValues(values)
	require.NoError(t, err)
	return logql.Fill(filled)
}

func TestHolesNeverBecomeSyntax(t *testing.T) {
	t.Parallel()
	const evil = "a.b\"} | x\\ `{{.y}} <z>\n#"
	for text, want := range map[string]string{
		`{s="${v}"}`:                   `{s="a.b\"} | x\\ ` + "`" + `{{.y}} <z>\n#"}`,
		`{s=~"${v}"} |~ "a" or "${v}"`: `{s=~"a\\.b\"\\} \\| x\\\\ ` + "`" + `\\{\\{\\.y\\}\\} <z>\n#"} |~ "a" or "a\\.b\"\\} \\| x\\\\ ` + "`" + `\\{\\{\\.y\\}\\} <z>\n#"`,
		"{s=\"x\"} # ${v}\n":           "{s=\"x\"} # a.b\"} | x\\ `{{.y}} <z> #\n",
	} {
		got, err := fill(t, text, map[string]any{"v": evil})
		require.NoError(t, err, text)
		require.Equal(t, want, got)
		_, err = logql.Parse(got)
		require.NoError(t, err, got)
	}
	for _, text := range []string{`{s="x"} | line_format "${v}"`, "{s=`${v}`}", `{s="x"} | a > ${v}`, `{s="x"} | pattern "<a> ${v}"`, `topk(${v}, rate({s="x"}[5m]))`} {
		_, err := fill(t, text, map[string]any{"v": evil})
		require.Error(t, err, text)
	}
	got, err := fill(t, `count_over_time({s=~"${list}"} | json | d > ${n} | e > ${d} [${d}])`,
		map[string]any{"list": []string{"a.b", "c"}, "n": 2.5, "d": 90 * time.Second})
	require.NoError(t, err)
	require.Equal(t, `count_over_time({s=~"(?:a\\.b|c)"} | json | d > 2.5 | e > 1m30s [1m30s])`, got)
	_, err = fill(t, `{s="${list}"}`, map[string]any{"list": []string{"a", "b"}})
	require.Error(t, err)
}

func FuzzParse(f *testing.F) {
	for _, text := range append(append(queries(f), more...), inBoth...) {
		f.Add(text, false)
		f.Add(text, true)
	}
	f.Fuzz(func(t *testing.T, text string, strict bool) {
		dialect := logql.Playbook
		if strict {
			dialect = logql.Strict
		}
		q, err := logql.ParseIn(dialect, text)
		if err != nil {
			var at *logql.Error
			if !errors.As(err, &at) || at.Offset < 0 || at.Offset > len(text) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		printed := q.String()
		again, err := logql.ParseIn(dialect, printed)
		if err != nil || again.String() != printed {
			t.Fatalf("%q prints as %q, which gives %v %q", text, printed, err, again.String())
		}
	})
}

// Whatever a hole's value is, the query keeps its structure.
func FuzzFill(f *testing.F) {
	f.Add(`x"} | json`, 0)
	f.Add("`\\", 3)
	forms := []string{`{s="${v}"} | json`, "{s=`${v}`} | json", `{s=~"${v}"} | json`, `{s="x"} |~ "y" or "${v}" | json`, `{s="x"} | line_format "${v}" | json`,
		`{s="x"} | label_format a="${v}" | json`, `{s="x"} | pattern "<a> ${v}" | json`, `{s="x"} | a="${v}" or b=~"${v}" | json`, "{s=\"x\"} # ${v}\n | json"}
	f.Fuzz(func(t *testing.T, value string, form int) {
		if form < 0 {
			form = -(form + 1)
		}
		text := forms[form%len(forms)]
		plain, err := fill(t, text, map[string]any{"v": "x"})
		if err != nil {
			t.Fatal(err)
		}
		got, err := fill(t, text, map[string]any{"v": value})
		if err != nil {
			return
		}
		q, err := logql.Parse(got)
		if err != nil {
			// A text that is not UTF-8 or holds line breaks in backticks may be refused, never misread.
			return
		}
		want, err := logql.Parse(plain)
		if err != nil {
			t.Fatal(err)
		}
		a, b := q.Root.(*logql.Log), want.Root.(*logql.Log)
		if len(a.Matchers) != len(b.Matchers) || len(a.Stages) != len(b.Stages) {
			t.Fatalf("%q became %q", value, got)
		}
	})
}
