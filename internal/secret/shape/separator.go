package shape

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
		i = s.equals(a, i)
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

// equals reads an equals sign, and what programs write with one: == and =~
// compare, so that only a quoted value behind them counts; => assigns.
func (s *scanner) equals(a *assignment, at int) int {
	a.sep = '='
	switch byteAt(s.text, at+1) {
	case '=', '~':
		a.literal = true
		return at + 2
	case '>':
		return at + 2
	}
	return at + 1
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
