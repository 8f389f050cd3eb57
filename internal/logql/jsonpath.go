package logql

import (
	"fmt"
	"strconv"
	"strings"
)

// parsePath reads details.pool.size, servers[0], a["b c"] into its steps:
// strings and ints.
func parsePath(path string) ([]any, error) {
	var steps []any
	for i := 0; i < len(path); {
		switch c := path[i]; {
		case c == '[':
			end := strings.IndexByte(path[i:], ']')
			if end < 0 {
				return nil, fmt.Errorf("the path %q has a [ that is never closed", path)
			}
			inside := path[i+1 : i+end]
			if key, err := strconv.Unquote(inside); err == nil {
				steps = append(steps, key)
			} else if n, err := strconv.Atoi(inside); err == nil && n >= 0 {
				steps = append(steps, n)
			} else {
				return nil, fmt.Errorf("the path %q has something else than a number or a quoted name in [ ]", path)
			}
			i += end + 1
		case c == '.' && i > 0 && i+1 < len(path):
			i++
		case isLetter(c):
			start := i
			for i < len(path) && (isLetter(path[i]) || isDigit(path[i]) || path[i] == '-') {
				i++
			}
			steps = append(steps, path[start:i])
		default:
			return nil, fmt.Errorf("the path %q cannot be read at %q", path, path[i:])
		}
	}
	if len(steps) == 0 {
		return nil, fmt.Errorf("the path is empty")
	}
	return steps, nil
}

// lookup returns what stands at the path: the text of a string, raw JSON of the
// rest. It reads no more of the line than it must, and is not put off by faults
// before or after it. Where a name occurs twice the first counts.
func lookup(line []byte, steps []any) (value []byte, found bool) {
	s := jsonScanner{line: line}
	for _, step := range steps {
		s.space()
		ok := false
		switch step := step.(type) {
		case string:
			ok = s.toKey(step)
		case int:
			ok = s.toItem(step)
		}
		if !ok {
			return nil, false
		}
	}
	return s.here()
}

func (s *jsonScanner) opens(c byte) bool {
	if s.at >= len(s.line) || s.line[s.at] != c {
		return false
	}
	s.at++
	return true
}

// separators steps over blanks and commas.
func (s *jsonScanner) separators() {
	for s.space(); s.at < len(s.line) && s.line[s.at] == ','; s.space() {
		s.at++
	}
}

// toKey goes to the value of a key of the object at hand.
func (s *jsonScanner) toKey(key string) bool {
	if !s.opens('{') {
		return false
	}
	for {
		if s.separators(); s.at >= len(s.line) || s.line[s.at] != '"' {
			return false
		}
		raw, escaped, err := s.string()
		if err != nil {
			return false
		}
		if escaped {
			raw = unescape(raw, nil)
		}
		if s.space(); !s.opens(':') {
			return false
		}
		if s.space(); string(raw) == key {
			return true
		}
		if !s.skip() {
			return false
		}
	}
}

// toItem goes to the value of the array at hand that has the index.
func (s *jsonScanner) toItem(index int) bool {
	if !s.opens('[') {
		return false
	}
	for {
		if s.separators(); s.at >= len(s.line) || s.line[s.at] == ']' {
			return false
		}
		if index == 0 {
			return true
		}
		index--
		if !s.skip() {
			return false
		}
	}
}

// skip steps over one value.
func (s *jsonScanner) skip() bool {
	if s.at >= len(s.line) {
		return false
	}
	switch s.line[s.at] {
	case '{', '[':
		return s.skipNested(0) == nil
	case '"':
		_, _, err := s.string()
		return err == nil
	}
	start := s.at
	for s.at < len(s.line) && !isJSONEnd(s.line[s.at]) {
		s.at++
	}
	return s.at > start
}

// here is the value at hand: the text of a string, the raw JSON of the rest.
func (s *jsonScanner) here() ([]byte, bool) {
	start := s.at
	if !s.skip() {
		return nil, false
	}
	raw := s.line[start:s.at]
	if raw[0] == '"' {
		return unescape(raw[1:len(raw)-1], nil), true
	}
	if string(raw) == "null" {
		return nil, true
	}
	return append([]byte(nil), raw...), true
}
