package promtext_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/promtext"
)

func fill(t *testing.T, text string, values map[string]any) (string, error) {
	t.Helper()
	tmpl, err := probe.ParseTemplate(text)
	require.NoError(t, err)
	tmpl, err = tmpl.WithValues(values)
	require.NoError(t, err)
	return promtext.Fill(tmpl)
}

func TestFill(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		value any
		want  string
		err   string
	}{
		"text in a matcher is escaped":             {`up{service="${v}"}`, `a"} or b{x="\`, `up{service="a\"} or b{x=\"\\"}`, ""},
		"text between single quotes":               {`up{service='${v}'}`, `it's`, `up{service='it\'s'}`, ""},
		"a line end cannot end the string":         {`up{service="${v}"}`, "a\nb", `up{service="a\x0ab"}`, ""},
		"a backtick cannot be escaped":             {"up{service=`${v}`}", "a`b", "", "backtick"},
		"a pattern takes the text literally":       {`up{service=~"${v}.*"}`, "a.b", `up{service=~"a\\.b.*"}`, ""},
		"a list becomes alternatives":              {`up{service=~"${v}"}`, []string{"a", "b.c"}, `up{service=~"(?:a|b\\.c)"}`, ""},
		"a list in no pattern":                     {`up{service="${v}"}`, []string{"a"}, "", "list"},
		"an empty list":                            {`up{service=~"${v}"}`, []string{}, "", "empty"},
		"a duration in brackets":                   {`rate(x[${v}])`, 90 * time.Second, `rate(x[1m30s])`, ""},
		"a duration after offset":                  {`x offset ${v}`, time.Hour, `x offset 1h`, ""},
		"a duration as a number":                   {`x > ${v}`, 1500 * time.Millisecond, `x > 1.5`, ""},
		"a number":                                 {`x > ${v}`, 0.05, `x > 0.05`, ""},
		"a large number has no exponent":           {`x > ${v}`, 1e21, `x > 1000000000000000000000`, ""},
		"a negative number keeps its brackets":     {`x ^ ${v}`, int64(-2), `x ^ (-2)`, ""},
		"a text outside of quotes":                 {`${v}`, "up", "", "outside of quotes"},
		"a text as a label name":                   {`up{${v}="x"}`, "job", "", "outside of quotes"},
		"a number in brackets":                     {`rate(x[${v}])`, 5.0, "", "duration above zero"},
		"a negative duration in brackets":          {`rate(x[${v}])`, -time.Second, "", "duration above zero"},
		"a hole in a comment":                      {"up # ${v}\n", "x", "", "comment"},
		"an argument of label_replace stays plain": {`label_replace(up, "a", "${v}", "b", "(.*)")`, "$1", "", "letters, digits"},
		"a plain argument of label_replace":        {`label_replace(up, "a", "${v}", "b", "(.*)")`, "x-1", `label_replace(up, "a", "x-1", "b", "(.*)")`, ""},
		"a quote in an earlier string":             {`a{x="\""} > ${v}`, 1.0, `a{x="\""} > 1`, ""},
		"a LogQL line filter":                      {`{a="b"} |= "${v}"`, `"`, `{a="b"} |= "\""`, ""},
		"a LogQL pattern filter":                   {`{a="b"} |~ "${v}"`, `a|b`, `{a="b"} |~ "a\\|b"`, ""},
		"a LogQL template stays plain":             {`{a="b"} | label_format x="${v}"`, `{{.y}}`, "", "letters, digits"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := fill(t, c.text, map[string]any{"v": c.value})
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				require.ErrorContains(t, err, "${v}")
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

// Whatever the value, the query has the shape that its author wrote, and the
// matcher means exactly that text.
func TestAValueNeverBecomesSyntax(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		value := rapid.String().Draw(rt, "value")
		quote := rapid.SampledFrom([]string{`"`, `'`, "`"}).Draw(rt, "quote")
		op := rapid.SampledFrom([]string{"=", "!=", "=~", "!~"}).Draw(rt, "op")
		tmpl, err := probe.ParseTemplate("sum(rate(x{a" + op + quote + "${v}" + quote + ", b=\"c\"}[5m]))")
		require.NoError(rt, err)
		tmpl, err = tmpl.WithValues(map[string]any{"v": value})
		require.NoError(rt, err)
		text, err := promtext.Fill(tmpl)
		if err != nil {
			require.True(rt, quote == "`" && strings.ContainsAny(value, "`\uFFFD"), "refused %q: %v", value, err)
			return
		}
		expr, err := promtext.NewParser().ParseExpr(text)
		require.NoError(rt, err, text)
		var found *labels.Matcher
		parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
			if v, ok := n.(*parser.VectorSelector); ok {
				require.Len(rt, v.LabelMatchers, 3)
				for _, m := range v.LabelMatchers {
					if m.Name == "a" {
						found = m
					}
				}
			}
			return nil
		})
		require.NotNil(rt, found)
		positive := op == "=" || op == "=~"
		require.Equal(rt, positive, found.Matches(value), "%s against %q", found, value)
		require.Equal(rt, !positive, found.Matches(value+"x"))
	})
}
