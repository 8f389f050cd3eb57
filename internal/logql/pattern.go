package logql

import (
	"bytes"
	"fmt"
	"regexp"
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
	if len(line) == 0 {
		return false
	}
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
				// What the pattern cannot divide is the capture's, to the end.
				if part.name != "_" {
					labels.parsed(part.name, line)
				}
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

// gapPattern is the compiled text of "|>": literals in order, each at its first
// place, and gaps of at least one byte where <_> stands.
type gapPattern struct {
	literals   []string
	openBefore bool // <_> stands at the beginning
	openAfter  bool // <_> stands at the end
}

func compileLinePattern(text string) (gapPattern, error) {
	var out gapPattern
	at, previous := 0, -1
	for _, m := range capture.FindAllStringSubmatchIndex(text, -1) {
		if name := text[m[2]:m[3]]; name != "_" {
			return out, fmt.Errorf("a pattern filter takes no names: <%s> is one, write <_>", name)
		}
		if m[0] == previous {
			return out, fmt.Errorf("two <_> follow one another in the pattern")
		}
		if m[0] > at {
			out.literals = append(out.literals, text[at:m[0]])
		}
		out.openBefore = out.openBefore || m[0] == 0
		at, previous = m[1], m[1]
	}
	out.openAfter = at == len(text) && at > 0
	if at < len(text) {
		out.literals = append(out.literals, text[at:])
	}
	return out, nil
}

func (p gapPattern) match(line []byte) bool {
	if len(p.literals) == 0 {
		return p.openBefore == (len(line) > 0) // <_>, or nothing at all
	}
	for i, literal := range p.literals {
		gap := i > 0 || p.openBefore
		if i == len(p.literals)-1 && !p.openAfter {
			return bytes.HasSuffix(line, []byte(literal)) && (!gap || len(line) > len(literal))
		}
		at := bytes.Index(line, []byte(literal))
		if at < 0 || gap && at == 0 {
			return false
		}
		line = line[at+len(literal):]
	}
	return len(line) > 0
}
