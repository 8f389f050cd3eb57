package logql

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
)

// linePattern is the compiled text of "| pattern": literals and captures in
// turn, anchored at the start of the line.
type linePattern []patternPart

type patternPart struct {
	literal string
	name    string // of a capture; "_" is not kept
}

var capture = regexp.MustCompile(`<([A-Za-z_][A-Za-z0-9_]*)>`)

func compilePattern(text string) (linePattern, error) {
	var out linePattern
	at, named := 0, map[string]bool{}
	for _, m := range capture.FindAllStringSubmatchIndex(text, -1) {
		if m[0] > at {
			out = append(out, patternPart{literal: text[at:m[0]]})
		} else if len(out) > 0 {
			return nil, fmt.Errorf("two captures follow one another in the pattern")
		}
		name := text[m[2]:m[3]]
		if name != "_" && named[name] {
			return nil, fmt.Errorf("the pattern captures %s twice", name)
		}
		named[name] = true
		out = append(out, patternPart{name: name})
		at = m[1]
	}
	if at < len(text) {
		out = append(out, patternPart{literal: text[at:]})
	}
	delete(named, "_")
	if len(named) == 0 {
		return nil, fmt.Errorf("the pattern captures nothing")
	}
	return out, nil
}

// apply adds the captures; it stops where a literal is missing.
func (p linePattern) apply(line []byte, labels *labelSet) bool {
	for i, part := range p {
		if part.name == "" {
			if i == 0 {
				if !bytes.HasPrefix(line, []byte(part.literal)) {
					return false
				}
				line = line[len(part.literal):]
			}
			continue // later literals were stepped over with the capture before
		}
		value := line
		if i+1 < len(p) {
			end := bytes.Index(line, []byte(p[i+1].literal))
			if end < 0 {
				return false
			}
			value, line = line[:end], line[end+len(p[i+1].literal):]
		}
		if part.name != "_" {
			labels.parsed(part.name, value)
		}
	}
	return true
}

// lineTemplate is the compiled text of line_format: literals and fields.
type lineTemplate []templatePart

type templatePart struct {
	literal string
	field   string
}

var templateField = regexp.MustCompile(`^\.([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)$`)

func compileTemplate(text string) (lineTemplate, error) {
	var out lineTemplate
	for {
		before, rest, open := strings.Cut(text, "{{")
		if before != "" {
			out = append(out, templatePart{literal: before})
		}
		if !open {
			return out, nil
		}
		action, after, closed := strings.Cut(rest, "}}")
		if !closed {
			return nil, fmt.Errorf("the template has a {{ that is never closed")
		}
		action = strings.TrimSpace(action)
		switch m := templateField.FindStringSubmatch(action); {
		case m != nil:
			out = append(out, templatePart{field: flatName(m[1])})
		case action == "__line__", action == "__timestamp__":
			out = append(out, templatePart{field: action})
		default:
			return nil, fmt.Errorf("the template action {{%s}} is not supported", action)
		}
		text = after
	}
}
