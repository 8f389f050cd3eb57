package logql

import (
	"fmt"
	"strings"
)

// late finds line filters that could stand before the parser.
func (l *linter) late(before []Stage, f *LineFilter) {
	first := -1
	for i, s := range before {
		switch s.(type) {
		case *Parser:
			if first < 0 {
				first = i
			}
		case *LineFormat, *Decolorize:
			return // the line is another one by then
		}
		if p, ok := s.(*Parser); ok && p.Kind == parseUnpack {
			return
		}
	}
	if first < 0 {
		return
	}
	at, parser := l.span(f), l.span(before[first])
	from := at.from
	for from > 0 && strings.ContainsRune(" \t\r\n", rune(l.text[from-1])) {
		from--
	}
	l.add("late-filter", Hint, at, "the line is the same before the parser: a filter there saves parsing what is dropped", "",
		Edit{parser.from, parser.from, l.text[at.from:at.to] + " "}, Edit{from, at.to, ""})
}

// mixed finds an "and" behind an "or" at one level, which LogQL reads from left
// to right.
func (l *linter) mixed(f *LabelFilter) {
	tokens := l.inside(l.span(f))
	if len(tokens) > 0 && tokens[0].text == "|" {
		tokens = tokens[1:]
	}
	l.mixedLevel(tokens)
}

// mixedLevel looks at the conditions of one level of parentheses, and then at
// those inside.
func (l *linter) mixedLevel(tokens []token) {
	depth, open, orAt := 0, 0, -1
	for i, t := range tokens {
		switch {
		case t.kind == tokOp && t.text == "(":
			if depth == 0 {
				open = i
			}
			depth++
		case t.kind == tokOp && t.text == ")":
			if depth--; depth == 0 && !(open > 0 && strings.EqualFold(tokens[open-1].text, "ip")) {
				l.mixedLevel(tokens[open+1 : i])
			}
		case depth > 0:
		case i > 0 && tokens[i-1].kind == tokOp && tokens[i-1].text != ")" && tokens[i-1].text != ",": // a label of that name
		case t.kind == tokIdent && strings.EqualFold(t.text, "or"):
			orAt = i
		case orAt >= 0 && (t.text == "," || t.kind == tokIdent && strings.EqualFold(t.text, "and")):
			l.add("mixed-and-or", Wrong, stretch{tokens[0].offset, tokens[len(tokens)-1].end},
				"and does not bind tighter than or: LogQL goes from left to right", "write the parentheses that are meant; these are the ones that it reads",
				Edit{tokens[0].offset, tokens[0].offset, "("}, Edit{tokens[i-1].end, tokens[i-1].end, ")"})
			return
		}
	}
}

// lost finds labels that a stage takes away and a later one looks at.
func (l *linter) lost(stage Stage, later []Stage, metric *Range) {
	gone := func(string) bool { return false }
	how := ""
	switch s := stage.(type) {
	case *Select:
		named := map[string]bool{}
		for _, m := range s.Labels {
			if m.Op != "" {
				return // depends on the value
			}
			named[m.Name] = true
			for _, other := range aliases(m.Name) {
				named[other] = true
			}
		}
		how = s.Verb
		keep := s.Verb == "keep"
		gone = func(name string) bool { return name != errorLabel && named[name] != keep }
	case *LabelFormat:
		renamed := map[string]string{}
		for _, set := range s.Sets {
			if set.From != "" {
				renamed[set.From] = set.Name
			}
		}
		if len(renamed) == 0 {
			return
		}
		how = "label_format"
		gone = func(name string) bool { _, ok := renamed[name]; return ok }
	}
	used := []string{}
	for _, s := range later {
		if _, parser := s.(*Parser); parser {
			return // brings labels back
		}
		used = append(used, namesOf(s)...)
	}
	if metric != nil {
		if metric.Unwrap != nil {
			used = append(used, metric.Unwrap.Label)
		}
		if metric.Grouping != nil && !metric.Grouping.Without {
			used = append(used, metric.Grouping.Labels...)
		}
	}
	for _, name := range unique(used) {
		if name != "" && gone(name) {
			l.add("lost-label", Wrong, l.span(stage), fmt.Sprintf("%s takes %s away, which is looked at later", how, name), "")
			return
		}
	}
}
