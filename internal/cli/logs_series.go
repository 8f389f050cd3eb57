package cli

import (
	"bufio"
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/app"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/logql"
)

// series prints a metric query's answer: one value for each series as a table;
// several as a row with a small chart on a terminal, and a line for each point
// in a pipe.
func (v logsShow) series(a app.LogAnswer) {
	w := bufio.NewWriter(v.out)
	defer func() { _ = w.Flush() }() // output remembers the error
	list := ranked(v.query, a.Series)
	terminal, width := isTerminal(v.out)
	switch {
	case a.Step == 0:
		write := exact
		if terminal {
			write = figure
		}
		table(w, list, write)
	case terminal:
		v.charts(w, list, a, width)
	default:
		for _, s := range list {
			for _, p := range s.Points {
				fmt.Fprintln(w, strings.TrimRight(clock(timeOf(p.T), v.zone)+"\t"+exact(p.V)+"\t"+labelText(s.Labels), "\t"))
			}
		}
	}
}

// ranked puts series in the order in which people look for them: the largest
// value first, for bottomk the smallest. sort and sort_desc keep theirs.
func ranked(q logql.Query, list []evidence.Stream) []evidence.Stream {
	op := ""
	if agg, ok := q.Root.(*logql.Aggregate); ok {
		op = agg.Op
	}
	if op == "sort" || op == "sort_desc" {
		return list
	}
	out := append([]evidence.Stream(nil), list...)
	last := func(s evidence.Stream) float64 {
		if len(s.Points) == 0 {
			return math.Inf(-1)
		}
		return s.Points[len(s.Points)-1].V
	}
	sort.SliceStable(out, func(i, j int) bool {
		if a, b := last(out[i]), last(out[j]); a != b {
			return a > b != (op == "bottomk")
		}
		return labelText(out[i].Labels) < labelText(out[j].Labels)
	})
	return out
}

// table prints a value and its labels, the values under one another.
func table(w *bufio.Writer, list []evidence.Stream, write func(float64) string) {
	wide := 0
	values := make([]string, len(list))
	for i, s := range list {
		if n := len(s.Points); n > 0 {
			values[i] = write(s.Points[n-1].V)
		}
		wide = max(wide, len(values[i]))
	}
	for i, s := range list {
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("%*s  %s", wide, values[i], labelText(s.Labels)), " "))
	}
}

// exact writes a number so that a program reads back the same.
func exact(v float64) string {
	if a := math.Abs(v); a == 0 || a >= 1e-6 && a < 1e21 {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// figure writes a number as people read it: six digits tell enough, but what
// stands before the point is never rounded away.
func figure(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	if a := math.Abs(v); a >= 1e5 && a < 1e15 {
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	text := strconv.FormatFloat(v, 'g', 6, 64)
	if f, err := strconv.ParseFloat(text, 64); err == nil && math.Abs(f) >= 1e-6 && math.Abs(f) < 1e15 {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return text
}

// charts prints a row for each series: its course, its extremes, its labels.
func (v logsShow) charts(w *bufio.Writer, list []evidence.Stream, a app.LogAnswer, width int) {
	cells := 60
	if width > 0 {
		cells = min(max(width-50, 20), 120)
	}
	paint := painter(colored(v.out))
	rows := [][3]string{{"min", "max", "last"}}
	for _, s := range list {
		low, high, last := extremes(s.Points)
		rows = append(rows, [3]string{short(low), short(high), short(last)})
	}
	var wide [3]int
	for _, r := range rows {
		for i, text := range r {
			wide[i] = max(wide[i], len(text))
		}
	}
	figures := func(r [3]string) string {
		return fmt.Sprintf("%*s  %*s  %*s", wide[0], r[0], wide[1], r[1], wide[2], r[2])
	}
	head := fmt.Sprintf("%-*s%s", cells-8, a.From.In(v.zone).Format("15:04:05"), a.Until.In(v.zone).Format("15:04:05"))
	fmt.Fprintln(w, paint("2", head+"  "+figures(rows[0])))
	for i, s := range list {
		fmt.Fprintf(w, "%s  %s  %s\n", paint("36", sparkline(s.Points, a.From, a.Until, a.Step, cells)), figures(rows[i+1]), labelText(s.Labels))
	}
}

// short is a number for the margin of a chart: three digits tell enough.
func short(v float64) string {
	if math.Abs(v) >= 100 || v == math.Trunc(v) {
		return figure(math.Round(v))
	}
	f, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 3, 64), 64)
	return figure(f)
}

func extremes(points []evidence.Point) (low, high, last float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, p := range points {
		low, high, last = math.Min(low, p.V), math.Max(high, p.V), p.V
	}
	return low, high, last
}

// sparkline draws the greatest value of each stretch of time; a stretch without
// a point stays blank, since no line is not the same as zero.
func sparkline(points []evidence.Point, from, until time.Time, step time.Duration, cells int) string {
	span := until.Sub(from).Seconds()
	if span <= 0 || cells < 1 {
		return ""
	}
	start := float64(from.UnixMicro()) / 1e6
	highest := make([]float64, cells)
	seen := make([]bool, cells)
	top := 0.0
	for _, p := range points {
		i := min(max(int((p.T-start)/span*float64(cells)), 0), cells-1)
		if !seen[i] || p.V > highest[i] {
			highest[i], seen[i] = p.V, true
		}
		top = math.Max(top, p.V)
	}
	bars := []rune("▁▂▃▄▅▆▇█")
	out := make([]rune, cells)
	carry := -1
	for i := range out {
		out[i] = ' '
		switch {
		case seen[i]:
			out[i], carry = bar(bars, highest[i], top), i
		// Cells narrower than a step show the point before them.
		case carry >= 0 && float64(i-carry)*span/float64(cells) < step.Seconds():
			out[i] = bar(bars, highest[carry], top)
		}
	}
	return string(out)
}

func bar(bars []rune, v, top float64) rune {
	if top <= 0 || v <= 0 {
		return bars[0]
	}
	return bars[min(int(v/top*float64(len(bars))), len(bars)-1)]
}
