package probe

import (
	"fmt"
	"strings"
)

// Template is the text of a question: literal parts, and holes for declared
// parameters and service facts. A hole's value never becomes syntax: each
// language fills holes by its own rules, through Fill or Bind.
type Template struct{ Parts []Part }

// Pattern is a regular expression (RE2) that this project or its operator wrote
// down under a name, and no value from outside: a language that has patterns
// puts it in as it is, where every other value is taken literally.
type Pattern string

// Part is a literal, or a hole with (once filled) its value.
type Part struct {
	Literal string
	Hole    string // the name inside ${…}; empty for a literal
	Value   any    // string, float64, int64, bool, time.Duration or []string, once filled; Pattern from the start
	Offset  int    // byte offset in the source text
}

// ParseTemplate splits text at ${name}. "$${" is a literal "${". A hole holds
// one name with dots; anything else is an error with its byte offset.
func ParseTemplate(text string) (Template, error) {
	var t Template
	var literal strings.Builder
	start := 0
	flush := func() {
		if literal.Len() > 0 {
			t.Parts = append(t.Parts, Part{Literal: literal.String(), Offset: start})
			literal.Reset()
		}
	}
	for i := 0; i < len(text); {
		switch {
		case strings.HasPrefix(text[i:], "$${"):
			literal.WriteString("${")
			i += 3
		case strings.HasPrefix(text[i:], "${"):
			end := strings.IndexByte(text[i:], '}')
			if end < 0 {
				return t, &HoleError{Offset: i, Reason: "${ is never closed by }"}
			}
			name := strings.TrimSpace(text[i+2 : i+end])
			if !isName(name) {
				return t, &HoleError{Offset: i, Reason: fmt.Sprintf("${%s}: in a question only the name of a parameter or of a service fact may stand here", name)}
			}
			flush()
			t.Parts = append(t.Parts, Part{Hole: name, Offset: i})
			i += end + 1
			start = i
		default:
			literal.WriteByte(text[i])
			i++
		}
	}
	flush()
	return t, nil
}

// HoleError is a hole that cannot be read, with its byte offset in the text.
type HoleError struct {
	Offset int
	Reason string
}

func (e *HoleError) Error() string { return e.Reason }

// Literal is a template without holes.
func Literal(text string) Template {
	return Template{Parts: []Part{{Literal: text}}}
}

// Holes lists the names in the template, in order, with repeats.
func (t Template) Holes() []string {
	var names []string
	for _, p := range t.Parts {
		if p.Hole != "" {
			names = append(names, p.Hole)
		}
	}
	return names
}

// WithPatterns returns the template with the holes filled that name a pattern.
func (t Template) WithPatterns(pattern func(hole string) (Pattern, bool)) Template {
	out := Template{Parts: make([]Part, len(t.Parts))}
	for i, p := range t.Parts {
		if found, ok := pattern(p.Hole); ok && p.Hole != "" {
			p.Value = found
		}
		out.Parts[i] = p
	}
	return out
}

// WithValues returns the template with its holes filled from values; a name
// that is missing there is an error. Patterns stay as they are.
func (t Template) WithValues(values map[string]any) (Template, error) {
	out := Template{Parts: make([]Part, len(t.Parts))}
	for i, p := range t.Parts {
		if _, fixed := p.Value.(Pattern); p.Hole != "" && !fixed {
			v, ok := values[p.Hole]
			if !ok {
				return t, fmt.Errorf("${%s} has no value", p.Hole)
			}
			p.Value = v
		}
		out.Parts[i] = p
	}
	return out, nil
}

// Source is the template as the playbook wrote it.
func (t Template) Source() string {
	return t.join(func(p Part) string { return "${" + p.Hole + "}" })
}

// Fill joins the parts, with each hole's value written by escape, which sees
// the text before the hole (already filled) and returns what may stand there.
func (t Template) Fill(escape func(before string, value any) (string, error)) (string, error) {
	var b strings.Builder
	for _, p := range t.Parts {
		if p.Hole == "" {
			b.WriteString(p.Literal)
			continue
		}
		s, err := escape(b.String(), p.Value)
		if err != nil {
			return "", fmt.Errorf("${%s}: %w", p.Hole, err)
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

func (t Template) join(hole func(Part) string) string {
	var b strings.Builder
	for _, p := range t.Parts {
		if p.Hole == "" {
			b.WriteString(strings.ReplaceAll(p.Literal, "${", "$${"))
		} else {
			b.WriteString(hole(p))
		}
	}
	return b.String()
}

func isName(s string) bool {
	if s == "" {
		return false
	}
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_'
		if !letter && (i == 0 || r != '.' && (r < '0' || r > '9')) {
			return false
		}
	}
	return !strings.HasSuffix(s, ".") && !strings.Contains(s, "..")
}
