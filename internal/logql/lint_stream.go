package logql

import (
	"fmt"
	"strings"
)

// streamLabels finds filters behind a parser on a label that the selector fixes
// already. The parser does not overwrite the label of a stream: a field of that
// name goes under name_extracted.
func (l *linter) streamLabels(matchers []Matcher, stages []Stage) {
	fixed := map[string]string{}
	for _, m := range matchers {
		if m.Op == "=" {
			fixed[m.Name] = m.Value
		}
	}
	parsed := false
	for _, stage := range stages {
		switch s := stage.(type) {
		case *Parser:
			parsed = true
		case *LabelFormat:
			for _, set := range s.Sets {
				delete(fixed, set.Name) // another value from here on
			}
		case *LabelFilter:
			for _, c := range comparesOf(s.Cond) {
				if value, ok := fixed[c.Name]; ok && parsed {
					l.streamLabel(c, value)
				}
			}
		}
	}
}

func (l *linter) streamLabel(c *Compare, value string) {
	if strings.Contains(value, "${") { // a hole: what it will be is not known
		return
	}
	severity := Hint
	text := fmt.Sprintf("the selector makes %s %q already, and a field of that name in the line does not change it", c.Name, value)
	if c.Kind == Text && (c.Op == "=" && c.Text != value || c.Op == "!=" && c.Text == value) && !isLevelName(c.Name) {
		severity = Wrong
		text += ": this takes no line of that stream"
	}
	l.add("stream-label", severity, l.span(c), text, fmt.Sprintf("to look at the field of the line write %s_extracted", c.Name))
}
