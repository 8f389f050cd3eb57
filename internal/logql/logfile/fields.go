package logfile

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// eachField walks over the fields of a JSON object, and stops when visit says
// so. raw is the value as it is written. It reports whether it came to the end
// of an object that is well formed as far as it was looked at.
func eachField(line []byte, visit func(key, raw []byte) bool) bool {
	i := skipBlank(line, 0)
	if i >= len(line) || line[i] != '{' {
		return false
	}
	if i = skipBlank(line, i+1); i < len(line) && line[i] == '}' {
		return true
	}
	for i < len(line) && line[i] == '"' {
		end := stringEnd(line, i)
		if end < 0 {
			return false
		}
		key := line[i+1 : end-1]
		if i = skipBlank(line, end); i >= len(line) || line[i] != ':' {
			return false
		}
		i = skipBlank(line, i+1)
		if end = valueEnd(line, i); end < 0 || end == i {
			return false
		}
		if !visit(key, line[i:end]) {
			return true
		}
		if i = skipBlank(line, end); i >= len(line) {
			return false
		}
		switch line[i] {
		case '}':
			return true
		case ',':
			i = skipBlank(line, i+1)
		default:
			return false
		}
	}
	return false
}

func skipBlank(line []byte, i int) int {
	for i < len(line) && (line[i] == ' ' || line[i] == '\t' || line[i] == '\n' || line[i] == '\r') {
		i++
	}
	return i
}

// stringEnd returns the offset after the JSON string that begins at i, or -1.
func stringEnd(line []byte, i int) int {
	for from := i + 1; from < len(line); {
		n := bytes.IndexByte(line[from:], '"')
		if n < 0 {
			return -1
		}
		quote := from + n
		slashes := 0
		for k := quote - 1; k > i && line[k] == '\\'; k-- {
			slashes++
		}
		if slashes%2 == 0 {
			return quote + 1
		}
		from = quote + 1
	}
	return -1
}

// valueEnd returns the offset after the JSON value that begins at i, or -1.
func valueEnd(line []byte, i int) int {
	if i >= len(line) {
		return -1
	}
	switch line[i] {
	case '"':
		return stringEnd(line, i)
	case '{', '[':
		depth := 0
		for i < len(line) {
			switch line[i] {
			case '"':
				if i = stringEnd(line, i); i < 0 {
					return -1
				}
				continue
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
			i++
		}
		return -1
	}
	for i < len(line) && line[i] != ',' && line[i] != '}' && line[i] != ']' && line[i] > ' ' {
		i++
	}
	return i
}

// isString reports whether a raw value is a string.
func isString(raw []byte) bool { return len(raw) >= 2 && raw[0] == '"' }

// text returns the text of a raw string, of the line itself where nothing in it
// is escaped, else appended to room.
func text(room, raw []byte) []byte {
	if !isString(raw) {
		return raw
	}
	inner := raw[1 : len(raw)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return inner
	}
	return unquote(room, inner)
}

// unquote appends the text between the quotes of a JSON string. What is no
// escape of JSON stays as it is written.
func unquote(out, raw []byte) []byte {
	for len(raw) > 0 {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 || i+1 >= len(raw) {
			return append(out, raw...)
		}
		out = append(out, raw[:i]...)
		c := raw[i+1]
		raw = raw[i+2:]
		switch c {
		case 'n':
			out = append(out, '\n')
		case 't':
			out = append(out, '\t')
		case 'r':
			out = append(out, '\r')
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case '"', '\\', '/':
			out = append(out, c)
		case 'u':
			r, ok := hex4(raw)
			if !ok {
				out = append(out, '\\', 'u')
				continue
			}
			raw = raw[4:]
			if utf16.IsSurrogate(r) {
				r, raw = otherHalf(r, raw)
			}
			out = utf8.AppendRune(out, r)
		default:
			out = append(out, '\\', c)
		}
	}
	return out
}

// otherHalf reads the second half of a character above U+FFFF.
func otherHalf(first rune, raw []byte) (rune, []byte) {
	if len(raw) >= 6 && raw[0] == '\\' && raw[1] == 'u' {
		if second, ok := hex4(raw[2:]); ok {
			if r := utf16.DecodeRune(first, second); r != utf8.RuneError {
				return r, raw[6:]
			}
		}
	}
	return utf8.RuneError, raw
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	n := rune(0)
	for _, c := range b[:4] {
		switch {
		case c >= '0' && c <= '9':
			n = n<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			n = n<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			n = n<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return n, true
}
