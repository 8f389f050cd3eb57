package logql

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"github.com/quellhq/quell/internal/evidence"
)

// Closest explains an empty answer: at which stage the lines ended, and the
// nearest thing there is to what was asked. It asks shorter queries of the same
// source, a few passes in all. Nothing where it finds nothing to say.
func Closest(ctx context.Context, q Query, src Source, asked Asked) []string {
	c := closest{ctx: ctx, dialect: q.Dialect, src: src, asked: asked}
	if log, ok := q.Root.(*Log); ok {
		return c.ofLog(log)
	}
	if b, ok := q.Root.(*Binary); ok && precedence(b.Op) == 3 && !b.Bool {
		if said := c.ofComparison(b); said != nil {
			return said
		}
	}
	for _, r := range rangesOf(q.Root) {
		// The lines of all the windows of this range.
		own := c
		own.asked = Asked{End: asked.End.Add(-r.Back), Since: asked.Since + r.Range}
		if asked.Step == 0 {
			own.asked.Since = r.Range
		}
		log := &Log{Dialect: r.Log.Dialect, Matchers: r.Log.Matchers, Stages: append(append([]Stage(nil), r.Log.Stages...), r.After...)}
		if said := own.ofLog(log); said != nil {
			return said
		}
		if r.Unwrap != nil {
			return own.ofUnwrap(log, r.Unwrap.Label)
		}
	}
	return nil
}

func rangesOf(e Expr) []*Range {
	switch n := e.(type) {
	case *Range:
		return []*Range{n}
	case *Aggregate:
		return rangesOf(n.Inner)
	case *LabelReplace:
		return rangesOf(n.Inner)
	case *Binary:
		return append(rangesOf(n.Left), rangesOf(n.Right)...)
	}
	return nil
}

type closest struct {
	ctx     context.Context
	dialect Dialect
	src     Source
	asked   Asked
}

// closestLines is how many of the newest lines are looked at for labels.
const closestLines = 2000

func (c closest) run(e Expr, lines int) (Result, bool) {
	asked := c.asked
	if _, log := e.(*Log); !log {
		asked.Step = c.asked.Step
	}
	r, err := Run(c.ctx, Query{Dialect: c.dialect, Root: e}, c.src, asked, Limits{Lines: lines})
	return r, err == nil
}

// closestBytes is how much of the newest lines the reasons are looked for in.
const closestBytes = 32 << 20

// matched counts the newest lines that pass the first n stages.
func (c closest) matched(log *Log, n int) (int, bool) {
	w := Window{Start: c.asked.End.Add(-c.asked.Since), End: c.asked.End}
	matched, _, err := countIn(c.ctx, &Log{Dialect: log.Dialect, Matchers: log.Matchers, Stages: log.Stages[:n]}, c.src, Ask{Window: w, Most: closestBytes})
	return matched, err == nil
}

func (c closest) ofLog(log *Log) []string {
	low, high := 0, len(log.Stages)
	if n, ok := c.matched(log, high); !ok || n > 0 {
		return nil
	}
	before, ok := c.matched(log, 0)
	if !ok || before == 0 {
		return nil // the selector's own hint says more
	}
	// What passes n stages has passed all before: find the last n that lets lines through.
	for high-low > 1 {
		middle := (low + high) / 2
		n, ok := c.matched(log, middle)
		if !ok {
			return nil
		}
		if n > 0 {
			low, before = middle, n
		} else {
			high = middle
		}
	}
	stage := log.Stages[low]
	said := []string{fmt.Sprintf("none of the %s before it passed %s", count(before, "line", "lines"), stageText(stage))}
	upTo := &Log{Dialect: log.Dialect, Matchers: log.Matchers, Stages: log.Stages[:low:low]}
	switch s := stage.(type) {
	case *LineFilter:
		return append(said, c.ofText(upTo, s)...)
	case *LabelFilter:
		r, ok := c.run(upTo, closestLines)
		if !ok {
			return said
		}
		for _, one := range comparesOf(s.Cond) {
			said = append(said, ofCompare(one, r.Lines)...)
		}
	}
	return said
}

func stageText(s Stage) string {
	var p printer
	s.text(&p)
	return p.String()
}

// ofText tries a line filter in other letters.
func (c closest) ofText(upTo *Log, f *LineFilter) []string {
	if strings.HasPrefix(f.Op, "!") {
		return nil
	}
	other := &LineFilter{Op: "|~"}
	for _, v := range f.Values {
		if f.Op != "|~" {
			v = regexp.QuoteMeta(v)
		}
		other.Values = append(other.Values, "(?i)"+v)
	}
	upTo.Stages = append(upTo.Stages, other)
	if n, ok := c.matched(upTo, len(upTo.Stages)); ok && n > 0 {
		return []string{fmt.Sprintf("in other letters it is in %s: write %s", count(n, "line", "lines"), stageText(other))}
	}
	return nil
}

func comparesOf(c Cond) []*Compare {
	switch c := c.(type) {
	case *Compare:
		return []*Compare{c}
	case *Both:
		return append(comparesOf(c.Left), comparesOf(c.Right)...)
	}
	return nil
}

// ofCompare says what the label of a comparison has in the lines.
func ofCompare(c *Compare, lines []evidence.Line) []string {
	names := map[string]bool{}
	values := map[string]int{}
	for _, l := range lines {
		for name := range l.Labels {
			names[name] = true
		}
		if v, ok := labelOf(l.Labels, c.Name); ok && v != "" {
			values[v]++
		}
	}
	if len(values) == 0 {
		text := "no line has the label " + c.Name
		if guess := similar(c.Name, sortedNames(names)); guess != "" {
			return []string{text + ": did you mean " + guess + "?"}
		}
		return []string{text + "; labels there are: " + firstFew(sortedNames(names))}
	}
	if c.Kind != Text && c.Kind != Label {
		return ofNumbers(c, values)
	}
	if len(values) > maxSeen {
		return nil // too many to help
	}
	return []string{c.Name + " is one of: " + strings.Join(byCount(values), ", ")}
}

// similar is the name that was probably meant: one that differs by a few
// letters, or else the shortest that has the whole word in it.
func similar(name string, names []string) string {
	if guess := nearest(name, names); guess != "" {
		return guess
	}
	best := ""
	for _, n := range names {
		inside := len(name) > 2 && strings.Contains(strings.ToLower(n), strings.ToLower(name))
		if inside && (best == "" || len(n) < len(best)) {
			best = n
		}
	}
	return best
}

func labelOf(labels map[string]string, name string) (string, bool) {
	if v, ok := labels[name]; ok {
		return v, true
	}
	for _, alias := range aliases(name) {
		if v, ok := labels[alias]; ok {
			return v, true
		}
	}
	return "", false
}

func ofNumbers(c *Compare, values map[string]int) []string {
	read := reader(c.Kind)
	low, high, odd := math.Inf(1), math.Inf(-1), ""
	for _, text := range sortedNames(values) {
		if v, ok := read([]byte(text)); ok {
			low, high = math.Min(low, v), math.Max(high, v)
		} else if odd == "" {
			odd = text
		}
	}
	if low > high {
		return []string{fmt.Sprintf("%s is no number that %s can be compared with: %q", c.Name, c.Written, odd)}
	}
	unit := func(v float64) string { return number(v) }
	if c.Kind == Duration {
		unit = func(v float64) string { return seconds(v).String() }
	}
	return []string{fmt.Sprintf("%s goes from %s to %s", c.Name, unit(low), unit(high))}
}

func firstFew(names []string) string {
	if len(names) > maxSeen {
		return strings.Join(names[:maxSeen], ", ") + fmt.Sprintf(" and %d more", len(names)-maxSeen)
	}
	return strings.Join(names, ", ")
}

// byCount lists values, the commonest first, each with how often it is there.
func byCount(values map[string]int) []string {
	names := sortedNames(values)
	sort.SliceStable(names, func(i, j int) bool { return values[names[i]] > values[names[j]] })
	for i, n := range names {
		names[i] = fmt.Sprintf("%s (%d)", cut([]byte(n), 80), values[n])
	}
	return names
}

// ofComparison tells what a threshold was compared with.
func (c closest) ofComparison(b *Binary) []string {
	limit, right := b.Right.(*Scalar)
	if !right {
		return nil
	}
	r, ok := c.run(b.Left, 1)
	if !ok || len(r.Series) == 0 {
		return nil
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, s := range r.Series {
		for _, p := range s.Points {
			low, high = math.Min(low, p.V), math.Max(high, p.V)
		}
	}
	text := "is " + number(low)
	if low != high {
		text = fmt.Sprintf("goes from %s to %s", number(low), number(high))
	}
	return []string{fmt.Sprintf("nothing is %s %s: the value %s", b.Op, number(limit.Value), text)}
}

func (c closest) ofUnwrap(log *Log, label string) []string {
	r, ok := c.run(log, closestLines)
	if !ok || len(r.Lines) == 0 {
		return nil
	}
	return ofCompare(&Compare{Name: label, Kind: Number, Written: strconv.Itoa(0)}, r.Lines)
}
