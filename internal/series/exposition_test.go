package series_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/series"
)

func readPage(page string, openMetrics bool) ([]string, error) {
	var out []string
	err := series.ReadExposition(page, openMetrics, func(e series.Exposed) error {
		out = append(out, fmt.Sprintf("%s %v %d", e.Labels, e.Value, e.T))
		return nil
	})
	return out, err
}

func TestReadExposition(t *testing.T) {
	page := `# HELP a_total Things.
# TYPE a_total counter
a_total 3
a_total{path="C:\\x\"y\nz",empty="",} 4.5 1700000000123
# a remark
lat_bucket{le="1.0"} 1
lat_bucket{le="+Inf"} 2
	spaced   {  a = "b" , c="d" }   +Inf
big 1e400
none NaN
{"with.dots", unit="s"} 7
`
	got, err := readPage(page, false)
	require.NoError(t, err)
	require.Equal(t, []string{
		`{__name__="a_total"} 3 0`,
		`{__name__="a_total", path="C:\\x\"y\nz"} 4.5 1700000000123`,
		`{__name__="lat_bucket", le="1.0"} 1 0`,
		`{__name__="lat_bucket", le="+Inf"} 2 0`,
		`{__name__="spaced", a="b", c="d"} +Inf 0`,
		`{__name__="big"} +Inf 0`,
		`{__name__="none"} NaN 0`,
		`{__name__="with.dots", unit="s"} 7 0`,
	}, got)
}

func TestReadOpenMetrics(t *testing.T) {
	got, err := readPage("# TYPE a counter\na_total{x=\"y #z\"} 3 1700000000.5 # {trace_id=\"abc\"} 1 1700000000\n# EOF\n", true)
	require.NoError(t, err)
	require.Equal(t, []string{`{__name__="a_total", x="y #z"} 3 1700000000500`}, got)
}

func TestABadLineIsNamed(t *testing.T) {
	for line, says := range map[string]string{
		"<html>":               "valid start token",
		"a":                    "expected value",
		"a{":                   "expected }",
		"a{b}":                 "expected =",
		"a{b=c} 1":             "double quotes",
		"a{b=\"c} 1":           "no end",
		"a{1b=\"c\"} 1":        "expected label name",
		"a one":                "not a value",
		"a 0x1p3":              "not a value",
		"a 1 yesterday":        "not a time",
		"a 1 2 3":              "expected value",
		"{b=\"c\"} 1":          "without a metric name",
		"a{b=\"c\",b=\"d\"} 1": "stands twice",
	} {
		_, err := readPage("ok 1\n"+line+"\n", false)
		require.ErrorContains(t, err, "line 2: ", line)
		require.ErrorContains(t, err, says, line)
	}
}

// What Prometheus' own reader of the format takes, ours takes, with the same
// values; neither panics.
func FuzzReadExposition(f *testing.F) {
	f.Add("a_total{b=\"c\"} 1\n")
	f.Add("# TYPE h histogram\nh_bucket{le=\"0.1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n")
	f.Add("a{b=\"\\\\\\n\\\"\"} -Inf 123\n")
	f.Add("{\"x.y\",a=\"b\"} 1\n")
	f.Fuzz(func(t *testing.T, page string) {
		ours, err := readPage(page, false)
		_, _ = readPage(page, true)
		if err != nil {
			return
		}
		// The other reader panics on some pages that ours refuses.
		defer func() { _ = recover() }()
		parser := expfmt.NewTextParser(model.LegacyValidation)
		families, theirs := parser.TextToMetricFamilies(strings.NewReader(page))
		if theirs != nil {
			return // it also checks types and order, which a scrape does not
		}
		n := 0
		for _, family := range families {
			for _, m := range family.Metric {
				switch {
				case m.Histogram != nil || m.Summary != nil:
					return // their parts are many lines of ours
				default:
					n++
					v := m.GetUntyped().GetValue() + m.GetCounter().GetValue() + m.GetGauge().GetValue()
					require.True(t, strings.Contains(strings.Join(ours, "\n"), fmt.Sprintf(" %v ", v)) || math.IsNaN(v), "%v in %v", v, ours)
				}
			}
		}
		require.Len(t, ours, n)
	})
}
