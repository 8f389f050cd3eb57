package shape

import "strings"

// longestAuthority is how far the user, password and host of an address are
// looked for, in bytes.
const longestAuthority = 512

// address reads an address whose colon stands at a place: user and password,
// and the path where the host is known for its hooks.
func (s *scanner) address(colon int) {
	t := s.text
	from, slash := colon+len("://"), "/"
	if prefixed(t, colon, `:\/\/`) { // JSON as PHP writes it
		from, slash = colon+len(`:\/\/`), `\/`
	} else if !prefixed(t, colon, "://") {
		s.passwordFile(colon)
		return
	}
	if !alnum(byteAt(t, colon-1)) {
		return
	}
	end := run(t, from, longestAuthority, addressByte)
	host := run(t, from, end-from, func(b byte) bool { return b != '/' && b != '?' && b != '#' && b != '\\' && b != ';' })
	at := strings.LastIndexByte(t[from:host], '@')
	if at < 0 {
		at = s.slashed(from, host, end)
	}
	if at >= 0 {
		s.userinfo(from, from+at)
		from += at + 1
		host = run(t, from, max(0, end-from), func(b byte) bool { return b != '/' && b != '?' && b != '#' && b != '\\' })
	}
	s.host = host
	s.hook(t[from:max(from, host)], host, slash)
}

// addressByte may stand in an address. Log lines put addresses into quotes,
// brackets and lists.
func addressByte(b byte) bool {
	return b > ' ' && b != '"' && b != '\'' && b != '<' && b != '>' && b != '`' && b != 0x1b
}

// slashed finds the end of a password that holds a slash which nobody has
// escaped: what stands before it is then no port. -1 where there is none.
func (s *scanner) slashed(from, host, end int) int {
	_, port, found := strings.Cut(s.text[from:host], ":")
	if !found || port == "" || allDigits(port) || strings.ContainsAny(port, "]:") {
		return -1
	}
	return strings.LastIndexByte(s.text[from:end], '@')
}

// userinfo takes the password of user:password, and the user where that is a
// token or a person.
func (s *scanner) userinfo(from, to int) {
	t := s.text
	colon := strings.IndexByte(t[from:to], ':')
	user := to
	if colon >= 0 {
		user = from + colon
	}
	password := min(user+1, to)
	switch name := t[from:user]; {
	case strings.Contains(name, "@") || strings.Contains(name, "%40"):
		s.add(Span{From: from, To: user, Kind: Email, coding: percent})
	case random(name) && (password == to || elsewhere(t[password:to]) || allHex(name) || t[password:to] == "x-oauth-basic"):
		s.add(Span{From: from, To: user, Kind: AddressSecret, coding: percent})
	case user-from > 2 && begins.has(t[from], t[from+1]):
		s.token(from)
	}
	if v := t[password:to]; v != "" && !elsewhere(v) && v != "x-oauth-basic" {
		s.add(Span{From: password, To: to, Kind: AddressSecret, coding: percent})
	}
	s.at = max(s.at, to)
}

// bareAddress takes the password of an address without a scheme:
// app:secret@tcp(db:3306)/x, app:secret@db:5432/x, and Oracle's
// jdbc:oracle:thin:app/secret@//db:1521/x. at is the sign @.
func (s *scanner) bareAddress(at int) bool {
	t := s.text
	if !s.hostWithPort(at + 1) {
		return false
	}
	from := back(t, at, max(s.floor(), s.host), 128, func(b byte) bool { return addressByte(b) && b != ',' && b != '(' && b != '=' })
	user, password, found := strings.Cut(t[from:at], ":")
	if oracle := strings.Index(t[from:at], "oracle:thin:"); oracle >= 0 {
		user, password, found = strings.Cut(t[from+oracle+len("oracle:thin:"):at], "/")
	}
	if !found || !all(user, nameByte) || elsewhere(password) {
		return false
	}
	return s.add(Span{From: at - len(password), To: at, Kind: AddressSecret})
}

// hostWithPort reports whether what stands at a place can only be a host that
// is connected to: tcp(…), unix(…), name:1234, name/database.
func (s *scanner) hostWithPort(at int) bool {
	t := s.text
	if prefixed(t, at, "tcp(") || prefixed(t, at, "unix(") || prefixed(t, at, "//") {
		return true
	}
	end := run(t, at, 253, func(b byte) bool { return alnum(b) || b == '-' || b == '.' })
	if end == at {
		return false
	}
	switch byteAt(t, end) {
	case ':':
		port := run(t, end+1, 6, digit)
		return port-end > 2 && !alnum(byteAt(t, port))
	case '/':
		return alnum(byteAt(t, end+1))
	}
	return false
}

// passwordFile takes the last field of a line of Postgres' ~/.pgpass:
// host:port:database:user:password. colon is the first of its signs.
func (s *scanner) passwordFile(colon int) {
	t := s.text
	port := run(t, colon+1, 6, digit)
	if byteAt(t, colon+1) == '*' {
		port = colon + 2
	} else if port-colon < 4 {
		return
	}
	if byteAt(t, port) != ':' || !all(t[s.lineStart(colon):colon], func(b byte) bool { return nameByte(b) || b == '*' }) {
		return
	}
	at := port
	for range 2 {
		next := run(t, at+1, 64, func(b byte) bool { return nameByte(b) || b == '*' })
		if next == at+1 || byteAt(t, next) != ':' {
			return
		}
		at = next
	}
	end := run(t, at+1, 256, func(b byte) bool { return b > ' ' })
	if end > at+1 && (end == len(t) || t[end] == '\n') && !elsewhere(t[at+1:end]) {
		s.add(Span{From: at + 1, To: end, Kind: Password})
	}
}
