package chart

import (
	"fmt"
	"slices"
	"strings"

	"github.com/quellhq/quell/internal/evidence"
)

// line draws one series. Where samples are missing the line is broken: what
// was not seen is not drawn.
func (f frame) line(b *strings.Builder, i int, l Line) {
	points := f.seen(l.Points)
	if l.Dots {
		for _, p := range points {
			f.dot(b, i, p)
		}
	}
	var path strings.Builder
	for _, run := range unbroken(points) {
		if len(run) == 1 {
			if !l.Dots {
				f.dot(b, i, run[0])
			}
			continue
		}
		for j, p := range thinned(run, int(width)) {
			command := "L"
			if j == 0 {
				command = "M"
			}
			fmt.Fprintf(&path, "%s%s %s", command, n(f.x(p.T)), n(f.height(p.V)))
		}
	}
	if path.Len() > 0 {
		fmt.Fprintf(b, `<path class="line s%d" d="%s"/>`, i, path.String())
	}
}

func (f frame) dot(b *strings.Builder, i int, p evidence.Point) {
	fmt.Fprintf(b, `<circle class="dot s%d" cx="%s" cy="%s" r="2.6"/>`, i, n(f.x(p.T)), n(f.height(p.V)))
}

// seen are the points within the span of the chart.
func (f frame) seen(points []evidence.Point) []evidence.Point {
	from, to := seconds(f.From), seconds(f.To)
	return slices.DeleteFunc(slices.Clone(points), func(p evidence.Point) bool { return p.T < from || p.T > to })
}

// gap is how many usual steps may lie between two points of one line.
const gap = 3

// unbroken splits points where a gap says that some are missing.
func unbroken(points []evidence.Point) [][]evidence.Point {
	if len(points) < 2 {
		if len(points) == 0 {
			return nil
		}
		return [][]evidence.Point{points}
	}
	var steps []float64
	for i := 1; i < len(points); i++ {
		steps = append(steps, points[i].T-points[i-1].T)
	}
	slices.Sort(steps)
	usual := steps[len(steps)/2]
	var out [][]evidence.Point
	start := 0
	for i := 1; i < len(points); i++ {
		if points[i].T-points[i-1].T > gap*usual {
			out = append(out, points[start:i])
			start = i
		}
	}
	return append(out, points[start:])
}

// thinned keeps of many points the lowest and the highest of each stretch, so
// that no spike is lost.
func thinned(points []evidence.Point, most int) []evidence.Point {
	if len(points) <= most {
		return points
	}
	stretch := (2*len(points) + most - 1) / most
	var out []evidence.Point
	for start := 0; start < len(points); start += stretch {
		part := points[start:min(start+stretch, len(points))]
		low, high := 0, 0
		for i, p := range part {
			if p.V < part[low].V {
				low = i
			}
			if p.V > part[high].V {
				high = i
			}
		}
		out = append(out, part[min(low, high)])
		if low != high {
			out = append(out, part[max(low, high)])
		}
	}
	return out
}
