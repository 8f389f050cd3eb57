// Package shape knows what secrets and personal data look like in text: in log
// lines, configuration, addresses, queries, command lines. It finds, and
// changes nothing; what takes their place is the business of package secret.
//
// A text is read once from left to right. Ordinary bytes cost one look into a
// table; only where a word begins or ends in a way that some rule waits for, or
// a sign like @ stands, is a rule asked. Each rule looks a bounded way around,
// or forward over what it then takes, so the time is linear in the text.
package shape

import "strings"

// Options say what is looked for beside the rest.
type Options struct {
	Addresses bool // public IP addresses too
}

// Find returns the secrets in text, in their order, without overlaps. It never
// fails, whatever the bytes. A mask (see package secret) is no secret.
func Find(text string, o Options) []Span {
	s := scanner{text: text, options: o}
	for s.at < len(text) {
		if len(s.later) > 0 && s.at >= s.later[0].From {
			s.due()
			continue
		}
		switch class[text[s.at]] {
		case ordinary:
			s.at++
		case letter:
			s.word()
		case sign:
			s.sign()
		}
	}
	return s.spans
}

// scanner is the state of one pass.
type scanner struct {
	text    string
	options Options
	at      int // everything before it has been read
	spans   []Span
	host    int    // where the authority of the address being read ends
	names   named  // a name whose value is still to come
	masked  int    // where the last mask ended that was there already
	later   []Span // found ahead of the reading, in order
	line    int    // where a line begins at or before at
	headed  [2]int // where the line of a header was last read, and its end
	lined   int    // how far lines have been looked for
}

// The classes of bytes. A word is made of letters, digits and underscores.
const (
	ordinary = iota
	letter
	sign
)

var class = func() (c [256]uint8) {
	for b := range c {
		if wordByte(byte(b)) {
			c[b] = letter
		}
	}
	for _, b := range []byte("@:+-$*\\%" + Mask[:1]) {
		c[b] = sign
	}
	return c
}()

// add takes a span, unless it is empty or begins in what was already taken.
// Reading goes on behind it.
func (s *scanner) add(span Span) bool {
	if span.From >= span.To || span.From < s.floor() {
		return false
	}
	s.spans = append(s.spans, span)
	s.at = max(s.at, span.To)
	return true
}

// due takes the first of the spans that were found ahead.
func (s *scanner) due() {
	span := s.later[0]
	s.later = s.later[1:]
	s.add(span)
}

// floor is the end of the last span, or of the last mask of an earlier pass:
// nothing before it may be taken again.
func (s *scanner) floor() int {
	if n := len(s.spans); n > 0 {
		return max(s.masked, s.spans[n-1].To)
	}
	return s.masked
}

// word reads the word that begins here. What a word may be by itself is asked
// first, then what it may be the name of.
func (s *scanner) word() {
	from := s.at
	if s.shaped(from) {
		return
	}
	end := from + 1
	for end < len(s.text) && class[s.text[end]] == letter {
		end++
	}
	s.at = end
	if ends(s.text[from:end]) {
		s.name(from, end)
	}
}

// shaped asks the rules that know a secret by how it begins.
func (s *scanner) shaped(from int) bool {
	b := s.text[from]
	if digit(b) {
		return s.number(from)
	}
	if from+1 < len(s.text) && begins.has(b, s.text[from+1]) && s.token(from) {
		return true
	}
	return upper(b) && s.iban(from)
}

// sign asks the rules that wait for a sign.
func (s *scanner) sign() {
	at := s.at
	s.at++
	switch s.text[at] {
	case '@':
		s.atSign(at, at+1)
	case ':':
		s.address(at)
	case '+':
		s.phone(at)
	case '-':
		if !s.pem(at) {
			s.shortFlag(at)
		}
	case '$', '*':
		s.verifier(at)
	case '\\':
		s.at = at + escapeLen(s.text[at:])
	case Mask[0]:
		if n := Masked(s.text[at:]); n > 0 {
			s.at = at + n
			s.masked = s.at
		}
	case '%':
		if hexPair(s.text, at+1) {
			s.at = at + 3
			if s.text[at+1:at+3] == "40" {
				s.atSign(at, at+3)
			}
		}
	}
}

// escapeLen is the length of the escape that a backslash begins, so that the n
// of \n does not become part of the word behind it.
func escapeLen(text string) int {
	n := 0
	for n < len(text) && text[n] == '\\' {
		n++
	}
	if n == len(text) {
		return n
	}
	switch text[n] {
	case 'n', 'r', 't', 'b', 'f':
		return n + 1
	case 'u':
		if len(text) >= n+5 && allHex(text[n+1:n+5]) {
			return n + 5
		}
	}
	return n
}

// lineStart is where the line that holds the place at begins.
func (s *scanner) lineStart(at int) int {
	if at < s.line {
		return strings.LastIndexByte(s.text[:at], '\n') + 1
	}
	for ; s.lined < at; s.lined++ {
		if s.text[s.lined] == '\n' {
			s.line = s.lined + 1
		}
	}
	return s.line
}
