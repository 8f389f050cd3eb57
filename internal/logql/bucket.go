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
	count, min, max float64
	sum, squares    exactSum
	first, last     float64
	firstAt, lastAt moment
	values          []float64 // only for quantiles and counters
	times           []int64   // of values, only for counters
}

func (b *bucket) add(v float64, at moment, keep bool) {
	if b.count == 0 {
		b.min, b.max, b.first, b.last, b.firstAt, b.lastAt = v, v, v, v, at, at
	}
	b.count++
	b.sum.add(v)
	b.squares.addSquare(v)
	b.min, b.max = math.Min(b.min, v), math.Max(b.max, v)
	if at.before(b.firstAt) {
		b.first, b.firstAt = v, at
	}
	if b.lastAt.before(at) {
		b.last, b.lastAt = v, at
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
	b.count += o.count
	b.sum.merge(o.sum)
	b.squares.merge(o.squares)
	b.min, b.max = math.Min(b.min, o.min), math.Max(b.max, o.max)
	if o.firstAt.before(b.firstAt) {
		b.first, b.firstAt = o.first, o.firstAt
	}
	if b.lastAt.before(o.lastAt) {
		b.last, b.lastAt = o.last, o.lastAt
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
	asked   []string // those of group that the query names in by (…)
	without bool
	perLine bool // the identity of a series is all labels of the line
	// The query itself speaks of __error__, so that it knows what it counts.
	knowsFaults bool
	series      map[string]*rangeSeries
	samples     int
	buckets     int
	limits      Limits
	key         []byte
	order       []int    // of the labels that make a series, where all of the line do
	values      [][]byte // of the group's labels, in the line at hand
	stream      *Stream  // for which quick was made, as the marker
	marker      *marker
	quick       *quick
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
	if g := j.node.Grouping; g != nil && !g.Without {
		j.asked = g.Labels
	}
	j.values = make([][]byte, len(group))
	if without {
		return
	}
	j.pipe.want = needed(j.pipe.log, group...)
	j.pipe.endEarly()
	j.knowsFaults = j.pipe.want[errorLabel] && j.node.Unwrap == nil
}

// add takes one record. Windows are open at the start: (t-range, t].
func (j *rangeJob) add(r *Record) error {
	back := int64(j.node.Back)
	age := j.grid.end - back - r.Time // from the newest point back
	if age < 0 || age >= int64(j.grid.steps-1)*j.grid.step+int64(j.node.Range) {
		return nil
	}
	if value, v := j.glance(r); v != broken {
		if v == no {
			return nil
		}
		return j.count(r, age, value)
	}
	if !j.pipe.run(r) {
		return nil
	}
	if j.pipe.labels.faulty() && !j.knowsFaults {
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
	for i, name := range j.group {
		j.values[i], _ = j.pipe.labels.get(name)
	}
	return j.count(r, age, value)
}

// sampled are the labels that a sample is made of.
func (j *rangeJob) sampled() []string {
	list := append([]string(nil), j.group...)
	if j.node.Unwrap != nil {
		list = append(list, j.node.Unwrap.Label)
	}
	return list
}

// glance takes the sample without the pipeline, where that is possible.
func (j *rangeJob) glance(r *Record) (float64, verdict) {
	if j.stream != r.Stream || j.marker != r.Marks.of {
		j.stream, j.marker, j.quick = r.Stream, r.Marks.of, newQuick(j, r.Stream, r.Marks.of)
	}
	if j.quick == nil {
		return 0, broken
	}
	value, v := j.quick.take(r.Line, r.Marks, j.values)
	if v == yes {
		j.pipe.counts.Selected++
		j.pipe.counts.Matched++
	}
	return value, v
}

// count adds a sample to the series that j.values name.
func (j *rangeJob) count(r *Record, age int64, value float64) error {
	s, err := j.find()
	if err != nil {
		return err
	}
	n := age / j.width
	b := s.buckets[n]
	if b == nil {
		if j.buckets++; j.buckets > j.limits.Buckets {
			return j.tooManyBuckets()
		}
		b = &bucket{}
		s.buckets[n] = b
	}
	counter := j.node.Op == "rate_counter"
	keep := counter || j.node.Op == "quantile_over_time"
	if keep {
		if j.samples++; j.samples > j.limits.Samples {
			return j.tooManySamples()
		}
	}
	b.add(value, moment{r.Time, r.Place}, keep)
	if counter {
		b.times = append(b.times, r.Time)
	}
	return nil
}

// merge takes over what another worker counted for the same node.
func (j *rangeJob) merge(o *rangeJob) error {
	j.pipe.counts.merge(&o.pipe.counts)
	j.pipe.meet(o.pipe)
	if j.samples += o.samples; j.samples > j.limits.Samples {
		return j.tooManySamples()
	}
	for key, from := range o.series {
		s := j.series[key]
		if s == nil {
			if len(j.series) >= j.limits.Series {
				return j.tooMany()
			}
			j.series[key] = from
			j.buckets += len(from.buckets)
			continue
		}
		for n, b := range from.buckets {
			if have := s.buckets[n]; have != nil {
				have.merge(b)
				continue
			}
			s.buckets[n] = b
			j.buckets++
		}
	}
	if j.buckets > j.limits.Buckets {
		return j.tooManyBuckets()
	}
	return nil
}

func (j *rangeJob) tooManyBuckets() error {
	return fmt.Errorf("more than %d points are needed: take a longer step, a shorter time or fewer series", j.limits.Buckets)
}

func (j *rangeJob) tooManySamples() error {
	return fmt.Errorf("%s over more than %d lines does not fit into memory: take a shorter time or filter more", j.node.Op, j.limits.Samples)
}

// tooMany names the label with the most values.
func (j *rangeJob) tooMany() error {
	labels := make([]map[string]string, 0, len(j.series))
	for _, s := range j.series {
		labels = append(labels, s.labels)
	}
	return tooManySeries(j.limits.Series, labels)
}

// tooManySeries refuses an answer and names the label that makes it so wide.
func tooManySeries(most int, series []map[string]string) error {
	values := map[string]map[string]bool{}
	for _, labels := range series {
		for name, v := range labels {
			if values[name] == nil {
				values[name] = map[string]bool{}
			}
			values[name][v] = true
		}
	}
	worst := ""
	for _, name := range sortedNames(values) {
		if worst == "" || len(values[name]) > len(values[worst]) {
			worst = name
		}
	}
	return fmt.Errorf("more than %d series: the label %s has the most values; group by labels with few values, or keep the largest with topk(10, …)", most, worst)
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
				if v, ok := counterRate(&sum, j.node.Range); ok {
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
		return b.sum.value() / seconds
	case "avg_over_time":
		return b.sum.value() / b.count
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
		return variance(b.count, b.sum, b.squares)
	case "stddev_over_time":
		return math.Sqrt(variance(b.count, b.sum, b.squares))
	}
	return b.sum.value() // bytes_over_time, sum_over_time
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
