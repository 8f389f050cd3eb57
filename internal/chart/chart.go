// Package chart draws time series as small pictures: SVG text made from points
// and from nothing else, without scripts, fonts or outside files. The same
// chart is the same text, byte for byte. Colours come from the page (see
// Style), so that a chart is as dark, light or printable as what is around it.
package chart

import (
	"fmt"
	"html"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/evidence"
)

// Chart is some lines over one span of time.
type Chart struct {
	Title    string // for those who cannot see it
	Unit     Unit
	From, To time.Time // of the axis; the same for charts that are compared
	Lines    []Line    // at most MostLines are drawn
	Marks    []Mark    // what happened meanwhile
	Shade    Span      // time in which things were wrong; may be empty
}

// MostLines is how many lines a chart has at most: more cannot be told apart.
const MostLines = 6

// Line is one series.
type Line struct {
	Points []evidence.Point // in order of time
	Dots   bool             // samples that stand apart rather than a line
}

// Mark is a moment, drawn as a numbered vertical line.
type Mark struct {
	At    time.Time
	Sign  string // one or two characters: "3"
	About string // what a reader sees who points at it
	Kind  string // a class: good, bad, doubt, act, or empty
}

// Span is a stretch of time.
type Span struct{ From, To time.Time }

// The sizes of a chart, in its own units: about a pixel where it is as wide as
// it likes to be.
const (
	width   = 480.0
	plot    = 150.0 // height of the part with the lines
	right   = 18.0
	below   = 24.0 // for the times
	letter  = 6.1  // width of a character of the labels, at most
	badge   = 16.0 // of a mark's sign
	between = 2.0
)

// frame is where the parts of a chart stand.
type frame struct {
	Chart
	left, top float64
	y         axis
	placed    []placed
}

// SVG draws the chart.
func (c Chart) SVG() string {
	if len(c.Lines) > MostLines {
		c.Lines = c.Lines[:MostLines]
	}
	if !c.To.After(c.From) {
		c.To = c.From.Add(time.Minute)
	}
	f := frame{Chart: c, y: newAxis(c.Lines, c.Unit), left: 28}
	for _, t := range f.y.ticks {
		f.left = max(f.left, letter*float64(len([]rune(t.label)))+12)
	}
	var rows int
	f.placed, rows = f.place()
	f.top = 8 + float64(rows)*(badge+between)
	var b strings.Builder
	height := f.top + plot + below
	fmt.Fprintf(&b, `<svg class="chart" viewBox="0 0 %s %s" role="img" aria-label="%s" xmlns="http://www.w3.org/2000/svg">`, n(width), n(height), html.EscapeString(c.Title))
	f.shade(&b)
	f.grid(&b)
	f.times(&b)
	f.markLines(&b)
	for i, l := range c.Lines {
		f.line(&b, i, l)
	}
	f.badges(&b)
	b.WriteString("</svg>")
	return b.String()
}

func (f frame) shade(b *strings.Builder) {
	from, to := f.x(seconds(f.Shade.From)), f.x(seconds(f.Shade.To))
	if f.Shade.From.IsZero() || !f.Shade.To.After(f.Shade.From) || to <= f.left {
		return
	}
	from = max(from, f.left)
	fmt.Fprintf(b, `<rect class="shade" x="%s" y="%s" width="%s" height="%s"/>`, n(from), n(f.top), n(min(to, width-right)-from), n(plot))
}

// grid is the lines of the value axis with their labels.
func (f frame) grid(b *strings.Builder) {
	for _, t := range f.y.ticks {
		y := f.height(t.at)
		fmt.Fprintf(b, `<line class="grid" x1="%s" y1="%s" x2="%s" y2="%s"/>`, n(f.left), n(y), n(width-right), n(y))
		fmt.Fprintf(b, `<text class="label" x="%s" y="%s" text-anchor="end">%s</text>`, n(f.left-7), n(y+3.5), html.EscapeString(t.label))
	}
}

// times is the time axis.
func (f frame) times(b *strings.Builder) {
	bottom := f.top + plot
	fmt.Fprintf(b, `<line class="axis" x1="%s" y1="%s" x2="%s" y2="%s"/>`, n(f.left), n(bottom), n(width-right), n(bottom))
	for _, t := range timeTicks(f.From, f.To, width-right-f.left) {
		x := f.x(seconds(t.at))
		half := letter * float64(len(t.label)) / 2
		if x-half < 0 || x+half > width {
			continue // half of its label would be cut off
		}
		fmt.Fprintf(b, `<line class="axis" x1="%s" y1="%s" x2="%s" y2="%s"/>`, n(x), n(bottom), n(x), n(bottom+4))
		fmt.Fprintf(b, `<text class="label" x="%s" y="%s" text-anchor="middle">%s</text>`, n(x), n(bottom+17), t.label)
	}
}

// x is where a time stands, in seconds since 1970.
func (f frame) x(t float64) float64 {
	from, to := seconds(f.From), seconds(f.To)
	return f.left + (width-right-f.left)*(t-from)/(to-from)
}

// height is where a value stands.
func (f frame) height(v float64) float64 {
	v = min(max(v, f.y.low), f.y.high) // beyond is only what no axis can reckon with
	return f.top + plot*(1-(v-f.y.low)/(f.y.high-f.y.low))
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// n writes a coordinate: a tenth of a pixel is finer than any eye.
func n(v float64) string {
	text := fmt.Sprintf("%.1f", v)
	if text == "-0.0" {
		return "0"
	}
	return strings.TrimSuffix(text, ".0")
}
