package chart

import (
	"fmt"
	"html"
	"slices"
	"strings"
)

// placed is a mark with the row that its sign stands in, 0 at the plot.
type placed struct {
	Mark
	x, centre float64
	row       int
}

// place puts the signs of marks above the plot, in as many rows as it takes
// for none to touch another.
func (f frame) place() (out []placed, rows int) {
	marks := slices.Clone(f.Marks)
	slices.SortStableFunc(marks, func(a, b Mark) int { return a.At.Compare(b.At) })
	var ends []float64 // of each row
	for _, m := range marks {
		if m.At.Before(f.From) || m.At.After(f.To) {
			continue
		}
		x := f.x(seconds(m.At))
		centre := min(max(x, badge/2), width-badge/2)
		row := 0
		for row < len(ends) && ends[row] > centre-badge/2-between {
			row++
		}
		if row == len(ends) {
			ends = append(ends, 0)
		}
		ends[row] = centre + badge/2
		out = append(out, placed{Mark: m, x: x, centre: centre, row: row})
	}
	return out, len(ends)
}

// markLines are drawn below the series, signs above everything.
func (f frame) markLines(b *strings.Builder) {
	for _, p := range f.placed {
		fmt.Fprintf(b, `<line class="mark %s" x1="%s" y1="%s" x2="%s" y2="%s"/>`, p.Kind, n(p.x), n(f.signAt(p.row)+badge/2), n(p.x), n(f.top+plot))
	}
}

func (f frame) badges(b *strings.Builder) {
	for _, p := range f.placed {
		y := f.signAt(p.row)
		fmt.Fprintf(b, `<g class="sign %s"><title>%s</title><circle cx="%s" cy="%s" r="%s"/><text x="%s" y="%s" text-anchor="middle">%s</text></g>`,
			p.Kind, html.EscapeString(p.About), n(p.centre), n(y), n(badge/2), n(p.centre), n(y+3.6), html.EscapeString(p.Sign))
	}
}

// signAt is the middle of a row of signs.
func (f frame) signAt(row int) float64 {
	return f.top - between - badge/2 - float64(row)*(badge+between)
}
