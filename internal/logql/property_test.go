package logql_test

import (
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

type sample struct {
	ago   int // seconds before noon
	group string
	value float64
}

// plainly computes a range aggregation for one point, from its definition.
func plainly(op string, q float64, list []sample, group string, at, length int) (float64, bool) {
	var values []float64
	var in []sample
	for _, s := range list {
		// (t-range, t]: ago counts backwards.
		if s.group == group && s.ago >= at && s.ago < at+length {
			in = append(in, s)
			values = append(values, s.value)
		}
	}
	if len(in) == 0 {
		return 0, false
	}
	sum, low, high := 0.0, math.Inf(1), math.Inf(-1)
	for _, v := range values {
		sum, low, high = sum+v, math.Min(low, v), math.Max(high, v)
	}
	switch op {
	case "count_over_time":
		return float64(len(in)), true
	case "rate":
		return float64(len(in)) / float64(length), true
	case "sum_over_time":
		return sum, true
	case "avg_over_time":
		return sum / float64(len(in)), true
	case "min_over_time":
		return low, true
	case "max_over_time":
		return high, true
	}
	sort.Float64s(values)
	rank := q * float64(len(values)-1)
	below := values[int(math.Floor(rank))]
	above := values[int(math.Ceil(rank))]
	return below + (above-below)*(rank-math.Floor(rank)), true
}

// The counting by buckets gives what the definition gives, for any range, step
// and order of lines.
func TestRangesFollowTheirDefinition(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 60).Draw(t, "lines")
		var list []sample
		var b strings.Builder
		for range n {
			s := sample{rapid.IntRange(-5, 400).Draw(t, "ago"), rapid.SampledFrom([]string{"x", "y"}).Draw(t, "group"), float64(rapid.IntRange(-9, 9).Draw(t, "value"))}
			list = append(list, s)
			fmt.Fprintf(&b, "%d {\"g\":%q,\"v\":%g}\n", s.ago, s.group, s.value)
		}
		op := rapid.SampledFrom([]string{"count_over_time", "rate", "sum_over_time", "avg_over_time", "min_over_time", "max_over_time", "quantile_over_time"}).Draw(t, "op")
		length, step, steps := rapid.IntRange(1, 120).Draw(t, "range"), rapid.IntRange(1, 50).Draw(t, "step"), rapid.IntRange(1, 8).Draw(t, "steps")
		unwrap, param := "| unwrap v ", ""
		if op == "count_over_time" || op == "rate" {
			unwrap = ""
		}
		if op == "quantile_over_time" {
			param = "0.7, "
		}
		text := fmt.Sprintf(`%s(%s{g=~".+"} | json %s[%ds])`, op, param, unwrap, length)
		query, err := logql.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		r, err := logql.Run(t.Context(), query, jsonLines(b.String()), logql.Asked{End: noon, Since: time.Duration((steps-1)*step) * time.Second, Step: time.Duration(step) * time.Second}, logql.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]map[int]float64{"x": {}, "y": {}}
		for _, s := range r.Series {
			for _, p := range s.Points {
				got[s.Labels["g"]][int(float64(noon.Unix())-p.T)] = p.V
			}
		}
		for _, group := range []string{"x", "y"} {
			for i := range steps {
				at := i * step
				want, ok := plainly(op, 0.7, list, group, at, length)
				have, has := got[group][at]
				if ok != has || ok && math.Abs(want-have) > 1e-9 {
					t.Fatalf("%s, group %s, %d s ago: %v %v, not %v %v", text, group, at, have, has, want, ok)
				}
			}
		}
	})
}

// Summing by label while counting gives what summing the counts gives.
func TestSumsArePushedDownSoundly(t *testing.T) {
	t.Parallel()
	pushed := ask(t, `sum by (endpoint) (count_over_time({service=~".+"} | json [5m]))`, jsonLines(shop))
	folded := ask(t, `sum by (endpoint) (count_over_time({service=~".+"} | json [5m]) * 1)`, jsonLines(shop))
	require.Equal(t, pushed.Series, folded.Series)
}
