package shape

import "strings"

// variable reports whether a value is a variable, the name of a flag again, or
// the working directory that shells keep in PWD.
func (s *scanner) variable(a assignment, v string) bool {
	name := s.text[a.from:a.end]
	switch {
	case v[0] == '$':
		return all(v[1:], func(b byte) bool { return alpha(b) || b == '_' })
	case a.sep == ' ':
		return strings.HasSuffix(strings.ToLower(name), strings.ToLower(v)) // --token TOKEN
	}
	return strings.EqualFold(name, "pwd") && (v[0] == '/' || strings.Contains(v, `:\`))
}

// code reports whether a bare value is a piece of program: a variable, a call.
func (s *scanner) code(a assignment, v string, end int) bool {
	word := run(v, 0, len(v), func(b byte) bool { return alpha(b) || b == '_' || b == '.' })
	switch {
	case a.sep == '=' && s.environment(a):
		return false
	case word < 2:
		return false
	case word < len(v):
		return s.expression(a, v, word, end)
	case a.sep == ':':
		after := byteAt(s.text, end)
		return upper(v[0]) && after == '<' || // password: Option<String>
			!a.tight && after == ',' && count(v, upper) > 0 && NamesSecret(v) // Password: theirPassword,
	case a.sep != '=':
		return false
	case a.spaced && !s.firstOnLine(a.from):
		return true // WHERE token = other.column
	case !NamesSecret(v):
		return false
	}
	name := strings.ToLower(s.text[a.from:a.end])
	return strings.Contains(v, ".") || s.argument(a, end) ||
		a.spaced && strings.Contains(name, ".") && strings.HasSuffix(name, strings.ToLower(v)) // this.token = token
}

// expression reports whether a value that begins with a word goes on as a call,
// an index, or the literal of a type.
func (s *scanner) expression(a assignment, v string, word, end int) bool {
	last, after := v[len(v)-1], byteAt(s.text, end)
	switch v[word] {
	case '{':
		return a.spaced && (last == '{' || last == '}')
	case '(', '[':
		return strings.IndexByte(")]([", last) >= 0 || after == ',' || after == '"' || after == '\''
	}
	return false
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
	line := s.lineStart(at)
	return at-line <= 64 && strings.Trim(s.text[line:at], " \t-#;") == ""
}
