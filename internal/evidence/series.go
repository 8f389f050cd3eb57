package evidence

import (
	"math"
	"sort"
	"strings"
)

// Point is one sample of a time series: seconds since 1970 (UTC), and a value.
type Point struct{ T, V float64 }

// Stream is one time series: its labels and its points in order of time.
type Stream struct {
	Labels map[string]string
	Points []Point
}

// Vector turns streams into an evidence value: a list of
// {"labels": {…}, "points": [[t, v], …]}, ordered by labels. Points that are
// not finite numbers are dropped, since 0/0 is no data; a stream without any
// point left is dropped too.
func Vector(streams []Stream) []any {
	sorted := make([]Stream, len(streams))
	copy(sorted, streams)
	sort.SliceStable(sorted, func(i, j int) bool {
		return labelKey(sorted[i].Labels) < labelKey(sorted[j].Labels)
	})
	out := make([]any, 0, len(sorted))
	for _, s := range sorted {
		labels := make(map[string]any, len(s.Labels))
		for k, v := range s.Labels {
			labels[k] = v
		}
		points := make([]any, 0, len(s.Points))
		for _, p := range s.Points {
			if !math.IsNaN(p.V) && !math.IsInf(p.V, 0) {
				points = append(points, []any{p.T, p.V})
			}
		}
		if len(points) > 0 {
			out = append(out, map[string]any{"labels": labels, "points": points})
		}
	}
	return out
}

// Line is one log line: when (seconds since 1970; 0 if it bears no time), the
// text, and the labels that stream and parsers gave it.
type Line struct {
	T      float64
	Text   string
	Labels map[string]string
}

// Lines turns log lines into an evidence value: a list of
// {"at": t, "line": text, "labels": {…}} in the order given.
func Lines(lines []Line) []any {
	out := make([]any, 0, len(lines))
	for _, l := range lines {
		labels := make(map[string]any, len(l.Labels))
		for k, v := range l.Labels {
			labels[k] = v
		}
		out = append(out, map[string]any{"at": l.T, "line": l.Text, "labels": labels})
	}
	return out
}

func labelKey(labels map[string]string) string {
	keys := make([]string, 0, len(labels))
	for k := range labels {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	var b strings.Builder
	for _, k := range keys {
		b.WriteString(k + "\x00" + labels[k] + "\x01")
	}
	return b.String()
}

// Streams reads an evidence value that Vector made, also after it has been
// JSON: nil where it is no list of time series,
// or none has a point.
func Streams(value any) []Stream {
	list, _ := value.([]any)
	out := make([]Stream, 0, len(list))
	for _, item := range list {
		m, _ := item.(map[string]any)
		points, ok := m["points"].([]any)
		if !ok {
			return nil
		}
		s := Stream{Labels: map[string]string{}}
		labels, _ := m["labels"].(map[string]any)
		for k, v := range labels {
			s.Labels[k], _ = v.(string)
		}
		for _, p := range points {
			pair, _ := p.([]any)
			if len(pair) != 2 {
				return nil
			}
			t, okT := float(pair[0])
			v, okV := float(pair[1])
			if !okT || !okV {
				return nil
			}
			s.Points = append(s.Points, Point{T: t, V: v})
		}
		if len(s.Points) > 0 {
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

func float(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int64:
		return float64(v), true
	}
	return 0, false
}
