package logql

import (
	"fmt"
	"math"
	"sort"
	"time"
)

// grid is the times of a metric query's answer: steps points, the last at end.
type grid struct {
	end   int64 // nanoseconds
	step  int64
	steps int
}

func (g grid) at(i int) int64 { return g.end - int64(g.steps-1-i)*g.step }

// bucket holds the samples of one stretch of time in one series.
type bucket struct {
	count, sum, min, max float64
	spread               float64 // sum of squared distances from the mean
	first, last          float64
	firstT, lastT        int64
	values               []float64 // only for quantiles and counters
	times                []int64   // of values, only for counters
}

func (b *bucket) add(v float64, t int64, keep bool) {
	if b.count == 0 {
		b.min, b.max, b.first, b.last, b.firstT, b.lastT = v, v, v, v, t, t
	}
	if b.count > 0 {
		d := v - b.sum/b.count
		b.spread += d * d * b.count / (b.count + 1)
	}
	b.count++
	b.sum += v
	b.min, b.max = math.Min(b.min, v), math.Max(b.max, v)
	if t < b.firstT {
		b.first, b.firstT = v, t
	}
	if t >= b.lastT {
		b.last, b.lastT = v, t
	}
	if keep {
		b.values = append(b.values, v)
	}
}

func (b *bucket) merge(o *bucket) {
	values, times := append(b.values, o.values...), append(b.times, o.times...)
	if b.count == 0 {
		*b = *o
		b.values, b.times = values, times
		return
	}
	d := o.sum/o.count - b.sum/b.count
	b.spread += o.spread + d*d*b.count*o.count/(b.count+o.count)
	b.count += o.count
	b.sum += o.sum
	b.min, b.max = math.Min(b.min, o.min), math.Max(b.max, o.max)
	if o.firstT < b.firstT {
		b.first, b.firstT = o.first, o.firstT
	}
	if o.lastT >= b.lastT {
		b.last, b.lastT = o.last, o.lastT
	}
	b.values, b.times = values, times
}

// rangeSeries is one series of a range aggregation while lines come in. Its
// buckets are as long as the greatest length of which both the step and the
// range are multiples, so that every window is a whole number of buckets.
type rangeSeries struct {
	labels  map[string]string
	buckets map[int64]*bucket // by number, counted back from the end
}

type rangeJob struct {
	node    *Range
	pipe    *pipeline
	grid    grid
	width   int64 // of a bucket, in nanoseconds
	group   []string
	without bool
	perLine bool // the identity of a series is all labels of the line
	series  map[string]*rangeSeries
	samples int
	buckets int
	limits  Limits
	key     []byte
}

func newRangeJob(node *Range, g grid, limits Limits) (*rangeJob, error) {
	log := &Log{Dialect: node.Log.Dialect, Matchers: node.Log.Matchers, Offset: node.Log.Offset}
	log.Stages = append(log.Stages, node.Log.Stages...)
	if node.Unwrap != nil {
		log.Stages = append(log.Stages, node.Unwrap)
	}
	log.Stages = append(log.Stages, node.After...)
	pipe, err := compilePipeline(log)
	if err != nil {
		return nil, err
	}
	j := &rangeJob{node: node, pipe: pipe, grid: g, limits: limits, series: map[string]*rangeSeries{}}
	j.width = gcd(int64(node.Range), g.step)
	if g.steps == 1 {
		j.width = int64(node.Range)
	}
	return j, nil
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// identity says which labels make a series of its own.
func (j *rangeJob) identity(group []string, without bool) {
	j.group, j.without, j.perLine = group, without, without
	if without {
		return
	}
	j.pipe.want = needed(j.pipe.log, group...)
}

// add takes one record. Windows are open at the start: (t-range, t].
func (j *rangeJob) add(r *Record) error {
	back := int64(j.node.Back)
	age := j.grid.end - back - r.Time // from the newest point back
	if age < 0 || age >= int64(j.grid.steps-1)*j.grid.step+int64(j.node.Range) {
		return nil
	}
	if !j.pipe.run(r) {
		return nil
	}
	if j.pipe.labels.faulty() {
		fault, _ := j.pipe.labels.get(errorLabel)
		return j.pipelineError(fault)
	}
	value := 1.0
	switch {
	case j.node.Unwrap != nil:
		value = j.pipe.value
	case j.node.Op == "bytes_over_time" || j.node.Op == "bytes_rate":
		value = float64(len(j.pipe.line))
	}
	s, err := j.find()
	if err != nil {
		return err
	}
	n := age / j.width
	b := s.buckets[n]
	if b == nil {
		if j.buckets++; j.buckets > j.limits.Buckets {
			return fmt.Errorf("more than %d points are needed: take a longer step, a shorter time or fewer series", j.limits.Buckets)
		}
		b = &bucket{}
		s.buckets[n] = b
	}
	counter := j.node.Op == "rate_counter"
	keep := counter || j.node.Op == "quantile_over_time"
	if keep {
		if j.samples++; j.samples > j.limits.Samples {
			return fmt.Errorf("%s over more than %d lines does not fit into memory: take a shorter time or filter more", j.node.Op, j.limits.Samples)
		}
	}
	b.add(value, r.Time, keep)
	if counter {
		b.times = append(b.times, r.Time)
	}
	return nil
}

func (j *rangeJob) find() (*rangeSeries, error) {
	l := j.pipe.labels
	j.key = j.key[:0]
	if !j.perLine {
		for _, name := range j.group {
			v, _ := l.get(name)
			j.key = append(append(j.key, v...), 0)
		}
		if s, ok := j.series[string(j.key)]; ok {
			return s, nil
		}
	}
	labels := map[string]string{}
	if j.perLine {
		for i, name := range l.names {
			if len(l.values[i]) > 0 && !(j.node.Unwrap != nil && name == j.node.Unwrap.Label) {
				labels[name] = string(l.values[i])
			}
		}
		for _, name := range j.group {
			delete(labels, name)
		}
		j.key = append(j.key, labelsKey(labels)...)
		if s, ok := j.series[string(j.key)]; ok {
			return s, nil
		}
	} else {
		for _, name := range j.group {
			if v, ok := l.get(name); ok && len(v) > 0 {
				labels[name] = cut(v, maxLabelShown)
			}
		}
	}
	if len(j.series) >= j.limits.Series {
		return nil, j.tooMany()
	}
	s := &rangeSeries{labels: labels, buckets: map[int64]*bucket{}}
	j.series[string(j.key)] = s
	return s, nil
}

// tooMany names the label with the most values.
func (j *rangeJob) tooMany() error {
	values := map[string]map[string]bool{}
	for _, s := range j.series {
		for name, v := range s.labels {
			if values[name] == nil {
				values[name] = map[string]bool{}
			}
			values[name][v] = true
		}
	}
	worst := ""
	for name := range values {
		if worst == "" || len(values[name]) > len(values[worst]) || len(values[name]) == len(values[worst]) && name < worst {
			worst = name
		}
	}
	return fmt.Errorf("more than %d series: the label %s alone has %d values; group by labels with few values", j.limits.Series, worst, len(values[worst]))
}

// points folds the buckets into one value for each step.
func (j *rangeJob) points() []series {
	out := make([]series, 0, len(j.series))
	seconds := j.node.Range.Seconds()
	for _, s := range j.series {
		one := newSeries(s.labels, j.grid.steps)
		for i := range j.grid.steps {
			from := (j.grid.end - j.grid.at(i)) / j.width // the newest bucket of the window
			upTo := from + int64(j.node.Range)/j.width
			var sum bucket
			// Fewer buckets than steps of the window: go through those there are.
			if int64(len(s.buckets)) < upTo-from {
				for _, n := range sortedKeys(s.buckets) {
					if n >= from && n < upTo {
						sum.merge(s.buckets[n])
					}
				}
			} else {
				for n := from; n < upTo; n++ {
					if b := s.buckets[n]; b != nil {
						sum.merge(b)
					}
				}
			}
			if j.node.Op == "rate_counter" {
				if v, ok := counterRate(&sum, j.grid.at(i)-int64(j.node.Back), j.node.Range); ok {
					one.set(i, v)
				}
			} else if sum.count > 0 {
				one.set(i, j.node.value(&sum, seconds))
			}
		}
		out = append(out, one)
	}
	sortSeries(out)
	return out
}

func sortedKeys(buckets map[int64]*bucket) []int64 {
	keys := make([]int64, 0, len(buckets))
	for k := range buckets {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(a, b int) bool { return keys[a] < keys[b] })
	return keys
}

func (r *Range) value(b *bucket, seconds float64) float64 {
	switch r.Op {
	case "count_over_time":
		return b.count
	case "rate", "bytes_rate":
		return b.sum / seconds
	case "avg_over_time":
		return b.sum / b.count
	case "min_over_time":
		return b.min
	case "max_over_time":
		return b.max
	case "first_over_time":
		return b.first
	case "last_over_time":
		return b.last
	case "quantile_over_time":
		return quantile(r.Param, b.values)
	case "stdvar_over_time":
		return b.spread / b.count
	case "stddev_over_time":
		return math.Sqrt(b.spread / b.count)
	}
	return b.sum // bytes_over_time, sum_over_time
}

// quantile interpolates linearly between the nearest ranks, as Prometheus does.
func quantile(q float64, values []float64) float64 {
	sorted := append([]float64(nil), values...)
	sort.Float64s(sorted)
	rank := q * float64(len(sorted)-1)
	low := int(math.Floor(rank))
	high := min(low+1, len(sorted)-1)
	weight := rank - float64(low)
	return sorted[low]*(1-weight) + sorted[high]*weight
}

// makeGrid lays the points so that the last stands at the end of the window, or
// the first at its start.
func makeGrid(end time.Time, since, step time.Duration, fromStart bool) grid {
	g := grid{end: end.UnixNano(), step: int64(step), steps: 1}
	if step > 0 && since > 0 {
		g.steps = int(since/step) + 1
		if fromStart {
			g.end -= int64(since % step)
		}
	}
	return g
}
