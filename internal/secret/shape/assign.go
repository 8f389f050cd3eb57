package shape

import "strings"

// assignment is a name in a text with the place where its value begins.
type assignment struct {
	from, end int // the name
	reading   reading
	kind      Kind
	open      quote // what the name is quoted with
	sep       byte  // '=' ':' '>' (XML) 'i' (is) ' ' (a flag, an argument)
	spaced    bool  // blanks stand before the separator
	tight     bool  // no blank stands behind it
	coded     bool  // the separator is written %3D: so are those behind the value
	literal   bool  // only a quoted value counts: a comparison, a call
	value     int   // where the value begins
}

// name asks whether the name of a secret ends here, and takes what it names.
func (s *scanner) name(wordFrom, end int) {
	if s.verb(wordFrom, end) || !mayAssign(s.text, end) {
		return
	}
	a := assignment{from: s.nameFrom(wordFrom), end: end}
	w := readName(s.text[a.from:end])
	a.reading, a.kind = w.reading()
	if a.reading == weak && s.oneTimeCode(&a) {
		return
	}
	if a.reading == harmless || !s.separator(&a) {
		return
	}
	if a.reading == valueOf {
		if s.names.reading == harmless || a.value > s.names.until {
			return
		}
		a.reading, a.kind = s.names.reading, s.names.kind
		s.names = named{}
	}
	s.take(a)
}

// mayAssign is a quick look at what stands behind a word.
func mayAssign(text string, at int) bool {
	switch byteAt(text, at) {
	case '=', ':', '"', '\'', '`', '\\', ' ', '\t', '>', ']', ')', '%', '&', ',', '-', 0x1b:
		return true
	}
	return false
}

// nameFrom is where the name begins that ends with the word at wordFrom: names
// go over dashes and dots, and "api key" over a blank.
func (s *scanner) nameFrom(wordFrom int) int {
	from := wordFrom
	if b := byteAt(s.text, from-1); b == '-' || b == '.' {
		from = back(s.text, from, s.floor(), longestName, nameByte)
	}
	if byteAt(s.text, wordFrom-1) == ' ' && prefixedFold(s.text, wordFrom, "key") {
		before := back(s.text, wordFrom-1, s.floor(), 12, alpha)
		switch strings.ToLower(s.text[before : wordFrom-1]) {
		case "api", "access", "secret", "private", "encryption", "signing", "account", "license":
			return before
		}
	}
	return from
}

// take reads the value and takes what of it is secret.
func (s *scanner) take(a assignment) {
	switch a.reading {
	case httpAuth, cookies, setCookie:
		s.header(a)
		return
	case nameOf:
		s.readNamed(a)
		return
	}
	if a.sep == ':' && s.grammar(a) {
		return
	}
	if q, from := s.valueQuote(a); q.text != "" && a.sep != '>' {
		s.quoted(a, q, from)
		return
	}
	switch b := byteAt(s.text, a.value); {
	case b == '[' || b == '(' && a.sep == '=':
		s.list(a)
	case a.literal, b == '{' && a.sep == ':' && !prefixed(s.text, a.value, "{{"):
	case a.sep == ':' && (b == '|' || b == '>') && s.block(a):
	default:
		s.bare(a)
	}
}

// grammar reports whether a name is a word about texts, not about secrets:
// "unexpected token: x".
func (s *scanner) grammar(a assignment) bool {
	if a.kind != Token || a.open.text != "" || byteAt(s.text, a.from-1) != ' ' {
		return false
	}
	before := back(s.text, a.from-1, s.floor(), 12, alpha)
	switch strings.ToLower(s.text[before : a.from-1]) {
	case "unexpected", "unknown", "illegal", "expected", "syntax", "near", "parse":
		return true
	}
	return false
}

// valueQuote reads the quote that opens a value. A letter before it, as in
// N'text' and b"text", belongs to the language around it, and so does Some(.
func (s *scanner) valueQuote(a assignment) (quote, int) {
	at := a.value
	if b := byteAt(s.text, at); alpha(b) {
		next := byteAt(s.text, at+1)
		switch {
		case next == '"' || next == '\'':
			at++
		case prefixed(s.text, at, "Some("):
			at += len("Some(")
		case prefixed(s.text, at, "string("): // PHP says how long
			at = run(s.text, at+len("string("), 8, digit)
			at = run(s.text, at, 2, func(b byte) bool { return b == ')' || b == ' ' })
		}
	}
	return quoteAt(s.text, at)
}

// quoted takes a quoted value.
func (s *scanner) quoted(a assignment, q quote, from int) {
	end, next := q.end(s.text, from)
	if prefixed(s.text, from, "-----BEGIN") {
		return
	}
	v := s.text[from:end]
	if believed(a, v) && !elsewhere(v) {
		s.add(Span{From: from, To: end, Kind: a.kind, coding: escaped})
		s.at = max(s.at, next)
	}
	if arrow := run(s.text, next, 4, space); next > end && prefixed(s.text, arrow, "-> ") {
		// a plan of changes shows what was and what will be
		if q, from := quoteAt(s.text, arrow+len("-> ")); q.text != "" {
			s.quoted(a, q, from)
		}
	}
}

// list takes the quoted values of a list: ["a", "b"], ('a', 'b'), or the bare
// one in (a).
func (s *scanner) list(a assignment) {
	at := a.value + 1
	for range 100 {
		at = run(s.text, at, 64, func(b byte) bool { return space(b) || b == ',' || b == '\n' })
		q, from := quoteAt(s.text, at)
		if q.text == "" {
			end := run(s.text, at, 64, func(b byte) bool { return nameByte(b) || b == '+' })
			if end == at || byteAt(s.text, end) != ',' {
				break
			}
			at = end // a number among the texts
			continue
		}
		end, next := q.end(s.text, from)
		if v := s.text[from:end]; believed(a, v) && !elsewhere(v) {
			s.add(Span{From: from, To: end, Kind: a.kind, coding: escaped})
		}
		if next == end {
			return
		}
		at = next
	}
	if at == a.value+1 && byteAt(s.text, a.end) == ')' {
		end := run(s.text, at, 512, func(b byte) bool { return b != ')' && b != '\n' && b != '"' })
		if v := s.text[at:end]; byteAt(s.text, end) == ')' && believed(a, v) && !elsewhere(v) {
			s.add(Span{From: at, To: end, Kind: a.kind})
		}
	}
}
