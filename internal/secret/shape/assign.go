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

// named is a name that was read as a value, as in {"name": "X", "value": "Y"}.
type named struct {
	reading reading
	kind    Kind
	until   int // where its value must have begun
}

// nameReach is how far behind a name its value may stand, in bytes.
const nameReach = 200

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

// separator reads what stands between a name and its value.
func (s *scanner) separator(a *assignment) bool {
	t, i := s.text, a.end
	a.open, i = quoteAt(t, i)
	bracketed := byte(0)
	if b := byteAt(t, i); b == ']' || b == ')' {
		bracketed = b
		i++
	} else if prefixedFold(t, i, "%5d") {
		i += 3
	}
	i = unstyled(t, i)
	gap := i
	i = run(t, i, 64, space)
	a.spaced = i > gap
	switch b := byteAt(t, i); {
	case b == '=':
		a.sep, i = '=', i+1
		switch byteAt(t, i) {
		case '=', '~':
			a.literal = true
			i++
		case '>':
			i++
		}
		if bracketed == ')' && byteAt(t, i) != '(' {
			return false
		}
	case b == ':' && byteAt(t, i+1) == '=':
		a.sep, i = '=', i+2
	case b == ':' && byteAt(t, i+1) != ':' && bracketed != ')':
		a.sep, i = ':', i+1
	case prefixed(t, i, ":: ") && s.firstOnLine(a.from):
		a.sep, i = ':', i+2 // LDIF, with the value in base64
	case a.open.text == "" && s.opensElement(a.from):
		a.sep, i = '>', elementEnd(t, i)
		if i < 0 {
			return false
		}
	case prefixedFold(t, i, "%3d"):
		a.sep, a.coded, i = '=', true, i+3
	case prefixedFold(t, i, "%3a"):
		a.sep, a.coded, i = ':', true, i+3
	case prefixed(t, i, `\u003d`):
		a.sep, i = '=', i+6
	default:
		return s.wordSeparator(a, i)
	}
	i = unstyled(t, i)
	a.value = unstyled(t, run(t, i, 256, space))
	a.tight = a.value == i
	return true
}

// opensElement reports whether a name is that of an XML element which begins
// there, with or without a namespace.
func (s *scanner) opensElement(from int) bool {
	if byteAt(s.text, from-1) == ':' {
		from = back(s.text, from-1, s.floor(), 32, nameByte)
	}
	return byteAt(s.text, from-1) == '<'
}

// elementEnd is where the content of an element begins whose attributes may
// stand at a place, and -1 where there is none.
func elementEnd(text string, at int) int {
	end := run(text, at, 200, func(b byte) bool { return b != '>' && b != '<' && b != '\n' && b != '/' })
	if byteAt(text, end) != '>' {
		return -1
	}
	return end + 1
}

// unstyled skips the escape sequences with which terminals are coloured.
func unstyled(text string, at int) int {
	for prefixed(text, at, "\x1b[") {
		end := run(text, at+2, 16, func(b byte) bool { return digit(b) || b == ';' })
		if byteAt(text, end) != 'm' {
			break
		}
		at = end + 1
	}
	return at
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

// readNamed reads the name in {"name": "DB_PASSWORD", "value": "x"}, whose
// value comes later.
func (s *scanner) readNamed(a assignment) {
	at := a.value
	if _, from := s.valueQuote(a); from > at {
		at = from
	}
	end := run(s.text, at, longestName, func(b byte) bool { return nameByte(b) || b == '/' })
	w := readName(s.text[at:end])
	s.names = named{}
	switch r, kind := w.reading(); r {
	case hard, soft, httpAuth, cookies, setCookie:
		s.names = named{r, kind, end + nameReach}
		if prefixed(s.text, a.from-len("; "), "; ") {
			s.formField(kind, end)
		}
	}
}

// formField takes the value of a field of a form, which stands below its name:
// name="password", an empty line, the value.
func (s *scanner) formField(kind Kind, end int) {
	_, at := quoteAt(s.text, end)
	from := run(s.text, at, 4, func(b byte) bool { return b == '\r' || b == '\n' })
	if at == end || strings.Count(s.text[at:from], "\n") != 2 {
		return
	}
	to := run(s.text, from, 1024, func(b byte) bool { return b != '\r' && b != '\n' })
	if !elsewhere(s.text[from:to]) {
		s.add(Span{From: from, To: to, Kind: kind})
	}
}

// believed reports whether a value is what its name says.
func believed(a assignment, v string) bool {
	switch a.reading {
	case hard:
		return !allDigits(v) || len(v) >= 4
	case soft:
		return !allDigits(v) || len(v) >= 6
	case weak:
		return random(v) || userAndPassword(v)
	case digits:
		return numbered(a.kind, v)
	}
	return false
}

// numbered reports whether a value has as many digits as the number that its
// name speaks of.
func numbered(kind Kind, v string) bool {
	n := count(v, digit)
	if n+count(v, func(b byte) bool { return b == ' ' || b == '-' }) != len(v) {
		return false
	}
	switch kind {
	case SSN:
		return n == 9
	case Token:
		return n >= 4 && n <= 8
	}
	return n == 3 || n == 4 || n >= 12 && n <= 19
}
