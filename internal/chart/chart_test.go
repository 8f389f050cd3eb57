package chart_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/quellhq/quell/internal/chart"
	"github.com/quellhq/quell/internal/evidence"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func line(step time.Duration, values ...float64) chart.Line {
	var l chart.Line
	for i, v := range values {
		l.Points = append(l.Points, evidence.Point{T: float64(noon.Add(step * time.Duration(i)).Unix()), V: v})
	}
	return l
}

// element is one element of a drawing.
type element struct {
	name string
	attr map[string]string
	text string
}

func (e element) number(t require.TestingT, name string) float64 {
	v, err := strconv.ParseFloat(e.attr[name], 64)
	require.NoErrorf(t, err, "%s of %v", name, e)
	return v
}

// read parses a drawing, which must be well-formed XML.
func read(t require.TestingT, svg string) (out []element) {
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return out
		}
		require.NoError(t, err, svg)
		switch token := token.(type) {
		case xml.StartElement:
			e := element{name: token.Name.Local, attr: map[string]string{}}
			for _, a := range token.Attr {
				e.attr[a.Name.Local] = a.Value
			}
			out = append(out, e)
		case xml.CharData:
			out[len(out)-1].text += string(token)
		}
	}
}

// labels are the texts on the value axis, lowest first, or on the time axis.
func labels(t require.TestingT, svg, anchor string) (out []string) {
	for _, e := range read(t, svg) {
		if e.name == "text" && e.attr["class"] == "label" && e.attr["text-anchor"] == anchor {
			out = append(out, strings.ReplaceAll(e.text, "\u2009", " "))
		}
	}
	return out
}

func TestTheValueAxisIsRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		unit   chart.Unit
		values []float64
		want   []string
	}{
		"small numbers":             {chart.Number, []float64{3, 12}, []string{"0", "2.5", "5.0", "7.5", "10.0", "12.5"}},
		"thousands":                 {chart.Number, []float64{3000}, []string{"0", "1 000", "2 000", "3 000"}},
		"millions":                  {chart.Number, []float64{4e6}, []string{"0", "1M", "2M", "3M", "4M"}},
		"milliseconds":              {chart.Seconds, []float64{0.02, 0.18}, []string{"0 ms", "50 ms", "100 ms", "150 ms", "200 ms"}},
		"seconds":                   {chart.Seconds, []float64{5}, []string{"0 s", "1 s", "2 s", "3 s", "4 s", "5 s"}},
		"minutes":                   {chart.Seconds, []float64{290}, []string{"0 min", "1 min", "2 min", "3 min", "4 min", "5 min"}},
		"bytes":                     {chart.Bytes, []float64{3 << 20}, []string{"0 MiB", "1 MiB", "2 MiB", "3 MiB"}},
		"ratios":                    {chart.Ratio, []float64{0.001, 0.043}, []string{"0 %", "1 %", "2 %", "3 %", "4 %", "5 %"}},
		"rates":                     {chart.PerSecond, []float64{42}, []string{"0/s", "10/s", "20/s", "30/s", "40/s", "50/s"}},
		"below zero":                {chart.Number, []float64{-4, 6}, []string{"-4", "-2", "0", "2", "4", "6"}},
		"nothing but zero":          {chart.Number, []float64{0, 0}, []string{"0", "0.2", "0.4", "0.6", "0.8", "1.0"}},
		"percent, nothing but zero": {chart.Percent, []float64{0}, []string{"0 %", "20 %", "40 %", "60 %", "80 %", "100 %"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			svg := chart.Chart{Unit: c.unit, From: noon, To: noon.Add(time.Hour), Lines: []chart.Line{line(time.Minute, c.values...)}}.SVG()
			require.Equal(t, c.want, labels(t, svg, "end"))
		})
	}
}

func TestTheTimeAxisIsRead(t *testing.T) {
	t.Parallel()
	for span, want := range map[time.Duration][]string{
		20 * time.Second:    {"12:00:00", "12:00:05", "12:00:10", "12:00:15"},
		30 * time.Minute:    {"12:00", "12:05", "12:10", "12:15", "12:20", "12:25", "12:30"},
		20 * time.Hour:      {"12:00", "15:00", "18:00", "21:00", "2 Jan", "03:00", "06:00"},
		10 * 24 * time.Hour: {"3 Jan", "5 Jan", "7 Jan", "9 Jan", "11 Jan"},
	} {
		t.Run(span.String(), func(t *testing.T) {
			t.Parallel()
			svg := chart.Chart{From: noon, To: noon.Add(span), Lines: []chart.Line{line(span/2, 1, 2, 3)}}.SVG()
			require.Equal(t, want, labels(t, svg, "middle"))
		})
	}
}

func TestALineIsBrokenWhereNothingWasSeen(t *testing.T) {
	t.Parallel()
	l := line(15*time.Second, 1, 2, 3, 4, 5, 6)
	l.Points[4].T += 600
	l.Points[5].T += 600
	path := ""
	for _, e := range read(t, chart.Chart{From: noon, To: noon.Add(time.Hour), Lines: []chart.Line{l}}.SVG()) {
		if e.name == "path" {
			path = e.attr["d"]
		}
	}
	require.Equal(t, 2, strings.Count(path, "M"))
}

func TestASpikeIsSeenAmongManySamples(t *testing.T) {
	t.Parallel()
	values := make([]float64, 5000)
	values[1234] = 80
	svg := chart.Chart{From: noon, To: noon.Add(5000 * time.Second), Lines: []chart.Line{line(time.Second, values...)}}.SVG()
	require.Less(t, len(svg), 20_000)
	top := math.Inf(1)
	for _, e := range read(t, svg) {
		if e.name != "path" {
			continue
		}
		for _, point := range strings.FieldsFunc(e.attr["d"], func(r rune) bool { return r == 'M' || r == 'L' }) {
			_, y, _ := strings.Cut(point, " ")
			v, err := strconv.ParseFloat(y, 64)
			require.NoError(t, err)
			top = min(top, v)
		}
	}
	require.Equal(t, 8.0, top, "80 is the top of the axis")
}

func TestWhatIsWrittenIsText(t *testing.T) {
	t.Parallel()
	evil := `"><script>alert(1)</script>`
	svg := chart.Chart{Title: evil, From: noon, To: noon.Add(time.Hour), Marks: []chart.Mark{{At: noon, Sign: "<", About: evil}}}.SVG()
	for _, e := range read(t, svg) {
		require.NotEqual(t, "script", e.name)
	}
}

// Whatever is drawn: it is well-formed, nothing lies outside the picture, no
// sign covers another, and no label another of its axis.
func TestNothingOverlaps(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := chart.Chart{
			From: noon, To: noon.Add(time.Duration(rapid.IntRange(0, 300_000).Draw(t, "span")) * time.Second),
			Unit: rapid.SampledFrom([]chart.Unit{chart.Number, chart.Seconds, chart.Bytes, chart.Ratio, chart.Percent, chart.PerSecond}).Draw(t, "unit"),
		}
		value := rapid.OneOf(rapid.Float64Range(0, 1), rapid.Float64Range(-1e6, 1e9), rapid.Float64().Filter(func(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }))
		for range rapid.IntRange(0, 3).Draw(t, "lines") {
			c.Lines = append(c.Lines, line(time.Duration(rapid.IntRange(1, 600).Draw(t, "step"))*time.Second, rapid.SliceOfN(value, 0, 20).Draw(t, "values")...))
		}
		for i := range rapid.IntRange(0, 12).Draw(t, "marks") {
			c.Marks = append(c.Marks, chart.Mark{At: noon.Add(time.Duration(rapid.IntRange(-10, 2000).Draw(t, "at")) * time.Second), Sign: fmt.Sprint(i + 1)})
		}
		check(t, c.SVG())
		require.Equal(t, c.SVG(), c.SVG())
	})
}

func check(t require.TestingT, svg string) {
	list := read(t, svg)
	size := strings.Fields(list[0].attr["viewBox"])
	w, _ := strconv.ParseFloat(size[2], 64)
	h, _ := strconv.ParseFloat(size[3], 64)
	type box struct{ x1, y1, x2, y2 float64 }
	var signs, texts []box
	for _, e := range list {
		switch {
		case e.name == "circle" && e.attr["class"] == "":
			x, y, r := e.number(t, "cx"), e.number(t, "cy"), e.number(t, "r")
			signs = append(signs, box{x - r, y - r, x + r, y + r})
		case e.name == "text" && e.attr["class"] == "label":
			x, y, length := e.number(t, "x"), e.number(t, "y"), 6.0*float64(len([]rune(e.text)))
			if e.attr["text-anchor"] == "end" {
				texts = append(texts, box{x - length, y - 10, x, y})
			} else {
				texts = append(texts, box{x - length/2, y - 10, x + length/2, y})
			}
		case e.name == "path":
			require.NotContains(t, e.attr["d"], "NaN")
			require.NotContains(t, e.attr["d"], "Inf")
		}
	}
	for _, boxes := range [][]box{signs, texts} {
		for i, a := range boxes {
			require.Truef(t, a.x1 >= -6 && a.y1 >= -1 && a.x2 <= w+1 && a.y2 <= h+1, "%v is outside of %v", a, size)
			for _, b := range boxes[:i] {
				apart := a.x2 <= b.x1+0.2 || b.x2 <= a.x1+0.2 || a.y2 <= b.y1+0.2 || b.y2 <= a.y1+0.2
				require.Truef(t, apart, "%v covers %v: %s", a, b, svg)
			}
		}
	}
}

func TestAValueInASentence(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]struct {
		unit chart.Unit
		v    float64
	}{
		"0": {chart.Number, 0}, "12": {chart.Number, 12}, "1 234": {chart.Number, 1234}, "0.25": {chart.Number, 0.25}, "-3.5": {chart.Number, -3.5},
		"1.2 s": {chart.Seconds, 1.2}, "87 ms": {chart.Seconds, 0.087}, "4.33 %": {chart.Ratio, 0.043333}, "100 %": {chart.Ratio, 1},
		"0.102 %": {chart.Ratio, 0.00102}, "3.5 MiB": {chart.Bytes, 3.5 * (1 << 20)}, "12/s": {chart.PerSecond, 12},
	} {
		require.Equal(t, want, strings.ReplaceAll(c.unit.Text(c.v), "\u2009", " "))
	}
}
