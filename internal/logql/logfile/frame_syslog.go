package logfile

import "bytes"

// severities of syslog and the journal by number, as the levels of a line.
var severities = [8]string{"emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"}

// priority reads <34>: facility times eight plus severity.
func priority(b []byte) (severity, n int, ok bool) {
	if len(b) < 3 || b[0] != '<' {
		return 0, 0, false
	}
	end := bytes.IndexByte(b[:min(len(b), 5)], '>')
	if end < 2 {
		return 0, 0, false
	}
	v, ok := digits(b[1:end])
	if !ok || v > 191 {
		return 0, 0, false
	}
	return v % 8, end + 1, true
}

// syslog takes off the header of RFC 5424 and of RFC 3164 and its relatives
// (rsyslog's file format, journalctl -o short…). A header with a priority is
// one of the wire and goes. In a file of text the line stays whole, for people
// search such files for the program's name; but where a JSON object follows the
// header, the object is the line.
func (u *unframer) syslog(line []byte) bool {
	severity, n, wire := priority(line)
	rest := line
	if wire {
		rest = line[n:]
		if after, ok := bytes.CutPrefix(rest, []byte("1 ")); ok {
			return u.rfc5424(after, severity)
		}
	}
	h, ok := u.header(rest)
	if !ok {
		return false
	}
	inner := rest[h.end:]
	u.label("hostname", h.host)
	u.label("app", h.app)
	u.lane = append(append(u.lane, 3), h.pid...)
	if u.out.time == 0 {
		u.out.time = h.time
	}
	switch {
	case wire:
		u.severity(severity, inner)
		u.out.line = inner
	case isObject(inner):
		u.out.line = inner
	default:
		u.out.head = true
	}
	return true
}

// severity makes the number a level, where the line has none of its own to say.
func (u *unframer) severity(n int, inner []byte) {
	if n >= 0 && n < len(severities) && !isObject(inner) && !isLogfmt(inner) {
		u.label("level", []byte(severities[n]))
	}
}

type syslogHeader struct {
	time           int64
	host, app, pid []byte
	end            int // where the message begins
}

// header reads "Nov 21 22:00:00 host app[1]: ", also with a time of ISO 8601.
func (u *unframer) header(b []byte) (h syslogHeader, ok bool) {
	if len(b) < 20 {
		return h, false
	}
	t, n, ok := u.clock.stamp(b)
	if !ok || n >= len(b) || b[n] != ' ' {
		return h, false
	}
	h.time = t
	rest := b[n+1:]
	host, after, found := bytes.Cut(rest, []byte(" "))
	if !found || !isHost(host) || isLevelWord(host) {
		return h, false
	}
	colon := bytes.IndexByte(after[:min(len(after), 128)], ':')
	if colon < 1 || colon+1 < len(after) && after[colon+1] != ' ' {
		return h, false
	}
	tag := after[:colon]
	if open := bytes.IndexByte(tag, '['); open > 0 && tag[len(tag)-1] == ']' {
		h.pid = tag[open+1 : len(tag)-1]
		tag = tag[:open]
	}
	if !isTag(tag) || isLevelWord(tag) {
		return h, false
	}
	h.host, h.app = host, tag
	h.end = min(len(b)-len(after)+colon+2, len(b))
	return h, true
}

func isHost(b []byte) bool {
	if len(b) == 0 || len(b) > 255 {
		return false
	}
	for _, c := range b {
		if !isLetter(c) && !isDigit(c) && c != '-' && c != '_' && c != '.' && c != ':' {
			return false
		}
	}
	return true
}

func isTag(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	for _, c := range b {
		if !isLetter(c) && !isDigit(c) && bytes.IndexByte([]byte("-_./@()\\"), c) < 0 {
			return false
		}
	}
	return true
}

// rfc5424 reads what follows "<34>1 ": TIME HOST APP PROCID MSGID SD MSG.
func (u *unframer) rfc5424(b []byte, severity int) bool {
	var word [5][]byte
	for i := range word {
		var found bool
		if word[i], b, found = bytes.Cut(b, []byte(" ")); !found || len(word[i]) == 0 {
			return false
		}
	}
	var t int64
	if string(word[0]) != "-" {
		var ok bool
		if t, _, ok = u.clock.iso(word[0]); !ok {
			return false
		}
	}
	end, ok := structuredEnd(b)
	if !ok {
		return false
	}
	inner := bytes.TrimPrefix(bytes.TrimPrefix(b[end:], []byte(" ")), []byte("\xef\xbb\xbf"))
	for i, name := range []string{"hostname", "app"} {
		if string(word[i+1]) != "-" {
			u.label(name, word[i+1])
		}
	}
	u.lane = append(append(u.lane, 3), word[3]...)
	u.severity(severity, inner)
	u.out.line = inner
	if u.out.time == 0 {
		u.out.time = t
	}
	return true
}

// structuredEnd steps over "-" or any number of [id name="value"].
func structuredEnd(b []byte) (int, bool) {
	if len(b) == 0 {
		return 0, false
	}
	if b[0] == '-' {
		return 1, true
	}
	i := 0
	for i < len(b) && b[i] == '[' {
		quoted := false
		for i++; ; i++ {
			if i >= len(b) {
				return 0, false
			}
			if quoted && b[i] == '\\' {
				i++
			} else if b[i] == '"' {
				quoted = !quoted
			} else if b[i] == ']' && !quoted {
				break
			}
		}
		i++
	}
	return i, i > 0
}
