package shape

import "strings"

// schemes of HTTP authorization whose credentials are one token.
var schemes = map[string]bool{"bearer": true, "basic": true, "token": true, "apikey": true, "api-key": true, "key": true, "negotiate": true, "ntlm": true, "geniekey": true, "ssws": true, "dpop": true, "bot": true, "jwt": true, "discordbot": true, "splunk": true}

// signed are schemes whose parts have names of their own, of which the secret
// one is listed.
var signed = map[string]string{"digest": "response=", "aws4-hmac-sha256": "signature=", "hmac": "signature=", "signature": "signature=", "oauth": "oauth_signature=", "hawk": "mac=", "sharedkey": "", "sharedkeylite": "", "sharedaccesssignature": ""}

// header takes what is secret in the value of a header, wherever headers stand:
// on a line, in quotes, in a list as Go and JavaScript print them.
func (s *scanner) header(a assignment) {
	from := a.value
	if a.open.text == "" && lowered(s.text[max(0, a.end-1)]) == 's' {
		return // cookies: count=3
	}
	if byteAt(s.text, from) == '[' {
		from++
	}
	q, inner := quoteAt(s.text, from)
	if s.headed[1] == 0 || inner < s.headed[0] || inner > s.headed[1] {
		s.headed = [2]int{inner, s.lineEnd(inner)}
	}
	end := s.headed[1]
	if q.text != "" {
		end, _ = q.end(s.text, inner)
	}
	switch a.reading {
	case cookies:
		s.cookies(inner, end, q.text != "")
	case setCookie:
		s.setCookies(inner, end)
	default:
		s.authorization(a, inner, end)
	}
}

// lineEnd is where the line ends, or the text that stands in quotes around it,
// or a line within it whose end is written as \n.
func (s *scanner) lineEnd(from int) int {
	for i := from; i < len(s.text); i++ {
		switch b := s.text[i]; {
		case b == '"', b == '\'', b == '\n', b == '\r', b == 0x1b, b == '\\' && !alnum(byteAt(s.text, i+escapeLen(s.text[i:])-1)) && byteAt(s.text, i+escapeLen(s.text[i:])) == '"':
			return i
		case b == '\\' && escapeLen(s.text[i:]) > 1 && strings.IndexByte("nr", s.text[i+escapeLen(s.text[i:])-1]) >= 0:
			return i
		}
	}
	return len(s.text)
}

// authorization takes the credentials behind the scheme, or all of it where
// there is none.
func (s *scanner) authorization(a assignment, from, end int) {
	to := run(s.text, from, end-from, credentialByte)
	first := s.text[from:to]
	if part, ok := signed[strings.ToLower(first)]; ok {
		s.signature(part, to, end)
		return
	}
	next := blankAfter(s.text, to)
	if schemes[strings.ToLower(first)] && next > to {
		from, to = next, run(s.text, next, max(0, end-next), credentialByte)
	} else if byteAt(s.text, to) == '(' || common[strings.ToLower(first)] || count(first, digit) == 0 && a.open.text == "" && next < end && alpha(s.text[next]) {
		return // a sentence about authorization
	}
	for to > from && (s.text[to-1] == '.' || s.text[to-1] == ':') {
		to--
	}
	if v := s.text[from:to]; len(v) >= 4 && !elsewhere(v) && !schemes[strings.ToLower(v)] {
		s.add(Span{From: from, To: to, Kind: Authorization})
	}
}

// signature takes the named part of the parameters of an authorization.
func (s *scanner) signature(part string, from, end int) {
	if part == "" {
		if to := run(s.text, from+1, max(0, end-from-1), credentialByte); to > from+1 && !elsewhere(s.text[from+1:to]) {
			s.add(Span{From: from + 1, To: to, Kind: Authorization})
		}
		return
	}
	// The parameters of Digest are quoted, so that they go over the end that
	// was found for a header without quotes.
	for at := from; at < min(len(s.text), from+2048) && s.text[at] != '\n'; at++ {
		if !prefixedFold(s.text, at, part) {
			continue
		}
		q, inner := quoteAt(s.text, at+len(part))
		to := run(s.text, inner, 1024, credentialByte)
		if q.text != "" {
			to, _ = q.end(s.text, inner)
		}
		if to > inner && !elsewhere(s.text[inner:to]) && len(s.later) == 0 {
			// What stands before it is still to be read.
			s.later = []Span{{From: inner, To: to, Kind: Authorization}}
		}
		return
	}
}

// cookies takes the values of name=value pairs that are separated by "; ".
func (s *scanner) cookies(from, end int, quoted bool) {
	for at := from; at < end; {
		name := run(s.text, at, min(end-at, 128), cookieName)
		if name == at || byteAt(s.text, name) != '=' {
			return
		}
		at = s.cookie(name+1, end)
		next := run(s.text, at, max(0, end-at), func(b byte) bool { return space(b) || b == ';' })
		if next == at || !quoted && strings.IndexByte(s.text[at:next], ';') < 0 {
			return
		}
		at = next
	}
}

// setCookies takes the value of the first pair, and of those behind a comma
// where several headers were joined.
func (s *scanner) setCookies(from, end int) {
	for at := from; at < end; {
		name := run(s.text, at, min(end-at, 128), cookieName)
		if name == at || byteAt(s.text, name) != '=' {
			return
		}
		at = attributes(s.text, s.cookie(name+1, end), end)
		if !prefixed(s.text, at, ", ") {
			return
		}
		at += len(", ")
	}
}

// attributes is where the attributes of a cookie end: "; Path=/; Secure". The
// comma in a date does not end them.
func attributes(text string, at, end int) int {
	for at < end && text[at] == ';' {
		at = run(text, at+1, end-at-1, func(b byte) bool { return b != ';' && b != ',' && b != '\n' })
		if prefixed(text, at, ", ") && digit(byteAt(text, at+2)) {
			at = run(text, at+1, end-at-1, func(b byte) bool { return b != ';' && b != ',' && b != '\n' })
		}
	}
	return at
}

func cookieName(b byte) bool { return nameByte(b) || b == '%' || b == '$' || b == '!' }

// cookie takes one value and returns where it ends.
func (s *scanner) cookie(from, end int) int {
	to := run(s.text, from, max(0, end-from), func(b byte) bool { return b != ';' && b != ',' && b > ' ' && b != '"' })
	if v := s.text[from:to]; v != "" && !elsewhere(v) {
		s.add(Span{From: from, To: to, Kind: Cookie, coding: percent})
	}
	return to
}
