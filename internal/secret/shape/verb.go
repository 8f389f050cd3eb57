package shape

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// verbs are words that announce a secret without a separator.
var verbs = []string{"bearer", "basic", "by", "values", "auth", "for", "setuser", "user", "__construct", "mysqli_connect", "mysqli", "sqlplus"}

// verb takes what such a word announces.
func (s *scanner) verb(from, end int) bool {
	if end-from > len("mysqli_connect") || !verbByte(byteAt(s.text, end)) {
		return false
	}
	switch strings.ToLower(s.text[from:end]) {
	case "bearer":
		return s.bearer(end)
	case "basic":
		return s.basic(end)
	case "by":
		return s.identifiedBy(from, end)
	case "for":
		return s.passwordFor(from, end)
	case "values":
		s.columns(from, end)
	case "setuser", "user":
		s.access(from, end)
	case "__construct", "mysqli_connect", "mysqli":
		return s.thirdArgument(from, end)
	case "sqlplus":
		return s.loginArgument(from, end)
	case "auth":
		return s.loginArgument(from, end) || s.redisAuth(from, end)
	}
	return false
}

// verbByte may stand behind a verb.
func verbByte(b byte) bool {
	return space(b) || b == '"' || b == '\'' || b == '\\' || b == '(' || b == '\r' || b == '%' || b == '+'
}

// credentialByte is what tokens are made of in HTTP (token68 of RFC 9110, and
// what others put there all the same).
func credentialByte(b byte) bool {
	return alnum(b) || strings.IndexByte("-._~+/=|:%$@!*", b) >= 0
}

// blankAfter skips the one blank behind a word; in a URL it is %20 or +.
func blankAfter(text string, at int) int {
	switch {
	case prefixed(text, at, "%20"):
		return at + 3
	case byteAt(text, at) == '+':
		return at + 1
	}
	return run(text, at, 8, space)
}

// oneTimeCode takes the digits in "your code is 593021", which anybody may use
// for a while who has them.
func (s *scanner) oneTimeCode(a *assignment) bool {
	t := s.text
	if !strings.EqualFold(t[a.from:a.end], "code") || byteAt(t, a.from-1) != ' ' {
		return false
	}
	before := back(t, a.from-1, s.floor(), 16, nameByte)
	switch strings.ToLower(t[before : a.from-1]) {
	case "your", "verification", "security", "confirmation", "login", "otp", "one-time", "access", "2fa":
	default:
		return false
	}
	from := run(t, a.end, 2, func(b byte) bool { return b == ':' || b == ' ' })
	if prefixedFold(t, from, "is ") || prefixedFold(t, from, "is: ") {
		from = run(t, from+len("is"), 2, func(b byte) bool { return b == ':' || b == ' ' })
	}
	to := run(t, from, 9, digit)
	return to-from >= 4 && to-from <= 8 && !wordByte(byteAt(t, to)) && s.add(Span{From: from, To: to, Kind: Token})
}

// bearer takes the token behind the word Bearer, which prose knows too: only
// what no word looks like counts.
func (s *scanner) bearer(end int) bool {
	from := blankAfter(s.text, end)
	to := run(s.text, from, 1<<14, credentialByte)
	for to > from && (s.text[to-1] == '.' || s.text[to-1] == ':') {
		to--
	}
	v := s.text[from:to]
	if from == end || len(v) < 8 || elsewhere(v) {
		return false
	}
	mixed := count(v, digit) > 0 || count(v[1:], upper) > 0 && count(v, lower) > 0
	return (mixed || len(v) >= 20) && s.add(Span{From: from, To: to, Kind: Authorization})
}

// basic takes the credentials behind the word Basic: base64 of user:password.
func (s *scanner) basic(end int) bool {
	from := blankAfter(s.text, end)
	to := run(s.text, from, 1<<12, func(b byte) bool { return alnum(b) || b == '+' || b == '/' || b == '=' || b == '-' || b == '_' })
	return from > end && userAndPassword(s.text[from:to]) && s.add(Span{From: from, To: to, Kind: Authorization})
}

// userAndPassword reports whether a text is user:password in base64.
func userAndPassword(v string) bool {
	if len(v) < 8 || len(v) > 1<<12 || len(v)%4 == 1 {
		return false
	}
	plain, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(v), "="))
	if err != nil || !utf8.Valid(plain) {
		return false
	}
	user, password, found := strings.Cut(string(plain), ":")
	return found && user+password != "" && strings.IndexFunc(string(plain), func(r rune) bool { return r < ' ' }) < 0
}
