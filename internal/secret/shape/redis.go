package shape

import "strings"

// redisAuth takes the password of AUTH [user] password, as it stands in
// MONITOR, in a client's trace, in a slow log. SMTP has AUTH too; prose begins
// sentences with it.
func (s *scanner) redisAuth(from, end int) bool {
	word := s.text[from:end]
	q, at := quoteAt(s.text, end)
	if q.text != "" {
		return s.quotedArguments(q, argumentsOf(s.text, at))
	}
	if word != "AUTH" && !s.afterPrompt(from) || byteAt(s.text, from-1) == '-' {
		return false
	}
	if prefixed(s.text, end, `\r\n`) || prefixed(s.text, end, "\r\n") {
		return s.wire(end)
	}
	return s.plainArguments(end)
}

// argumentsOf skips what clients for JavaScript print between a command and its
// arguments: { name: 'auth', args: [ 'default', 'secret' ] }.
func argumentsOf(text string, at int) int {
	for _, between := range []string{", args: [", `,"args":[`, `, "args": [`} {
		if prefixed(text, at, between) {
			return at + len(between) - 1
		}
	}
	return at
}

// quotedArguments takes the last of the one or two quoted arguments.
func (s *scanner) quotedArguments(q quote, at int) bool {
	from, to := -1, -1
	for range 2 {
		next := run(s.text, at, 4, func(b byte) bool { return space(b) || b == ',' || b == '[' })
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
		if keyword := s.text[next:stop]; n > 0 && (keyword == "KEYS" || keyword == "SETNAME") {
			break
		}
		v := strings.ToLower(strings.TrimRight(s.text[next:stop], ".,;:"))
		if n == 2 || common[v] || v == "login" || v == "plain" || v == "no" || strings.HasSuffix(v, ",") {
			return s.mailAuth(end)
		}
		from, to = next, stop
	}
	v := s.text[from:to]
	if next := byteAt(s.text, run(s.text, to, 8, space)); next != 0 && strings.IndexByte("\n\r\"'`\\KS", next) < 0 {
		return false // AUTH <user> <password>, in a text about it
	}
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

// access takes the passwords in a rule of Redis' access list:
// ACL SETUSER app on >secret, and `user app on >secret` in its file. Hashes of
// them stand behind #.
func (s *scanner) access(from, end int) {
	if len(s.later) > 0 || !prefixedFold(s.text, from, "setuser") && !(s.firstOnLine(from) && s.switched(end)) {
		return
	}
	limit := min(len(s.text), end+400)
	for at := end; at < limit && s.text[at] != '\n'; at++ {
		b, before := s.text[at], byteAt(s.text, at-1)
		if b != '>' && b != '#' || !space(before) && before != '"' && before != '\'' {
			continue
		}
		stop := run(s.text, at+1, 512, func(b byte) bool { return b > ' ' && b != '"' && b != '\'' })
		if v := s.text[at+1 : stop]; v != "" && !elsewhere(v) && (b == '>' || len(v) == 64 && allHex(v)) {
			s.later = append(s.later, Span{From: at + 1, To: stop, Kind: Password})
		}
		at = stop
	}
}

// switched reports whether `NAME on` or `NAME off` stands at a place, as behind
// "user" in the file of the access list.
func (s *scanner) switched(at int) bool {
	name := run(s.text, at, 4, space)
	state := run(s.text, run(s.text, name, 64, nameByte), 4, space)
	return prefixed(s.text, state, "on ") || prefixed(s.text, state, "off ")
}
