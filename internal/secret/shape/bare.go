package shape

import "strings"

// bare takes a value that is not quoted.
func (s *scanner) bare(a assignment) {
	if a.reading == weak {
		if Masked(s.text[a.value:]) > 0 || s.token(a.value) {
			return // what follows is left: Credential=AKIA…/20260301/eu-west-1
		}
	}
	from, end := s.bareValue(a)
	if from >= end {
		return
	}
	v := s.text[from:end]
	if prefixed(v, 0, "-----BEGIN") || elsewhere(v) || !believed(a, v) || s.variable(a, v) || s.code(a, v, end) || s.prose(a, v, end) {
		return
	}
	span := Span{From: from, To: end, Kind: a.kind, coding: percent}
	if a.open.text != "" && a.sep == ':' && all(v, numberByte) {
		span.Quote = a.open.text
	}
	s.add(span)
}

// bareValue is where a value that is not quoted begins and ends, with what the
// languages around it put there.
func (s *scanner) bareValue(a assignment) (from, end int) {
	t, from := s.text, a.value
	switch {
	case a.sep == '>':
		end = run(t, from, 4096, func(b byte) bool { return b != '<' && b != '\n' && b != '"' })
		if !prefixed(t, end, "</") {
			return 0, 0 // <password> in a text about a command
		}
		return from, end
	case a.sep == ':' && byteAt(t, from) == '&': // an anchor of YAML
		from = run(t, run(t, from+1, 64, nameByte), 4, space)
	case a.sep == ' ' && prefixed(t, from, "pass:"): // openssl
		from += len("pass:")
	}
	end = s.bareEnd(from, a.coded)
	if a.sep == '=' && s.environment(a) {
		end = s.enclosed(a, end)
	}
	if a.sep == '=' && byteAt(t, from) == '{' { // ODBC quotes with braces
		if end < from+2 || t[end-1] != '}' || parameter(t[from:end]) {
			return 0, 0
		}
		return from + 1, end - 1
	}
	return from, end
}

func numberByte(b byte) bool { return digit(b) || b == '-' || b == '+' || b == '.' || b|0x20 == 'e' }

// bareEnd is where a value ends that begins at from and is not quoted. In a
// query that is part of another address, signs are coded.
func (s *scanner) bareEnd(from int, coded bool) int {
	t := s.text
	depth := 0
	i := from
loop:
	for i < len(t) {
		switch b := t[i]; b {
		case '"', '`', '<', '>':
			break loop
		case '\'':
			if !alnum(byteAt(t, i+1)) || i == from {
				break loop
			}
		case '\\':
			n := escapeLen(t[i:])
			if next := byteAt(t, i+n); n > 0 && (alpha(t[i+n-1]) || hexByte(t[i+n-1]) || next == '"' || next == '\'') {
				break loop // \n, \u0026 or \"
			}
			i += n
			continue
		case ',', ';', '&':
			if s.nextItem(i) {
				break loop
			}
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth == 0 && !alnum(byteAt(t, i+1)) {
				break loop
			}
			depth--
		case '%':
			if !coded {
				break
			}
			if sep := t[min(i+1, len(t)):min(i+3, len(t))]; sep == "26" || sep == "22" || sep == "27" || sep == "20" {
				break loop
			}
		case '|':
			if c := byteAt(t, i+1); c == 0 || space(c) || c == '|' {
				break loop
			}
		default:
			if b <= ' ' {
				break loop
			}
		}
		i++
	}
	// A full stop, or what else ends a sentence, is not part of the value.
	if i > from+1 && (i == len(t) || t[i] <= ' ') && (t[i-1] == '.' || t[i-1] == ':') {
		i--
	}
	return i
}

// nextItem reports whether a comma, semicolon or ampersand at a place ends the
// value before it: whether what follows begins something new.
func (s *scanner) nextItem(at int) bool {
	t := s.text
	if t[at] == '&' {
		for _, e := range []string{"&amp;", "&quot;", "&#"} {
			if prefixed(t, at, e) {
				return true
			}
		}
	}
	b := byteAt(t, at+1)
	if b <= ' ' || strings.IndexByte("\"'`\\{}[])(;&", b) >= 0 {
		return true
	}
	end := run(t, at+1, 48, func(b byte) bool { return nameByte(b) || b == '%' || b == '[' || b == ']' || b == ' ' })
	b = byteAt(t, end)
	return end > at+1 && (b == '=' || b == ':')
}

// environment reports whether a name is written like an environment variable.
func (s *scanner) environment(a assignment) bool {
	return all(s.text[a.from:a.end], func(b byte) bool { return upper(b) || digit(b) || b == '_' })
}

// enclosed is where the value of an environment variable ends whose whole
// setting is quoted, as in "Env": ["DB_PASSWORD=two words"].
func (s *scanner) enclosed(a assignment, end int) int {
	at := a.from - 1
	if b := byteAt(s.text, at); b != '"' && b != '\'' {
		return end
	}
	q, _ := quoteAt(s.text, back(s.text, at, s.floor(), 16, isBackslash))
	closed, next := q.end(s.text, a.value)
	if next == closed || !space(byteAt(s.text, end)) || strings.Contains(s.text[end:max(end, closed)], "=") {
		return end
	}
	return max(end, closed)
}
