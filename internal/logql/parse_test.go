package logql_test

import (
	"errors"
	"flag"
	"os"
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

func TestPrintedQueriesParseToTheSame(t *testing.T) {
	t.Parallel()
	for _, text := range append(queries(t), more...) {
		first, err := logql.Parse(text)
		require.NoError(t, err, text)
		second, err := logql.Parse(first.String())
		require.NoError(t, err, first.String())
		require.Equal(t, first.String(), second.String())
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
		`{a="b"} | json | line_format "{{.a | upper}}"`:           `29: the template action {{.a | upper}} is not supported: only {{.label}}, {{__line__}} and {{__timestamp__}} may stand in a template`,
		`{a="b"} | unwrap c`:                                      `10: unwrap stands only inside of a range aggregation: write avg_over_time({…} | json | unwrap duration_ms [5m])`,
		`{a="b"} [5m]`:                                            `8: a range […] stands only inside of a range aggregation: write count_over_time({…} [5m]), rate(…) or another`,
		`{a="b"} | unpack`:                                        `10: unpack is not supported`,
		`{a="b"} |> "<_> x"`:                                      `8: the pattern filter |> is not supported: write |~ with a regular expression`,
		`{a="b"} |= ip("10.0.0.0/8")`:                             `11: ip(…) is not supported`,
		`{a="b"} | addr=ip("10.0.0.0/8")`:                         `15: ip(…) is not supported`,
		`{a="b"} | logfmt --strict`:                               `17: a flag of logfmt is not supported: leave it out`,
		`count_over_time({a="b"})`:                                `0: count_over_time needs a range: write [5m] after the log query`,
		`count_over_time({a="b"}[5])`:                             `24: expected a duration like 5m in the range, not "5": a duration has a unit: 5s, 5m`,
		`count_over_time({a="b"}[5m:1m])`:                         `26: a subquery is not supported: LogQL has none`,
		`avg_over_time({a="b"}[5m])`:                              `0: avg_over_time needs numbers: add | unwrap LABEL before the range`,
		`count_over_time({a="b"} | unwrap x [5m])`:                `0: count_over_time counts lines and takes no unwrap: write sum_over_time, or leave unwrap out`,
		`sum({a="b"})`:                                            `4: sum works on series, and this gives lines: write sum(count_over_time({…} [5m]))`,
		`rates({a="b"}[5m])`:                                      `0: there is no function "rates": did you mean rate?`,
		`absent_over_time({a="b"}[5m])`:                           `0: absent_over_time is not supported: write count_over_time(…) or vector(0), and compare with 0`,
		`sum(rate({a="b"}[5m])) or 0`:                             `23: or works on series, not on a number: write vector(0) for a number`,
		`{a="b"} > 5`:                                             `0: > works on numbers, and this side gives lines: count them: count_over_time({…} [5m])`,
		`rate({a="b"}[5m]) / on (x) group_left rate({a="b"}[5m])`: `27: group_left is not supported: bring both sides to the same labels with sum by (…)`,
		`rate({a="b"}[5m] @ 5)`:                                   `17: the @ modifier is not supported: LogQL has none`,
		`topk(rate({a="b"}[5m]))`:                                 `5: expected a number, not "rate"`,
		`5`:                                                       `0: a number alone asks nothing of any log`,
		`service="x"`:                                             `0: there is no function "service": a selector stands in braces: {service="…"}`,
		`{a="${b}"} | x > ${c}`:                                   `17: a hole ${…} was not filled`,
		`count_over_time({a="b"}[5m]) by (c)`:                     `29: count_over_time takes no grouping: write sum by (…) (count_over_time(…))`,
		`{a="b"} | json | x="y" && z="w"`:                         `23: '&' has no meaning here: write and`,
		strings.Repeat("(", 100):                                  `64: nested deeper than 64 levels`,
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
	for _, text := range append(queries(f), more...) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := logql.Parse(text)
		if err != nil {
			var at *logql.Error
			if !errors.As(err, &at) || at.Offset < 0 || at.Offset > len(text) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		printed := q.String()
		again, err := logql.Parse(printed)
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
