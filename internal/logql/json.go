package logql

import (
	"bytes"
	"errors"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonScanner takes the fields of one JSON object into a label set, as LogQL's
// json stage does: nested keys joined by "_", names cleaned, nulls and arrays
// left out, numbers as written.
type jsonScanner struct {
	line   []byte
	at     int
	prefix []byte
	want   func(name []byte) bool // nil: all
	labels *labelSet

	textsOnly bool // only strings of the outermost object become labels
	enough    int  // so many labels found are all that anyone looks at; 0: read on
}

var errJSON = errors.New("not a JSON object")

// errEnough ends the reading of a line of which all that matters is known.
var errEnough = errors.New("all labels are found")

const maxJSONDepth = 32

// parseJSONLine adds the fields of line. What stands after the object is ignored.
func parseJSONLine(line []byte, want func([]byte) bool, labels *labelSet) error {
	return (&jsonScanner{line: line, want: want, labels: labels}).document()
}

// label adds one, and ends the reading where it is the last that matters.
func (s *jsonScanner) label(value []byte) error {
	before := len(s.labels.names)
	s.labels.parsed(s.labels.intern(s.prefix), value)
	if s.enough > 0 && len(s.labels.names) > before {
		if s.enough--; s.enough == 0 {
			return errEnough
		}
	}
	return nil
}

func (s *jsonScanner) document() error {
	s.space()
	if s.at >= len(s.line) || s.line[s.at] != '{' {
		return errJSON
	}
	if err := s.object(0); !errors.Is(err, errEnough) {
		return err
	}
	return nil
}

func (s *jsonScanner) space() {
	for s.at < len(s.line) {
		switch s.line[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

func (s *jsonScanner) object(depth int) error {
	if depth > maxJSONDepth {
		return errJSON
	}
	s.at++ // {
	base := len(s.prefix)
	for first := true; ; first = false {
		s.space()
		if s.at >= len(s.line) {
			return errJSON
		}
		c := s.line[s.at]
		switch {
		case c == '}':
			s.at++
			return nil
		case c == ',' && !first:
			s.at++
			s.space()
		case !first:
			return errJSON
		}
		if s.at >= len(s.line) || s.line[s.at] != '"' {
			return errJSON
		}
		raw, escaped, err := s.string()
		if err != nil {
			return err
		}
		if escaped {
			raw = unescape(raw, nil)
		}
		s.space()
		if s.at >= len(s.line) || s.line[s.at] != ':' {
			return errJSON
		}
		s.at++
		s.space()
		if depth > 0 {
			s.prefix = append(s.prefix, '_')
		}
		s.prefix = appendName(s.prefix, raw)
		if err := s.value(depth); err != nil {
			return err
		}
		s.prefix = s.prefix[:base]
	}
}

func (s *jsonScanner) value(depth int) error {
	if s.at >= len(s.line) {
		return errJSON
	}
	switch c := s.line[s.at]; c {
	case '{':
		return s.object(depth + 1)
	case '"':
		raw, escaped, err := s.string()
		if err != nil {
			return err
		}
		if s.want != nil && !s.want(s.prefix) || s.textsOnly && depth > 0 {
			return nil
		}
		if escaped {
			start := len(s.labels.arena)
			s.labels.arena = unescape(raw, s.labels.arena)
			raw = s.labels.arena[start:len(s.labels.arena):len(s.labels.arena)]
		}
		return s.label(raw)
	case '[':
		return s.skipNested(depth)
	default:
		start := s.at
		for s.at < len(s.line) && !isJSONEnd(s.line[s.at]) {
			s.at++
		}
		word := s.line[start:s.at]
		switch string(word) {
		case "null":
			return nil
		case "true", "false":
		default:
			if !isJSONNumber(word) {
				return errJSON
			}
		}
		if !s.textsOnly && (s.want == nil || s.want(s.prefix)) {
			return s.label(word)
		}
		return nil
	}
}

func isJSONEnd(c byte) bool {
	return c == ',' || c == '}' || c == ']' || c == ' ' || c == '\t' || c == '\n' || c == '\r'
}

// isJSONNumber checks the shape -?digits[.digits][e[+-]digits].
func isJSONNumber(b []byte) bool {
	i := 0
	digits := func() bool {
		start := i
		for i < len(b) && isDigit(b[i]) {
			i++
		}
		return i > start
	}
	if i < len(b) && b[i] == '-' {
		i++
	}
	if !digits() {
		return false
	}
	if i < len(b) && b[i] == '.' {
		i++
		if !digits() {
			return false
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if !digits() {
			return false
		}
	}
	return i == len(b)
}

// string returns what stands between the quotes, still escaped.
func (s *jsonScanner) string() (raw []byte, escaped bool, err error) {
	s.at++
	start := s.at
	for {
		n := bytes.IndexByte(s.line[s.at:], '"')
		if n < 0 {
			return nil, false, errJSON
		}
		if bytes.IndexByte(s.line[s.at:s.at+n], '\\') < 0 {
			s.at += n + 1
			return s.line[start : s.at-1], escaped, nil
		}
		// Step over escapes one by one up to the closing quote.
		escaped = true
		for i := s.at; ; {
			if i >= len(s.line) {
				return nil, false, errJSON
			}
			switch s.line[i] {
			case '\\':
				i += 2
			case '"':
				s.at = i + 1
				return s.line[start:i], true, nil
			default:
				i++
			}
		}
	}
}

// skipNested steps over an array or an object.
func (s *jsonScanner) skipNested(depth int) error {
	if depth > maxJSONDepth {
		return errJSON
	}
	open := []byte{s.line[s.at]}
	s.at++
	for s.at < len(s.line) {
		switch c := s.line[s.at]; c {
		case '"':
			if _, _, err := s.string(); err != nil {
				return err
			}
			continue
		case '[', '{':
			if len(open) > maxJSONDepth {
				return errJSON
			}
			open = append(open, c)
		case ']', '}':
			if open[len(open)-1] != c-2 { // '[' is ']'-2, '{' is '}'-2
				return errJSON
			}
			open = open[:len(open)-1]
			if len(open) == 0 {
				s.at++
				return nil
			}
		}
		s.at++
	}
	return errJSON
}

// appendName cleans a key to a label name: each character other than letters,
// digits and "_" becomes "_"; a leading digit gets "_" before it.
func appendName(to, key []byte) []byte {
	key = bytes.TrimSpace(key)
	if len(key) > 0 && isDigit(key[0]) && len(to) == 0 {
		to = append(to, '_')
	}
	for i := 0; i < len(key); {
		c := key[i]
		if isLetter(c) || isDigit(c) {
			to = append(to, c)
			i++
			continue
		}
		_, size := utf8.DecodeRune(key[i:])
		to = append(to, '_')
		i += size
	}
	return to
}

// unescape appends the text that raw, the inside of a JSON string, stands for.
func unescape(raw, to []byte) []byte {
	for i := 0; i < len(raw); {
		c := raw[i]
		if c != '\\' || i+1 >= len(raw) {
			to = append(to, c)
			i++
			continue
		}
		i += 2
		switch e := raw[i-1]; e {
		case 'n':
			to = append(to, '\n')
		case 't':
			to = append(to, '\t')
		case 'r':
			to = append(to, '\r')
		case 'b':
			to = append(to, '\b')
		case 'f':
			to = append(to, '\f')
		case 'u':
			r := hex4(raw[i:])
			if r < 0 {
				to = append(to, '\\', 'u')
				continue
			}
			i += 4
			if utf16.IsSurrogate(r) {
				low := rune(-1)
				if bytes.HasPrefix(raw[i:], []byte(`\u`)) {
					low = hex4(raw[i+2:])
				}
				if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
					i += 6
				}
			}
			to = utf8.AppendRune(to, r)
		default: // " \ / and what should not be there
			to = append(to, e)
		}
	}
	return to
}

func hex4(b []byte) rune {
	if len(b) < 4 {
		return -1
	}
	var r rune
	for _, c := range b[:4] {
		switch {
		case isDigit(c):
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return -1
		}
	}
	return r
}
