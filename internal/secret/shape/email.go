package shape

import (
	"strings"
	"unicode/utf8"
)

// noDomain are last labels of what looks like an address of a person and is
// one of a machine, a unit, a file.
var noDomain = func() map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(`internal local localdomain localhost lan svc cluster home corp intranet private invalid
		service socket timer mount target slice scope device path swap automount
		png jpg jpeg gif svg webp ico js mjs css html htm py go rb java json yaml yml toml txt log sql md so jar gz zip tgz`) {
		set[w] = true
	}
	return set
}()

// machines are users that no person is.
var machines = map[string]bool{"root": true, "git": true, "celery": true, "postgres": true, "mysql": true, "redis": true, "ubuntu": true, "ec2-user": true, "www-data": true, "nobody": true, "nginx": true, "daemon": true}

// atSign takes an e-mail address, or the password of an address without a
// scheme. at is where the sign is, next what follows it: it may be written %40.
func (s *scanner) atSign(at, next int) {
	if at < s.host {
		return
	}
	if next == at+1 && s.bareAddress(at) {
		return
	}
	end, ok := s.domain(next)
	if !ok {
		return
	}
	from := s.localPart(at)
	local := s.text[from:at]
	if local == "" || machines[strings.ToLower(local)] || s.messageID(from) {
		return
	}
	if b := byteAt(s.text, end); b == ':' && (byteAt(s.text, end+1) == '/' || byteAt(s.text, end+1) == '~') {
		return // scp
	}
	if span := (Span{From: from, To: end, Kind: Email, coding: percent}); s.add(span) {
		s.at = end
	}
}

// domain reads the domain at a place.
func (s *scanner) domain(from int) (end int, ok bool) {
	end = run(s.text, from, 253, func(b byte) bool { return alnum(b) || b == '-' || b == '.' })
	for end > from && (s.text[end-1] == '.' || s.text[end-1] == '-') {
		end--
	}
	domain := s.text[from:end]
	dot := strings.LastIndexByte(domain, '.')
	if dot <= 0 || domain[0] == '.' || strings.Contains(domain, "..") || strings.HasSuffix(domain, ".gserviceaccount.com") {
		return end, false
	}
	last := domain[dot+1:]
	if len(last) < 2 || !all(last, alpha) && !strings.HasPrefix(last, "xn--") || noDomain[strings.ToLower(last)] {
		return end, false
	}
	return end, byteAt(s.text, end) != '@' && byteAt(s.text, end) != '('
}

// localPart is where the part before the sign begins. Letters of Europe may
// stand in it, so that half of a name is not left over.
func (s *scanner) localPart(at int) int {
	from := at
	for from > s.floor() && at-from < 64 {
		b := s.text[from-1]
		if alnum(b) || strings.IndexByte("._+-", b) >= 0 || b == '\'' && from < at && alnum(s.text[from]) && alnum(byteAt(s.text, from-2)) {
			from--
			continue
		}
		r, size := utf8.DecodeLastRuneInString(s.text[s.floor():from])
		if r < 0xC0 || r > 0x24F {
			break
		}
		from -= size
	}
	if byteAt(s.text, from-1) == '\\' { // the n of \n is no part of it
		from = min(at, from-1+escapeLen(s.text[from-1:]))
	}
	if byteAt(s.text, from-1) == '%' && hexPair(s.text, from) {
		from = min(at, from+2)
	}
	for from < at && (s.text[from] == '.' || s.text[from] == '-') {
		from++
	}
	return from
}

// messageID reports whether an address is the id of a mail, not of a person.
func (s *scanner) messageID(from int) bool {
	before := strings.ToLower(s.text[max(0, from-16):from])
	return strings.HasSuffix(before, "message_id=<") || strings.HasSuffix(before, "message-id=<") || strings.HasSuffix(before, "message-id: <")
}
