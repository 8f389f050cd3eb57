package logql

import (
	"regexp"
	"strings"
)

// normalised puts a label_format before the first stage that looks at a label
// which other loggers name otherwise: level finds lvl, message finds msg. after
// are the labels that are looked at behind the last stage.
func (w *rewriter) normalised(stages []Stage, after []string) []Stage {
	var out []Stage
	done := map[string]bool{}
	parsed := false
	put := func(names []string) {
		set := &LabelFormat{}
		for _, n := range unique(names) {
			if aliases(n) == nil || done[n] || !parsed {
				continue
			}
			done[n] = true
			set.Sets = append(set.Sets, LabelSet{Name: n, Template: firstOf(n)})
			w.note("loggers name %s in several ways, and Loki reads each as it is written: label_format takes the first that is there", n)
		}
		if len(set.Sets) > 0 {
			out = append(out, set)
		}
	}
	for i, s := range stages {
		if p, ok := s.(*Parser); ok {
			parsed = parsed || p.Kind != parsePattern && p.Kind != parseRegexp
			clear(done) // a parser brings new labels
		} else if sel, selects := s.(*Select); !selects || sel.Verb == "keep" {
			names := namesOf(s)
			if len(names) > 0 {
				// At once what the following stages need too.
				for _, later := range stages[i+1:] {
					if _, parser := later.(*Parser); parser {
						break
					}
					names = append(names, namesOf(later)...)
				}
				put(names)
			}
		}
		out = append(out, s)
	}
	put(after)
	return out
}

// firstOf is the template that finds a label under its own name or another.
func firstOf(name string) string {
	names := unique(append([]string{name}, aliases(name)...))
	return "{{or ." + strings.Join(names, " .") + "}}"
}

// template writes nested names as Loki flattens them.
func (w *rewriter) template(text string) string { return flatTemplate(text) }

func flatTemplate(text string) string { return renamedTemplate(text, nil) }

// renamedTemplate writes nested names by the names that they have, else flat.
func renamedTemplate(text string, names map[string]string) string {
	var b strings.Builder
	at := 0
	for _, s := range dottedFields(text) {
		name, ok := names[text[s.from+1:s.to]]
		if !ok {
			name = flatName(text[s.from+1 : s.to])
		}
		b.WriteString(text[at:s.from] + "." + name)
		at = s.to
	}
	return b.String() + text[at:]
}

var (
	templateAction = regexp.MustCompile(`\{\{.*?\}\}`)
	templateString = regexp.MustCompile("\"(?:[^\"\\\\]|\\\\.)*\"|`[^`]*`")
	nestedField    = regexp.MustCompile(`\.[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)+`)
)

// dottedFields finds names like .a.b in the actions of a template, where they
// do not stand in texts.
func dottedFields(text string) []stretch {
	var out []stretch
	for _, action := range templateAction.FindAllStringIndex(text, -1) {
		code := []byte(text[action[0]:action[1]])
		for _, s := range templateString.FindAllIndex(code, -1) {
			for i := s[0]; i < s[1]; i++ {
				code[i] = ' '
			}
		}
		for _, f := range nestedField.FindAllIndex(code, -1) {
			out = append(out, stretch{action[0] + f[0], action[0] + f[1]})
		}
	}
	return out
}
