package shape

import "strings"

// wordSeparator reads the place of a value that is only set apart by blanks:
// behind a flag, behind a directive, behind "is".
func (s *scanner) wordSeparator(a *assignment, at int) bool {
	raw := s.text[a.from:a.end]
	flag := raw[0] == '-'
	directive := flag || isDirective(raw)
	switch {
	case a.open.text != "":
		next := run(s.text, at, 16, func(b byte) bool { return blank(b) || b == ',' || b == ')' || digit(b) })
		q, _ := quoteAt(s.text, next)
		a.sep, a.value = ' ', next
		return directive && next > a.end+len(a.open.text) && q.text == a.open.text
	case !a.spaced:
		return false
	case directive, s.afterLogin(a.from), s.afterSet(a.from):
		a.sep, a.value = ' ', s.pastMaster(raw, at)
		return byteAt(s.text, at) != '-'
	case (byteAt(s.text, at) == '\'' || byteAt(s.text, at) == '"') && strings.EqualFold(raw, "password"):
		a.sep, a.value = ' ', at // ALTER ROLE app PASSWORD 'x'
		return true
	}
	for _, word := range []string{"is ", "was "} {
		if prefixedFold(s.text, at, word) {
			a.sep, a.value = 'i', at+len(word)
			return true
		}
	}
	for _, operator := range []string{"<> ", "!= ", "<>", "!=", "like ", "ilike ", "in (", "in("} {
		if prefixedFold(s.text, at, operator) {
			a.sep, a.value, a.literal = '=', at+len(operator), true
			return true
		}
	}
	return false
}

// isDirective reports whether a name is a setting of Redis, which are written
// with a blank.
func isDirective(raw string) bool {
	return len(raw) <= len("requirepass") && directives[strings.ToLower(raw)]
}

var directives = map[string]bool{"requirepass": true, "masterauth": true, "primaryauth": true, "auth-pass": true}

// pastMaster skips the name in `sentinel auth-pass mymaster secret`.
func (s *scanner) pastMaster(raw string, at int) int {
	if !strings.EqualFold(raw, "auth-pass") {
		return at
	}
	word := run(s.text, at, 64, nameByte)
	next := run(s.text, word, 8, space)
	if next > word && next < len(s.text) && s.text[next] > ' ' {
		return next
	}
	return at
}

// afterLogin reports whether a name stands behind the name of a user, as in
// .netrc: login app password x.
func (s *scanner) afterLogin(from int) bool {
	t := s.text
	wordEnd := back(t, from, s.floor(), 4, space)
	word := back(t, wordEnd, s.floor(), 64, func(b byte) bool { return b > ' ' && b != '"' })
	keyEnd := back(t, word, s.floor(), 4, space)
	if wordEnd == from || word == wordEnd || keyEnd == word {
		return false
	}
	switch strings.ToLower(t[back(t, keyEnd, s.floor(), 12, alpha):keyEnd]) {
	case "login", "user", "username":
		return true
	}
	return false
}

// afterSet reports whether a name stands behind "set": aws configure set NAME value.
func (s *scanner) afterSet(from int) bool {
	return prefixedFold(s.text, from-len(" set "), " set ")
}

// shortFlags are the commands that take a password behind a flag of one letter.
// Where the same letter is a port or a path elsewhere, the command decides.
var shortFlags = []struct {
	command, flag string
	attached      bool // only as in -psecret: apart, it would be something else
	user          bool // user:password
}{
	{"mysql", "-p", true, false}, {"mysqldump", "-p", true, false}, {"mysqladmin", "-p", true, false}, {"mariadb", "-p", true, false}, {"mariadb-dump", "-p", true, false}, {"mycli", "-p", true, false},
	{"sshpass", "-p", false, false},
	{"mongo", "-p", false, false}, {"mongosh", "-p", false, false}, {"mongodump", "-p", false, false}, {"mongorestore", "-p", false, false},
	{"docker login", "-p", false, false}, {"podman login", "-p", false, false}, {"helm registry login", "-p", false, false}, {"az login", "-p", false, false}, {"oc login", "-p", false, false},
	{"redis-cli", "-a", false, false}, {"valkey-cli", "-a", false, false}, {"redis-benchmark", "-a", false, false},
	{"ldapsearch", "-w", false, false}, {"ldapmodify", "-w", false, false}, {"ldapadd", "-w", false, false},
	{"sqlcmd", "-P", false, false}, {"cqlsh", "-p", false, false}, {"rabbitmqadmin", "-p", false, false}, {"zip", "-P", false, false},
	{"curl", "-u", false, true}, {"curl", "-U", false, true}, {"curl", "--user", false, true}, {"curl", "--proxy-user", false, true}, {"http", "-a", false, true}, {"cypher-shell", "-p", false, false},
}

// shortFlag takes the password behind a flag of one letter.
func (s *scanner) shortFlag(at int) bool {
	t := s.text
	before := byteAt(t, at-1)
	if at > 0 && !space(before) && before != '"' && before != '\'' || !alpha(byteAt(t, at+1)) && !prefixed(t, at, "--") {
		return false
	}
	for _, f := range shortFlags {
		if prefixed(t, at, f.flag) && s.runs(f.command, at) {
			return s.flagValue(at+len(f.flag), f.attached, f.user)
		}
	}
	return false
}

// runs reports whether a command stands before a place, on the same line.
func (s *scanner) runs(command string, at int) bool {
	low := max(s.lineStart(at), at-300)
	line := s.text[low:at]
	first, rest, _ := strings.Cut(command, " ")
	i := strings.LastIndex(line, first)
	for tries := 0; i >= 0 && tries < 4; i = strings.LastIndex(line[:i], first) {
		after := byteAt(line, i+len(first))
		if (i == 0 || !wordByte(line[i-1]) && line[i-1] != '-') && (space(after) || after == '"' || after == '\'' || after == ',') {
			return rest == "" || strings.Contains(line[i:], rest)
		}
		tries++
	}
	return false
}

// flagValue takes the value of a flag: behind it, or in the next argument.
func (s *scanner) flagValue(at int, attached, user bool) bool {
	t := s.text
	from := at
	if b := byteAt(t, at); b == '"' || b == '\'' || b == '\\' { // "-p", "secret"
		_, from = quoteAt(t, at)
	}
	from = run(t, from, 16, func(b byte) bool { return space(b) || b == ',' || b == '=' })
	if attached && from != at {
		return false
	}
	q, inner := quoteAt(t, from)
	end := run(t, inner, 512, func(b byte) bool { return b > ' ' && b != '"' && b != '\'' && b != '\\' })
	if q.text != "" {
		end, _ = q.end(t, inner)
	}
	if user {
		colon := strings.IndexByte(t[inner:end], ':')
		if colon < 0 {
			return false
		}
		inner += colon + 1
	}
	v := t[inner:end]
	return !elsewhere(v) && v[0] != '-' && s.add(Span{From: inner, To: end, Kind: Password})
}
