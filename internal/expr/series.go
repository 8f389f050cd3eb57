package expr

import (
	"fmt"
	"maps"
	"math"
	"sort"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"

	"github.com/quellhq/quell/internal/evidence"
	steps "github.com/quellhq/quell/internal/onset"
)

// point is one sample: seconds and a value. For a plain list of numbers the
// seconds are the index.
type point struct{ t, v float64 }

// seriesFunctions work on a time series (a value with exactly one stream), on
// one stream of several, or on a plain list of numbers.
func seriesFunctions() []function {
	dyn, num := cel.DynType, cel.DoubleType
	one := []*cel.Type{dyn}
	reduce := func(name, gives string, f func([]point) (float64, error)) function {
		return function{
			doc:  Function{name + "(x)", gives, name + "(waiting)"},
			name: name, args: one, result: num,
			call: func(a []ref.Val) ref.Val {
				points, err := points(a[0])
				if err != nil {
					return unknown("%v", err)
				}
				v, err := f(points)
				if err != nil {
					return unknown("%v", err)
				}
				return finite(v)
			},
		}
	}
	window := func(name, gives string, part func(ps []point, end, usual, d float64) []point) function {
		return function{
			doc:  Function{name + "(x, d)", gives, fmt.Sprintf("median(%s(errors, 5m))", name)},
			name: name, args: []*cel.Type{dyn, cel.DurationType}, also: [][]*cel.Type{{dyn, cel.StringType}}, result: cel.ListType(cel.MapType(cel.StringType, dyn)),
			call: func(a []ref.Val) ref.Val {
				points, err := points(a[0])
				if err != nil {
					return unknown("%v", err)
				}
				d, err := durationOf(a[1])
				if err != nil {
					return unknown("%v", err)
				}
				kept := []any{}
				end := endOf(a[0], points)
				usual := end
				if until, ok := markOf(a[0], usualKey); ok {
					usual = min(until, end)
				}
				for _, p := range part(points, end, usual, d) {
					kept = append(kept, []any{p.t, p.v})
				}
				if len(kept) == 0 {
					return unknown("no samples in that part of the series")
				}
				return types.DefaultTypeAdapter.NativeToValue([]any{map[string]any{"labels": map[string]any{}, "points": kept}})
			},
		}
	}
	mean := func(ps []point) (float64, error) { return sumOf(ps) / float64(len(ps)), nil }
	fns := []function{
		reduce("last", "the newest value", func(ps []point) (float64, error) { return ps[len(ps)-1].v, nil }),
		reduce("first", "the oldest value", func(ps []point) (float64, error) { return ps[0].v, nil }),
		reduce("min", "the smallest value", func(ps []point) (float64, error) { return sorted(ps)[0], nil }),
		reduce("max", "the largest value", func(ps []point) (float64, error) { s := sorted(ps); return s[len(s)-1], nil }),
		reduce("mean", "the mean of the values", mean),
		reduce("median", "the median of the values", func(ps []point) (float64, error) { return quantile(sorted(ps), 0.5), nil }),
		reduce("p95", "the 95th percentile of the values (linear between ranks)", func(ps []point) (float64, error) { return quantile(sorted(ps), 0.95), nil }),
		reduce("slope", "the trend, per second (least squares); unknown with fewer than 3 samples", slope),
		reduce("rate", "the increase per second of a counter, resets counted as starts from 0; unknown with fewer than 2 samples", func(ps []point) (float64, error) {
			increase, err := counterIncrease(ps)
			if err != nil {
				return 0, err
			}
			return increase / (ps[len(ps)-1].t - ps[0].t), nil
		}),
		reduce("delta", "the newest value less the oldest; unknown with fewer than 2 samples", func(ps []point) (float64, error) {
			if len(ps) < 2 {
				return 0, fmt.Errorf("one sample has no difference")
			}
			return ps[len(ps)-1].v - ps[0].v, nil
		}),
		reduce("onset", "when the level changed, in seconds since 1970: the best split into before and after; unknown where there is no clear step (needs 8 samples)", onset),
		{
			doc:  Function{"quantile(x, q)", "the q-quantile of the values, q from 0 to 1", "quantile(latency, 0.99)"},
			name: "quantile", args: []*cel.Type{dyn, dyn}, result: num,
			call: func(a []ref.Val) ref.Val {
				ps, err := points(a[0])
				if err != nil {
					return unknown("%v", err)
				}
				q, ok := number(a[1])
				if !ok || q < 0 || q > 1 {
					return unknown("q goes from 0 to 1")
				}
				return types.Double(quantile(sorted(ps), q))
			},
		},
		{
			doc:  Function{"sum(list)", "the sum of the numbers; 0 for an empty list", "sum(roots.map(r, r.victims))"},
			name: "sum", args: one, result: num,
			call: func(a []ref.Val) ref.Val {
				if n, err := emptyList(a[0]); err == nil && n {
					return types.Double(0)
				}
				ps, err := points(a[0])
				if err != nil {
					return unknown("%v", err)
				}
				return finite(sumOf(ps))
			},
		},
		{
			doc:  Function{"count(x)", "how many samples a series has, or items a list", "count(recent(errors, 5m)) > 3.0"},
			name: "count", args: one, result: num,
			call: func(a []ref.Val) ref.Val {
				plain, err := toPlain(a[0])
				if err != nil {
					return unknown("%v", err)
				}
				if list, ok := plain.([]any); ok && !isSeries(list) {
					return types.Double(len(list))
				}
				ps, err := points(a[0])
				if err != nil {
					return unknown("%v", err)
				}
				return types.Double(len(ps))
			},
		},
		{
			doc:  Function{"at(x, -1h)", "the value that was current so long before the newest sample; unknown where the series does not reach back so far", "last(rps) > 2 * at(rps, -1h)"},
			name: "at", args: []*cel.Type{dyn, cel.DurationType}, also: [][]*cel.Type{{dyn, cel.StringType}}, result: num,
			call: func(a []ref.Val) ref.Val {
				ps, err := points(a[0])
				if err != nil {
					return unknown("%v", err)
				}
				back, err := durationOf(a[1])
				if err != nil {
					return unknown("%v", err)
				}
				back = math.Abs(back)
				want := ps[len(ps)-1].t - back
				for i := len(ps) - 1; i >= 0; i-- {
					if ps[i].t <= want {
						return types.Double(ps[i].v)
					}
				}
				return unknown("the series does not reach back %s", formatSeconds(back))
			},
		},
		window("recent", "the part of a series within the last d, and after its last lasting step where that lies within d: an incident that has just begun is not mixed with the time before it. Unknown where the series ended before that", func(ps []point, end, _, d float64) []point {
			return ps[max(behind(ps, end-d), stepped(ps)):]
		}),
		window("earlier", "the part of a series before the last d, and before its last lasting step where enough lies before that: an incident that goes on for long does not become the usual state. Of a series that is hardly older than d, what lies before that step. In a verification, before the last d of what the diagnosis saw", func(ps []point, _, usual, d float64) []point {
			before := ps[:behind(ps, usual-d)]
			if len(before) < leastUsual {
				if young := ps[:behind(ps, usual)]; stepped(young) >= leastUsual {
					return young[:stepped(young)]
				}
			}
			return beforeStep(before)
		}),
	}
	for i := range fns {
		if fns[i].name == "min" || fns[i].name == "max" {
			fns[i] = orOfTwo(fns[i])
		}
	}
	return fns
}

// orOfTwo lets min and max also take two numbers.
func orOfTwo(f function) function {
	over := f.call
	f.also = append(f.also, []*cel.Type{cel.DynType, cel.DynType})
	f.doc.Gives += "; of two numbers when given two"
	f.call = func(a []ref.Val) ref.Val {
		if len(a) == 1 {
			return over(a)
		}
		x, okX := number(a[0])
		y, okY := number(a[1])
		if !okX || !okY {
			return unknown("two numbers are needed")
		}
		if f.name == "min" {
			return types.Double(math.Min(x, y))
		}
		return types.Double(math.Max(x, y))
	}
	return f
}

func emptyList(v ref.Val) (bool, error) {
	plain, err := toPlain(v)
	if err != nil {
		return false, err
	}
	list, ok := plain.([]any)
	return ok && len(list) == 0, nil
}

func isSeries(list []any) bool {
	if len(list) == 0 {
		return false
	}
	m, ok := list[0].(map[string]any)
	if !ok {
		return false
	}
	_, ok = m["points"]
	return ok
}

// points reads a series of one stream, a stream, or a list of numbers.
func points(v ref.Val) ([]point, error) {
	plain, err := toPlain(v)
	if err != nil {
		return nil, err
	}
	switch x := plain.(type) {
	case []any:
		if isSeries(x) {
			if len(x) > 1 {
				return nil, fmt.Errorf("there are %d series: say which, or sum them in the query", len(x))
			}
			return streamPoints(x[0])
		}
		if len(x) == 0 {
			return nil, fmt.Errorf("nothing to work on: the list is empty")
		}
		out := make([]point, 0, len(x))
		for i, item := range x {
			n, ok := plainNumber(item)
			if !ok {
				return nil, fmt.Errorf("item %d is not a number", i+1)
			}
			out = append(out, point{float64(i), n})
		}
		return out, nil
	case map[string]any:
		return streamPoints(x)
	}
	if n, ok := plainNumber(plain); ok {
		return []point{{0, n}}, nil
	}
	return nil, fmt.Errorf("neither a series nor a list of numbers")
}

func streamPoints(v any) ([]point, error) {
	m, _ := v.(map[string]any)
	list, ok := m["points"].([]any)
	if !ok || len(list) == 0 {
		return nil, fmt.Errorf("the series has no samples")
	}
	out := make([]point, 0, len(list))
	for _, item := range list {
		pair, ok := item.([]any)
		if !ok || len(pair) != 2 {
			return nil, fmt.Errorf("a sample is not a pair of time and value")
		}
		t, okT := plainNumber(pair[0])
		n, okN := plainNumber(pair[1])
		if !okT || !okN {
			return nil, fmt.Errorf("a sample is not a pair of numbers")
		}
		out = append(out, point{t, n})
	}
	return out, nil
}

// What a stream may have beside its labels and points.
const (
	// momentKey is when it was asked for: what it gives as recent is of then.
	momentKey = "moment"
	// usualKey is where its usual state ends, when that is earlier.
	usualKey = "usual_until"
)

// Asked marks every stream of a series with the moment (seconds since 1970) that
// it was asked for: what ended long before is not recent. Other values are
// returned as they are.
func Asked(value any, moment float64) any { return marked(value, momentKey, moment) }

// Usual marks every stream of a series: what earlier gives of it ends at the
// moment (seconds since 1970) at the latest. Other values are returned as they are.
func Usual(value any, until float64) any { return marked(value, usualKey, until) }

func marked(value any, key string, at float64) any {
	list, ok := value.([]any)
	if !ok || !isSeries(list) {
		return value
	}
	out := make([]any, len(list))
	for i, stream := range list {
		m, ok := stream.(map[string]any)
		if !ok {
			return value
		}
		m = maps.Clone(m)
		m[key] = at
		out[i] = m
	}
	return out
}

// markOf reads a mark; ok is false where there is none.
func markOf(v ref.Val, key string) (at float64, ok bool) {
	plain, err := toPlain(v)
	if err != nil {
		return 0, false
	}
	if list, ok := plain.([]any); ok && len(list) == 1 {
		plain = list[0]
	}
	m, _ := plain.(map[string]any)
	return plainNumber(m[key])
}

// late is how many steps the newest sample may be behind the moment.
const late = 2

// endOf is the moment that recent and earlier count from: that of the newest
// sample, or that of the question where the series ended long before it.
func endOf(v ref.Val, ps []point) float64 {
	newest := ps[len(ps)-1].t
	moment, ok := markOf(v, momentKey)
	if !ok || moment-newest <= late*steps.Spacing(plainPoints(ps)) {
		return newest
	}
	return moment
}

func plainNumber(v any) (float64, bool) {
	switch n := v.(type) {
	case float64:
		return n, true
	case int64:
		return float64(n), true
	case int:
		return float64(n), true
	}
	return 0, false
}

func sumOf(ps []point) float64 {
	total := 0.0
	for _, p := range ps {
		total += p.v
	}
	return total
}

func sorted(ps []point) []float64 {
	values := make([]float64, len(ps))
	for i, p := range ps {
		values[i] = p.v
	}
	sort.Float64s(values)
	return values
}

func quantile(values []float64, q float64) float64 {
	rank := q * float64(len(values)-1)
	low := int(math.Floor(rank))
	high := min(low+1, len(values)-1)
	return values[low] + (values[high]-values[low])*(rank-float64(low))
}

func slope(ps []point) (float64, error) {
	if len(ps) < 3 {
		return 0, fmt.Errorf("%d samples make no trend", len(ps))
	}
	var meanT, meanV float64
	for _, p := range ps {
		meanT += p.t / float64(len(ps))
		meanV += p.v / float64(len(ps))
	}
	var up, down float64
	for _, p := range ps {
		up += (p.t - meanT) * (p.v - meanV)
		down += (p.t - meanT) * (p.t - meanT)
	}
	if down == 0 {
		return 0, fmt.Errorf("all samples are of the same moment")
	}
	return up / down, nil
}

func counterIncrease(ps []point) (float64, error) {
	if len(ps) < 2 || ps[len(ps)-1].t <= ps[0].t {
		return 0, fmt.Errorf("a rate needs two samples")
	}
	increase := 0.0
	for i := 1; i < len(ps); i++ {
		if step := ps[i].v - ps[i-1].v; step >= 0 {
			increase += step
		} else {
			increase += ps[i].v
		}
	}
	return increase, nil
}

// onset is the first sample behind the clearest step.
func onset(ps []point) (float64, error) { return Onset(plainPoints(ps)) }

func plainPoints(ps []point) []evidence.Point {
	plain := make([]evidence.Point, len(ps))
	for i, p := range ps {
		plain[i] = evidence.Point{T: p.t, V: p.v}
	}
	return plain
}

// behind is the index of the first sample later than t.
func behind(ps []point, t float64) int {
	return sort.Search(len(ps), func(i int) bool { return ps[i].t > t })
}

// What lies before a step is the usual state where it is no mere beginning (own
// values: a service that has just started is at its usual level soon after).
const (
	leastUsual      = 6
	leastUsualShare = 0.2
)

// beforeStep is the part of a series before its last lasting step, or all of it
// where there is none or too little lies before it.
func beforeStep(ps []point) []point {
	cuts := steps.Steps(plainPoints(ps))
	if len(cuts) == 0 {
		return ps
	}
	n := behind(ps, cuts[len(cuts)-1].From)
	if n < leastUsual || float64(n) < leastUsualShare*float64(len(ps)) {
		return ps
	}
	return ps[:n]
}

// leastRecent is how many samples behind a step tell the level that it led to.
const leastRecent = 3

// stepped is the index of the first sample behind the last lasting step of a
// series; 0 where there is none, or too few samples behind it.
func stepped(ps []point) int {
	cuts := steps.Steps(plainPoints(ps))
	if len(cuts) == 0 {
		return 0
	}
	n := behind(ps, cuts[len(cuts)-1].From)
	if len(ps)-n < leastRecent {
		return 0
	}
	return n
}

// Onset is when a series takes its clearest step, in seconds since 1970: what
// expressions call onset. An error says that none is clear.
func Onset(series []evidence.Point) (float64, error) {
	i, err := steps.Split(series)
	if err != nil {
		return 0, err
	}
	return series[i].T, nil
}
