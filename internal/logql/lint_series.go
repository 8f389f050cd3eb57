package logql

import (
	"fmt"
	"strings"
)

// selector finds selectors that no Loki takes.
func (l *linter) selector(log *Log) {
	if log.selective() {
		return
	}
	at := l.span(log)
	var edits []Edit
	for _, m := range log.Matchers {
		if m.Op == "=~" && m.Value == ".*" {
			for i, t := range l.tokens {
				if t.offset == m.Offset && i+2 < len(l.tokens) {
					edits = []Edit{{l.tokens[i+2].offset, l.tokens[i+2].end, l.quoted(l.tokens[i+2], ".+")}}
				}
			}
		}
	}
	l.add("empty-selector", Wrong, at, "Loki refuses a selector in which every value may be empty: it would read all its logs",
		`name at least one label with a value, like {service="api"} or {service=~".+"}`, edits...)
}

// identity finds ranges of which every label of a line makes a series.
func (l *linter) identity(r *Range, outer *Aggregate) {
	if r.Grouping != nil || r.Op == "absent_over_time" || !parsesAll(r.Log.Stages) {
		return
	}
	at, name := l.span(callOf{r}), l.word(r)
	average := outer != nil && outer.Op == "avg" && r.Op == "avg_over_time"
	if outer != nil && pushes(outer.Op, r.Op) && !average {
		return
	}
	group := groupFor(r, outer)
	switch {
	case average:
		by := "by"
		if outer.Grouping != nil && outer.Grouping.Without {
			by = "without"
		}
		l.add("average-of-averages", Wrong, name,
			"this averages the averages of series, and every parsed label makes series of its own: with an id in the line one for each line, more than a Loki allows (500)",
			"let avg_over_time group, and it is the average over lines", Edit{at.to, at.to, " " + by + " (" + strings.Join(group, ", ") + ")"})
	case additive(r.Op):
		l.add("series-per-line", Wrong, name, manySeries(r),
			"sum by (…) around it keeps the labels that are wanted",
			Edit{at.from, at.from, "sum by (" + strings.Join(group, ", ") + ") ("}, Edit{at.to, at.to, ")"})
	case ungrouped[r.Op]:
		l.add("series-per-line", Wrong, name, manySeries(r), "keep only the labels that are wanted: | keep … before unwrap")
	default:
		l.add("series-per-line", Wrong, name, manySeries(r),
			"by (…) behind it keeps the labels that are wanted", Edit{at.to, at.to, " by (" + strings.Join(group, ", ") + ")"})
	}
}

// word is where the name of an aggregation stands.
func (l *linter) word(r *Range) stretch {
	from := l.span(callOf{r}).from
	return stretch{from, from + len(r.Op)}
}

func manySeries(r *Range) string {
	return r.Op + " makes a series of every combination of parsed labels: with an id in the line one for each line, more than a Loki allows (500)"
}

func additive(op string) bool {
	switch op {
	case "count_over_time", "rate", "bytes_over_time", "bytes_rate", "sum_over_time":
		return true
	}
	return false
}

// groupFor are the labels that the playbook reading groups by.
func groupFor(r *Range, outer *Aggregate) []string {
	var group []string
	_ = plan(r, outer, func(_ *Range, labels []string, _ bool) error {
		group = labels
		return nil
	})
	return group
}

// parsesAll reports whether some parser makes labels of everything in the line.
func parsesAll(stages []Stage) bool {
	all := false
	for _, s := range stages {
		switch s := s.(type) {
		case *Parser:
			all = all || len(s.Fields) == 0
		case *Select:
			all = all && s.Verb != "keep"
		}
	}
	return all
}

// faults finds metric queries that a single unreadable line ends.
func (l *linter) faults(r *Range) {
	fallible := r.Unwrap != nil
	for _, s := range append(append([]Stage(nil), r.Log.Stages...), r.After...) {
		switch s := s.(type) {
		case *Parser:
			fallible = fallible || s.Kind == parseJSON || s.Kind == parseLogfmt || s.Kind == parseUnpack
		case *LabelFilter:
			fallible = fallible || hasNumber(s.Cond)
			if contains(namesOf(s), errorLabel) {
				fallible = r.Unwrap != nil && !isAfter(r, s)
			}
		case *LineFormat, *LabelFormat:
			fallible = true
		}
	}
	if !fallible {
		return
	}
	call, window := l.span(callOf{r}), l.span(windowOf{r})
	// Behind the stages: before the range, or at the end where the range comes first.
	place := Edit{window.from, window.from, `| __error__="" `}
	if last := l.lastStage(r); last > window.from {
		place = Edit{call.to - 1, call.to - 1, ` | __error__=""`}
	} else if window.from > 0 && l.text[window.from-1] != ' ' && l.text[window.from-1] != '\n' {
		place.Text = ` | __error__="" `
	}
	l.add("unhandled-errors", Wrong, l.word(r), `one line that cannot be read fails the whole query in Loki: say that such lines are left out with | __error__=""`, "", place)
}

func isAfter(r *Range, s Stage) bool {
	for _, a := range r.After {
		if a == s {
			return true
		}
	}
	return false
}

// lastStage is where the last stage of a range begins.
func (l *linter) lastStage(r *Range) int {
	last := 0
	for _, s := range append(append([]Stage(nil), r.Log.Stages...), r.After...) {
		last = max(last, l.span(s).from)
	}
	for i, t := range l.tokens {
		call := l.span(callOf{r})
		if t.kind == tokIdent && strings.EqualFold(t.text, "unwrap") && i > 0 && l.tokens[i-1].text == "|" && t.offset > call.from && t.end < call.to {
			last = max(last, t.offset)
		}
	}
	return last
}

// unused finds parsers of which no label is looked at. Such a parser cannot
// fail either: a Loki leaves it out.
func (l *linter) unused(r *Range, outer *Aggregate) (found bool) {
	if r.Unwrap != nil || len(r.After) > 0 || r.Grouping != nil || outer == nil || outer.Op != "sum" || !additive(r.Op) {
		return false
	}
	if outer.Grouping != nil && (outer.Grouping.Without || len(outer.Grouping.Labels) > 0) {
		return false
	}
	if len(r.Log.Stages) == 0 {
		return false
	}
	p, ok := r.Log.Stages[len(r.Log.Stages)-1].(*Parser)
	if !ok || p.Kind == parseUnpack {
		return false
	}
	at := l.span(p)
	l.add("unused-parser", Hint, at, "no label that "+p.Kind+" finds is looked at: without it the answer is the same", "leave it out")
	return true
}

// gaps finds ranges that are shorter than the step.
func (l *linter) gaps(r *Range) {
	if l.options.Step > r.Range {
		at := l.span(windowOf{r})
		l.add("range-shorter-than-step", Wrong, at, fmt.Sprintf("with a point every %s, a range of %s looks at a part of the lines only", formatDuration(l.options.Step), formatDuration(r.Range)),
			fmt.Sprintf("take a range of at least %s", formatDuration(l.options.Step)))
	}
}

// single finds topk over one series, and topk whose order is left to chance.
func (l *linter) single(a *Aggregate) {
	if a.Op != "topk" && a.Op != "bottomk" {
		return
	}
	at := l.span(a)
	name := stretch{at.from, at.from + len(a.Op)}
	if inner, ok := a.Inner.(*Aggregate); ok && inner.Grouping == nil && !takesParam(inner.Op) && inner.Op != "sort" && inner.Op != "sort_desc" {
		l.add("one-series", Wrong, name, fmt.Sprintf("%s without by (…) gives one series, so there is nothing for %s to choose from", inner.Op, a.Op),
			inner.Op+" by (LABEL) (…) gives one for each value")
		return
	}
	if root, ok := l.query.Root.(*Aggregate); !ok || root != a {
		return
	}
	word := "sort_desc"
	if a.Op == "bottomk" {
		word = "sort"
	}
	l.add("unsorted", Hint, name, a.Op+" chooses, and does not sort: Loki gives its series in any order", "", Edit{at.from, at.from, word + "("}, Edit{at.to, at.to, ")"})
}

// thresholds finds comparisons that no value can pass.
func (l *linter) thresholds(b *Binary) {
	limit, ok := b.Right.(*Scalar)
	if !ok || precedence(b.Op) != 3 {
		return
	}
	at := stretch{b.Offset, b.Offset + len(b.Op)}
	ranges := rangesOf(b.Left)
	if len(ranges) != 1 {
		return
	}
	r := ranges[0]
	counts := r.Op == "count_over_time" || r.Op == "rate" && r.Unwrap == nil
	below := b.Op == "==" && limit.Value == 0 || b.Op == "<" || b.Op == "<="
	_, plainCount := b.Left.(*Range)
	if agg, isAgg := b.Left.(*Aggregate); isAgg {
		plainCount = agg.Op == "sum" || agg.Op == "count"
	}
	switch {
	case counts && below && plainCount:
		l.add("never-zero", Hint, at, "where no line matches there is no value, not 0: this never sees silence",
			"write absent_over_time(…) for silence, or (… or vector(0)) for a zero")
	case r.Op == "rate" && r.Unwrap == nil && limit.Value >= 1 && strings.HasPrefix(b.Op, ">"):
		lines := limit.Value * r.Range.Seconds()
		l.add("rate-per-second", Hint, at, fmt.Sprintf("rate counts lines a second: %s %s means %s lines in %s", b.Op, number(limit.Value), number(lines), formatDuration(r.Range)),
			"count_over_time counts the lines of the range")
	}
}
