package shape

import "strings"

// redisAuth takes the password of AUTH [user] password, as it stands in
// MONITOR, in a client's trace, in a slow log. SMTP has AUTH too; prose begins
// sentences with it.
func (s *scanner) redisAuth(from, end int) bool {
	word := s.text[from:end]
	before := byteAt(s.text, from-1)
	q, at := quoteAt(s.text, end)
	if q.text != "" {
		return s.quotedArguments(q, at)
	}
	if word != "AUTH" && !s.afterPrompt(from) || wordByte(before) || before == '-' || before == '.' {
		return false
	}
	if prefixed(s.text, end, `\r\n`) || prefixed(s.text, end, "\r\n") {
		return s.wire(end)
	}
	return s.plainArguments(end)
}

// quotedArguments takes the last of the one or two quoted arguments.
func (s *scanner) quotedArguments(q quote, at int) bool {
	from, to := -1, -1
	for range 2 {
		next := run(s.text, at, 4, func(b byte) bool { return space(b) || b == ',' })
		open, inner := quoteAt(s.text, next)
		if next == at || open.text != q.text {
			break
		}
		from = inner
		to, at = q.end(s.text, inner)
	}
	return from >= 0 && !elsewhere(s.text[from:to]) && s.add(Span{From: from, To: to, Kind: Password, coding: escaped})
}

// plainArguments takes the last of the one or two arguments, where nothing
// follows them.
func (s *scanner) plainArguments(end int) bool {
	from, to := end, end
	for n := 0; ; n++ {
		next := run(s.text, to, 8, space)
		stop := run(s.text, next, 512, func(b byte) bool { return b > ' ' && b != '"' && b != '\'' && b != '<' && b != '`' })
		if next == to || stop == next {
			break
		}
		v := strings.ToLower(strings.TrimRight(s.text[next:stop], ".,;:"))
		if n == 2 || common[v] || v == "login" || v == "plain" || v == "no" || strings.HasSuffix(v, ",") {
			return s.mailAuth(end)
		}
		from, to = next, stop
	}
	v := s.text[from:to]
	return from > end && len(v) >= 3 && !elsewhere(v) && s.add(Span{From: from, To: to, Kind: Password})
}

// mailAuth takes the credentials of SMTP's AUTH PLAIN and AUTH LOGIN.
func (s *scanner) mailAuth(end int) bool {
	for _, method := range []string{" PLAIN ", " LOGIN ", " XOAUTH2 "} {
		if !prefixed(s.text, end, method) {
			continue
		}
		from := end + len(method)
		to := run(s.text, from, 1<<12, func(b byte) bool { return alnum(b) || b == '+' || b == '/' || b == '=' })
		return to-from >= 8 && s.add(Span{From: from, To: to, Kind: Password})
	}
	return false
}

// wire takes the argument of AUTH in the protocol itself: AUTH\r\n$6\r\nsecret\r\n.
func (s *scanner) wire(end int) bool {
	at := end
	for _, part := range []func(byte) bool{wireEnd, func(b byte) bool { return b == '$' || digit(b) }, wireEnd} {
		next := run(s.text, at, 16, part)
		if next == at {
			return false
		}
		at = next
	}
	to := run(s.text, at, 512, func(b byte) bool { return b != '\\' && b > ' ' && b != '"' })
	return to > at && !elsewhere(s.text[at:to]) && s.add(Span{From: at, To: to, Kind: Password})
}

func wireEnd(b byte) bool { return b == '\\' || b == 'r' || b == 'n' || b == '\r' || b == '\n' }

// afterPrompt reports whether a word stands behind the prompt of redis-cli.
func (s *scanner) afterPrompt(from int) bool {
	return prefixed(s.text, from-2, "> ") && digit(byteAt(s.text, from-3))
}
