package expr

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Template is prose with ${expression} holes, evaluated once the evidence is in.
type Template struct {
	source string
	parts  []part
}

type part struct {
	literal string
	program *Program
}

// CompileTemplate reads prose with ${…} holes. "$${" is a literal "${". Errors
// are *Error with the offset in source.
func (e *Env) CompileTemplate(source string) (Template, error) {
	t := Template{source: source}
	var literal strings.Builder
	for i := 0; i < len(source); {
		switch {
		case strings.HasPrefix(source[i:], "$${"):
			literal.WriteString("${")
			i += 3
		case strings.HasPrefix(source[i:], "${"):
			end := holeEnd(source, i+2)
			if end < 0 {
				return t, &Error{Offset: i, Reason: "${ is never closed by }"}
			}
			program, err := e.Compile(source[i+2 : end])
			if err != nil {
				var at *Error
				if errors.As(err, &at) {
					at.Offset += i + 2
				}
				return t, err
			}
			if literal.Len() > 0 {
				t.parts = append(t.parts, part{literal: literal.String()})
				literal.Reset()
			}
			t.parts = append(t.parts, part{program: program})
			i = end + 1
		default:
			literal.WriteByte(source[i])
			i++
		}
	}
	if literal.Len() > 0 {
		t.parts = append(t.parts, part{literal: literal.String()})
	}
	return t, nil
}

// Source is the template as written.
func (t Template) Source() string { return t.source }

// Reads lists the names that the holes use, with repeats.
func (t Template) Reads() []string {
	var names []string
	for _, p := range t.parts {
		if p.program != nil {
			names = append(names, p.program.Reads()...)
		}
	}
	return names
}

// Programs lists the holes' expressions.
func (t Template) Programs() []*Program {
	var programs []*Program
	for _, p := range t.parts {
		if p.program != nil {
			programs = append(programs, p.program)
		}
	}
	return programs
}

// Text fills the holes. What is unknown reads "(unknown)".
func (t Template) Text(vars Vars) string { return t.fill(vars, func(s string) string { return s }) }

// traceback begins the stack of a Python error; its last line says which.
const traceback = "Traceback (most recent call last):"

// thrown is the line of an error below what was logged, as Node and Java show it.
var thrown = regexp.MustCompile(`(?m)^[A-Za-z_$][\w.$]*(Error|Exception)( \[\w+\])?: .+$`)

// longestValue bounds what one value may take of a sentence, in characters.
const longestValue = 300

// Sentence is Text for people: of a value with several lines, like an error with
// its stack, it has the first, and the one that names the error: the last of a
// Python traceback, an indented stack's own first line of others; of a line of JSON its message and error, and of a long one the beginning.
func (t Template) Sentence(vars Vars) string {
	return t.fill(vars, func(s string) string {
		s = spoken(strings.TrimSpace(s))
		first, _, more := strings.Cut(strings.TrimSpace(s), "\n")
		if before, after, is := strings.Cut(s, traceback); is {
			var said []string
			if strings.TrimSpace(before) != "" {
				said = append(said, strings.TrimSpace(first))
			}
			if failed := lastLine(after); failed != "" {
				said = append(said, failed)
			}
			first, more = strings.Join(said, " … "), false
		} else if failed := thrown.FindString(s); failed != "" && !strings.HasPrefix(s, failed) {
			first = first + " … " + failed
		}
		if runes := []rune(first); len(runes) > longestValue {
			first, more = string(runes[:longestValue]), true
		}
		if more {
			first = strings.TrimRight(first, " \r") + " …"
		}
		return first
	})
}

func (t Template) fill(vars Vars, shorten func(string) string) string {
	var b strings.Builder
	for _, p := range t.parts {
		if p.program == nil {
			b.WriteString(p.literal)
			continue
		}
		value, err := p.program.Eval(vars)
		if err != nil {
			b.WriteString("(unknown)")
			continue
		}
		b.WriteString(shorten(FormatValue(value)))
	}
	return b.String()
}

// Value is the value of a template that is a single hole, or else its text.
// Unlike Text it fails when anything is unknown.
func (t Template) Value(vars Vars) (any, error) {
	if len(t.parts) == 1 && t.parts[0].program != nil {
		v, err := t.parts[0].program.Eval(vars)
		if err != nil {
			return nil, fmt.Errorf("${%s}: %w", t.parts[0].program.Source(), err)
		}
		return v, nil
	}
	for _, p := range t.parts {
		if p.program != nil {
			if _, err := p.program.Eval(vars); err != nil {
				return nil, fmt.Errorf("${%s}: %w", p.program.Source(), err)
			}
		}
	}
	return t.Text(vars), nil
}

// holeEnd returns the offset of the } that closes a hole, or -1. Braces inside
// of strings and nested ones do not close it.
func holeEnd(source string, i int) int {
	depth := 0
	for i < len(source) {
		switch source[i] {
		case '"', '\'':
			i = stringEnd(source, i)
			continue
		case '{':
			depth++
		case '}':
			if depth == 0 {
				return i
			}
			depth--
		}
		i++
	}
	return -1
}
