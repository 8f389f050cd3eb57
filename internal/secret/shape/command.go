package shape

import "strings"

// wordSeparator reads the place of a value that is only set apart by blanks:
// behind a flag, behind a directive, behind "is".
func (s *scanner) wordSeparator(a *assignment, at int) bool {
	raw := s.text[a.from:a.end]
	flag := raw[0] == '-'
	bracketed := at > 0 && byteAt(s.text, a.end) == ')'
	directive := flag || isDirective(raw) || prefixedFold(raw, 0, "x-")
	switch {
	case a.open.text != "":
		next := run(s.text, at, 16, func(b byte) bool { return blank(b) || b == ',' || b == ')' || digit(b) || b == 'a' || b == '=' })
		q, inner := quoteAt(s.text, next)
		a.sep, a.value = ' ', next
		if q.text != a.open.text || next == a.end+len(a.open.text) || !directive && !s.firstArgument(a, at) {
			return false
		}
		_, after := q.end(s.text, inner)
		return byteAt(s.text, after) != ':' // else the next name of an object
	case byteAt(s.text, at) == ',' && byteAt(s.text, a.from-1) == '{':
		a.sep, a.value = ',', run(s.text, at+1, 8, space) // {password,"x"} of Erlang
		return true
	case prefixed(s.text, at, "->"):
		v := s.text[at+2 : s.bareEnd(at+2, false)]
		a.sep, a.value = '=', at+2
		return len(v) >= 8 && count(v, digit) > 0
	case !a.spaced:
		return false
	case bracketed:
		return false
	case directive, s.afterLogin(a.from), s.afterSet(a.from), s.afterWith(*a, at):
		a.sep, a.value = ' ', s.pastMaster(raw, at)
		return byteAt(s.text, at) != '-'
	case (byteAt(s.text, at) == '\'' || byteAt(s.text, at) == '"') && strings.EqualFold(raw, "password"):
		a.sep, a.value = ' ', at // ALTER ROLE app PASSWORD 'x'
		return true
	}
	for _, word := range []string{"is ", "was ", "is: ", "was: "} {
		if prefixedFold(s.text, at, word) {
			a.sep, a.value = 'i', at+len(word)
			return true
		}
	}
	for _, operator := range []string{"<> ", "!= ", "<>", "!=", "like ", "ilike ", "in (", "in("} {
		if prefixedFold(s.text, at, operator) {
			a.sep, a.value, a.literal = '=', at+len(strings.TrimSuffix(operator, "(")), true
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
	word := back(t, wordEnd, s.floor(), 64, func(b byte) bool { return nameByte(b) || b == '@' || b == '\\' })
	keyEnd := back(t, word, s.floor(), 4, space)
	if wordEnd == from || word == wordEnd || keyEnd == word || t[wordEnd-1] == ',' || common[t[word:wordEnd]] {
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

// afterWith reports whether a name stands in a phrase like "with password
// x9y8", and what follows is no word.
func (s *scanner) afterWith(a assignment, at int) bool {
	word := back(s.text, max(a.from-1, 0), s.floor(), 8, alpha)
	switch strings.ToLower(s.text[word:max(a.from-1, word)]) {
	case "with", "using", "and":
		v := s.text[at:s.bareEnd(at, false)]
		return count(v, digit) > 0 && count(v, alpha) > 0 && !methods[strings.ToLower(v)]
	}
	return false
}

// methods are ways to check a password, which phrases name too.
var methods = map[string]bool{"md5": true, "scram-sha-256": true, "sha256": true, "sha-256": true, "pbkdf2": true, "argon2": true, "argon2id": true, "oauth2": true}

// firstArgument reports whether a quoted name is the first argument of a call
// and a value follows: define('DB_PASSWORD', 'x'). SQL's IN is no call.
func (s *scanner) firstArgument(a *assignment, at int) bool {
	bracket := a.from - len(a.open.text) - 1
	if byteAt(s.text, at) != ',' || byteAt(s.text, bracket) != '(' || !wordByte(byteAt(s.text, bracket-1)) {
		return false
	}
	callee := back(s.text, bracket, s.floor(), 8, wordByte)
	return !strings.EqualFold(s.text[callee:bracket], "in") && !strings.EqualFold(s.text[callee:bracket], "values")
}

// shortFlags are the commands that take a password behind a flag of one letter.
// Where the same letter is a port or a path elsewhere, the command decides.
var shortFlags = []struct {
	command, flag string
	attached      bool   // only as in -psecret: apart, it would be something else
	user          string // what stands between user and password, where both are there
}{
	{"mysql", "-p", true, ""}, {"mysqldump", "-p", true, ""}, {"mysqladmin", "-p", true, ""}, {"mariadb", "-p", true, ""}, {"mariadb-dump", "-p", true, ""}, {"mycli", "-p", true, ""},
	{"sshpass", "-p", false, ""},
	{"mongo", "-p", false, ""}, {"mongosh", "-p", false, ""}, {"mongodump", "-p", false, ""}, {"mongorestore", "-p", false, ""},
	{"docker login", "-p", false, ""}, {"podman login", "-p", false, ""}, {"helm registry login", "-p", false, ""}, {"az login", "-p", false, ""}, {"oc login", "-p", false, ""},
	{"redis-cli", "-a", false, ""}, {"valkey-cli", "-a", false, ""}, {"redis-benchmark", "-a", false, ""},
	{"ldapsearch", "-w", false, ""}, {"ldapmodify", "-w", false, ""}, {"ldapadd", "-w", false, ""},
	{"sqlcmd", "-P", false, ""}, {"cqlsh", "-p", false, ""}, {"rabbitmqadmin", "-p", false, ""}, {"zip", "-P", false, ""},
	{"curl", "-u", false, ":"}, {"curl", "-U", false, ":"}, {"curl", "--user", false, ":"}, {"curl", "--proxy-user", false, ":"}, {"http", "-a", false, ":"}, {"lftp", "-u", false, ","}, {"smbclient", "-U", false, "%"}, {"cypher-shell", "-p", false, ""},
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
		if (i == 0 || !wordByte(line[i-1]) && line[i-1] != '-') && (space(after) || strings.IndexByte("\"',:", after) >= 0) {
			return rest == "" || strings.Contains(line[i:], rest)
		}
		tries++
	}
	return false
}

// flagValue takes the value of a flag: behind it, or in the next argument.
func (s *scanner) flagValue(at int, attached bool, user string) bool {
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
	if user != "" {
		colon := strings.Index(t[inner:end], user)
		if colon < 0 {
			return false
		}
		inner += colon + 1
	}
	if q.text == "" && end > inner && t[end-1] == ')' && !strings.Contains(t[inner:end], "(") {
		end--
	}
	v := t[inner:end]
	return !elsewhere(v) && v[0] != '-' && s.add(Span{From: inner, To: end, Kind: Password})
}

// loginArgument takes the password in `sqlplus app/secret@db` and in HAProxy's
// `stats auth app:secret`.
func (s *scanner) loginArgument(from, end int) bool {
	t, sep := s.text, byte('/')
	if prefixedFold(t, from, "auth") {
		if sep = ':'; !prefixedFold(t, from-len("stats "), "stats ") {
			return false
		}
	}
	user := run(t, end, 4, space)
	cut := run(t, user, 64, nameByte)
	if user == end || cut == user || byteAt(t, cut) != sep {
		return false
	}
	to := run(t, cut+1, 256, func(b byte) bool { return b > ' ' && b != '"' && b != '\'' && (b != '@' || sep == ':') })
	return to > cut+1 && !elsewhere(t[cut+1:to]) && s.add(Span{From: cut + 1, To: to, Kind: Password})
}
