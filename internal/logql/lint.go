package logql

import (
	"errors"
	"sort"
	"strings"
	"time"
)

// Finding is something that a query does otherwise than its author probably
// meant, on a Loki or here.
type Finding struct {
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	Offset   int      `json:"offset"` // bytes of the query that it is about
	End      int      `json:"end"`
	Text     string   `json:"text"`             // what is so, in one sentence
	Advice   string   `json:"advice,omitempty"` // what to do, where Edits do not say it all
	Edits    []Edit   `json:"edits,omitempty"`  // the fix: applied together they give a query that strict LogQL reads
}

// Edit replaces the bytes From to To of the query.
type Edit struct {
	From int    `json:"from"`
	To   int    `json:"to"`
	Text string `json:"text"`
}

// Severity says how much a finding matters.
type Severity string

// The severities.
const (
	Wrong Severity = "wrong" // a Loki refuses the query, fails on it, or answers something else
	Hint  Severity = "hint"  // it works, and could be better or clearer
)

// LintOptions are what a linter may know besides the query.
type LintOptions struct {
	Step time.Duration // at which the query is asked; 0: not known
}

// Lint reads a query as a careful colleague would, in both dialects, and says
// what it really does. Findings come in the order of their places.
func Lint(text string, options LintOptions) []Finding {
	l := &linter{text: text, options: options}
	tokens, err := lex(text, true)
	if err != nil {
		return []Finding{unread(text, err)}
	}
	l.tokens = tokens
	l.comparedTexts()
	if len(l.found) > 0 {
		return l.sorted() // nothing else can be said of a query that does not parse
	}
	q, err := parse(Playbook, text, true)
	if err != nil {
		return []Finding{unread(text, err)}
	}
	l.query = q
	l.dottedNames()
	l.unfilledTexts()
	l.expr(q.Root, nil)
	return l.sorted()
}

// Fixed applies the edits of findings to the query. Where two overlap the first
// one wins, so that linting the result again may find more.
func Fixed(text string, findings []Finding) string {
	var edits []Edit
	for _, f := range findings {
		if !overlaps(edits, f.Edits) {
			edits = append(edits, f.Edits...)
		}
	}
	sort.SliceStable(edits, func(i, j int) bool { return edits[i].From < edits[j].From })
	var b strings.Builder
	at := 0
	for _, e := range edits {
		b.WriteString(text[at:e.From] + e.Text)
		at = e.To
	}
	return b.String() + text[at:]
}

// fixRounds bounds how often a fixed query is looked at again.
const fixRounds = 5

// Repaired applies every edit there is, and those that the repaired query still
// wants. It is the query itself where there is nothing to repair.
func Repaired(text string, options LintOptions) string {
	for range fixRounds {
		fixed := Fixed(text, Lint(text, options))
		if fixed == text {
			break
		}
		text = fixed
	}
	return text
}

// overlaps reports whether any of the new edits touches bytes of the others.
// Insertions at one place may stand beside one another.
func overlaps(edits, more []Edit) bool {
	for _, a := range edits {
		for _, b := range more {
			if a.From < b.To && b.From < a.To || a == b {
				return true
			}
		}
	}
	return false
}

func unread(text string, err error) Finding {
	f := Finding{Rule: "syntax", Severity: Wrong, Text: err.Error()}
	var at *Error
	if errors.As(err, &at) {
		f.Offset, f.Text, f.Advice = at.Offset, at.Reason, at.Suggestion
	}
	f.End = min(f.Offset+1, len(text))
	return f
}

type linter struct {
	text    string
	tokens  []token
	query   Query
	options LintOptions
	found   []Finding
}

func (l *linter) add(rule string, severity Severity, at stretch, text, advice string, edits ...Edit) {
	l.found = append(l.found, Finding{Rule: rule, Severity: severity, Offset: at.from, End: at.to, Text: text, Advice: advice, Edits: edits})
}

func (l *linter) sorted() []Finding {
	sort.SliceStable(l.found, func(i, j int) bool {
		if l.found[i].Offset != l.found[j].Offset {
			return l.found[i].Offset < l.found[j].Offset
		}
		return l.found[i].Rule < l.found[j].Rule
	})
	return l.found
}

// span is where a part of the query stands.
func (l *linter) span(part any) stretch { return l.query.spans[part] }

// inside returns the tokens of a stretch.
func (l *linter) inside(s stretch) []token {
	var out []token
	for _, t := range l.tokens {
		if t.offset >= s.from && t.end <= s.to && t.kind != tokEnd {
			out = append(out, t)
		}
	}
	return out
}

// expr looks at each part of a query; outer is the aggregation around it.
func (l *linter) expr(e Expr, outer *Aggregate) {
	switch n := e.(type) {
	case *Log:
		l.selector(n)
		l.pipeline(n.Stages, nil)
		l.streamLabels(n.Matchers, n.Stages)
	case *Range:
		l.selector(n.Log)
		stages := append(append([]Stage(nil), n.Log.Stages...), n.After...)
		l.pipeline(stages, n)
		l.streamLabels(n.Log.Matchers, stages)
		l.identity(n, outer)
		if !l.unused(n, outer) {
			l.faults(n)
		}
		l.gaps(n)
	case *Aggregate:
		l.single(n)
		l.expr(n.Inner, n)
	case *LabelReplace:
		l.expr(n.Inner, outer.unpushed())
	case *Binary:
		l.thresholds(n)
		l.expr(n.Left, outer.unpushed())
		l.expr(n.Right, outer.unpushed())
	}
}

// pipeline looks at the stages of a log query, in their order.
func (l *linter) pipeline(stages []Stage, metric *Range) {
	for i, stage := range stages {
		switch s := stage.(type) {
		case *LabelFilter:
			l.mixed(s)
			for _, c := range comparesOf(s.Cond) {
				l.compare(c, s)
			}
		case *LineFilter:
			l.late(stages[:i], s)
		case *Select, *LabelFormat:
			l.lost(stage, stages[i+1:], metric)
		}
	}
}
