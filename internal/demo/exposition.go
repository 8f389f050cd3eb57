package demo

import (
	"fmt"
	"io"
	"sort"
	"strconv"
	"strings"
	"sync"
)

// The text form of Prometheus metrics, written by hand: three kinds of
// families are all that the shop needs, and the client library would be the
// larger part of the demo.

// family is one metric with its series. It is safe for concurrent use.
type family struct {
	name, kind, help string
	labels           []string
	bounds           []float64                                   // upper bounds of a histogram's buckets, in ascending order
	read             func(set func(v float64, labels ...string)) // of gauges that are read when asked for

	mu     sync.Mutex
	series map[string]*series
}

type series struct {
	labels  []string
	value   float64  // of a counter or gauge; the sum of a histogram
	count   uint64   // of a histogram
	buckets []uint64 // of a histogram, not cumulative
}

func (f *family) at(labels []string) *series {
	key := strings.Join(labels, "\x00")
	s := f.series[key]
	if s == nil {
		s = &series{labels: append([]string(nil), labels...), buckets: make([]uint64, len(f.bounds))}
		f.series[key] = s
	}
	return s
}

// add raises a counter.
func (f *family) add(v float64, labels ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at(labels).value += v
}

// observe counts a value into a histogram.
func (f *family) observe(v float64, labels ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.at(labels)
	s.value += v
	s.count++
	if i := sort.SearchFloat64s(f.bounds, v); i < len(f.bounds) {
		s.buckets[i]++
	}
}

// exposition is everything on /metrics.
type exposition struct{ families []*family }

func (e *exposition) counter(name, help string, labels ...string) *family {
	return e.add(&family{name: name, kind: "counter", help: help, labels: labels})
}

func (e *exposition) histogram(name, help string, bounds []float64, labels ...string) *family {
	return e.add(&family{name: name, kind: "histogram", help: help, labels: labels, bounds: bounds})
}

// gauge registers a value that read reports at the moment of asking.
func (e *exposition) gauge(name, kind, help string, labels []string, read func(set func(v float64, labels ...string))) {
	e.add(&family{name: name, kind: kind, help: help, labels: labels, read: read})
}

func (e *exposition) add(f *family) *family {
	f.labels = append([]string{"service"}, f.labels...)
	f.series = map[string]*series{}
	e.families = append(e.families, f)
	return f
}

// write prints all families, in the order of registration, their series sorted.
func (e *exposition) write(w io.Writer) error {
	var b strings.Builder
	for _, f := range e.families {
		f.write(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (f *family) write(b *strings.Builder) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.read != nil {
		clear(f.series)
		f.read(func(v float64, labels ...string) { f.at(labels).value = v })
	}
	if len(f.series) == 0 {
		return
	}
	fmt.Fprintf(b, "# HELP %s %s\n# TYPE %s %s\n", f.name, f.help, f.name, f.kind)
	keys := make([]string, 0, len(f.series))
	for k := range f.series {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		f.writeSeries(b, f.series[k])
	}
}

func (f *family) writeSeries(b *strings.Builder, s *series) {
	labels := f.labelText(s.labels)
	if f.kind != "histogram" {
		fmt.Fprintf(b, "%s{%s} %s\n", f.name, labels, number(s.value))
		return
	}
	var below uint64
	for i, bound := range f.bounds {
		below += s.buckets[i]
		fmt.Fprintf(b, "%s_bucket{%s,le=\"%s\"} %d\n", f.name, labels, number(bound), below)
	}
	fmt.Fprintf(b, "%s_bucket{%s,le=\"+Inf\"} %d\n", f.name, labels, s.count)
	fmt.Fprintf(b, "%s_sum{%s} %s\n%s_count{%s} %d\n", f.name, labels, number(s.value), f.name, labels, s.count)
}

func (f *family) labelText(values []string) string {
	pairs := make([]string, len(f.labels))
	for i, name := range f.labels {
		value := Name
		if i > 0 {
			value = values[i-1]
		}
		pairs[i] = name + `="` + labelEscape.Replace(value) + `"`
	}
	return strings.Join(pairs, ",")
}

var labelEscape = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
