package shape

import "strings"

// bare takes a value that is not quoted.
func (s *scanner) bare(a assignment) {
	from := a.value
	if a.reading == weak && Masked(s.text[from:]) > 0 {
		return
	}
	if a.reading == weak && from+1 < len(s.text) && begins.has(s.text[from], s.text[from+1]) && s.token(from) {
		return // and what follows it is left: Credential=AKIA…/20260301/eu-west-1
	}
	if a.sep == ':' && byteAt(s.text, from) == '&' { // behind an anchor of YAML
		from = run(s.text, run(s.text, from+1, 64, nameByte), 4, space)
		a.value = from
	}
	end := s.bareEnd(from, a.coded)
	switch {
	case a.sep == '=' && s.environment(a):
		end = s.enclosed(a, end)
	case a.sep == '>':
		end = run(s.text, from, 4096, func(b byte) bool { return b != '<' && b != '\n' && b != '"' })
		if !prefixed(s.text, end, "</") {
			return // <password> in a text about a command
		}
	}
	if a.sep == '=' && byteAt(s.text, from) == '{' {
		if end < from+2 || s.text[end-1] != '}' {
			return
		}
		from, end = from+1, end-1 // {text} is how ODBC quotes
		if all(s.text[from:end], nameByte) && count(s.text[from:end], digit) == 0 {
			return // {name} is a place in a template
		}
	}
	if a.sep == ' ' && prefixed(s.text, from, "pass:") {
		from += len("pass:") // openssl
	}
	if from >= end {
		return
	}
	v := s.text[from:end]
	if v[0] == '$' && all(v[1:], func(b byte) bool { return alpha(b) || b == '_' }) {
		return // a variable
	}
	if a.sep == ' ' && strings.HasSuffix(strings.ToLower(s.text[a.from:a.end]), strings.ToLower(v)) {
		return // --token TOKEN
	}
	if strings.EqualFold(s.text[a.from:a.end], "pwd") && (v[0] == '/' || strings.Contains(v, `:\`)) {
		return // the directory
	}
	if prefixed(v, 0, "-----BEGIN") || elsewhere(v) || !believed(a, v) || s.code(a, v, end) || s.prose(a, v, end) {
		return
	}
	span := Span{From: from, To: end, Kind: a.kind, coding: percent}
	if a.open.text != "" && a.sep == ':' && all(v, numberByte) {
		span.Quote = a.open.text
	}
	s.add(span)
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

// code reports whether a bare value is a piece of program: a variable, a call.
func (s *scanner) code(a assignment, v string, end int) bool {
	word := run(v, 0, len(v), func(b byte) bool { return alpha(b) || b == '_' || b == '.' })
	if word >= 2 && word < len(v) && v[word] == '{' {
		return true // token := Token{…}
	}
	if word >= 2 && word < len(v) && (v[word] == '(' || v[word] == '[') {
		b := byteAt(s.text, end)
		last := v[len(v)-1]
		return last == ')' || last == ']' || last == '(' || last == '[' || b == ',' || b == '"' || b == '\''
	}
	if word == len(v) && a.sep == ':' && upper(v[0]) && byteAt(s.text, end) == '<' {
		return true // password: Option<String>
	}
	if a.sep == ':' && !a.tight && word == len(v) && byteAt(s.text, end) == ',' {
		w := readName(v)
		if r, _ := w.reading(); (r == hard || r == soft) && count(v, upper) > 0 {
			return true // Password: theirPassword, in a literal of a program
		}
	}
	if word != len(v) || a.sep != '=' {
		return false
	}
	if a.spaced && !s.firstOnLine(a.from) {
		return true // WHERE token = other.column
	}
	w := readName(v)
	r, _ := w.reading()
	known := r == hard || r == soft
	if known && a.spaced && strings.Contains(s.text[a.from:a.end], ".") && strings.HasSuffix(strings.ToLower(s.text[a.from:a.end]), strings.ToLower(v)) {
		return true // this.token = token
	}
	return known && (strings.Contains(v, ".") || s.argument(a, end))
}

// argument reports whether an assignment stands among the arguments of a call.
func (s *scanner) argument(a assignment, end int) bool {
	before, after := byteAt(s.text, a.from-1), byteAt(s.text, end)
	if before == ' ' {
		before = byteAt(s.text, a.from-2)
	}
	return (before == '(' || before == ',') && (after == ')' || after == ',')
}

// prose reports whether a name is part of a sentence and no value follows it:
// "invalid password: must be longer", "wrong token: expired".
func (s *scanner) prose(a assignment, v string, end int) bool {
	if a.sep == '=' || a.open.text != "" && a.open.sign != '`' || !all(strings.TrimRight(v, ".,;:!?"), func(b byte) bool { return alpha(b) || b == '-' || b == '\'' || b == '_' }) {
		return a.sep == 'i' && (count(v, digit) == 0 || count(v, alnum) == count(v, digit) || len(v) < 6)
	}
	if a.sep == 'i' {
		return true
	}
	if a.sep == ':' && a.tight {
		b := byteAt(s.text, a.from-1) // "token:name" is a key of a cache
		return (b == '"' || b == '\'') && byteAt(s.text, end) == b
	}
	next := run(s.text, end, 64, func(b byte) bool { return space(b) || b == ',' || b == '.' })
	if next > end && alpha(byteAt(s.text, next)) {
		word := run(s.text, next, 48, nameByte)
		if b := byteAt(s.text, word); b != '=' && b != ':' {
			return a.sep == ':' || common[strings.ToLower(v)]
		}
	}
	if a.sep == ' ' {
		return common[strings.ToLower(v)]
	}
	return a.sep == ':' && byteAt(s.text, a.from-1) == ' ' && alpha(byteAt(s.text, a.from-2))
}

// common are words that stand behind the name of a flag in a sentence about it.
var common = func() map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(`to is are or and flag option argument must was for when in from with not cannot requires required if
		on as value parameter instead has should can will also using without by of the a an it given failed missing error
		authentication authenticated called invalid incorrect correct ok success plain login`) {
		set[w] = true
	}
	return set
}()

// firstOnLine reports whether only blanks, dashes and comment signs stand
// before a place on its line.
func (s *scanner) firstOnLine(at int) bool {
	return strings.Trim(s.text[s.lineStart(at):at], " \t-#;") == ""
}
