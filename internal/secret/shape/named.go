package shape

import "strings"

// named is a name that was read as a value, as in {"name": "X", "value": "Y"}.
type named struct {
	reading reading
	kind    Kind
	until   int // where its value must have begun
}

// nameReach is how far behind a name its value may stand, in bytes.
const nameReach = 200

// readNamed reads the name in {"name": "DB_PASSWORD", "value": "x"}, whose
// value comes later.
func (s *scanner) readNamed(a assignment) {
	at := a.value
	if _, from := s.valueQuote(a); from > at {
		at = from
	}
	end := run(s.text, at, longestName, func(b byte) bool { return nameByte(b) || b == '/' })
	w := readName(s.text[at:end])
	s.names = named{}
	switch r, kind := w.reading(); r {
	case hard, soft, httpAuth, cookies, setCookie:
		s.names = named{r, kind, end + nameReach}
		if prefixed(s.text, a.from-len("; "), "; ") {
			s.formField(kind, end)
		}
	}
}

// formField takes the value of a field of a form, which stands below its name:
// name="password", an empty line, the value.
func (s *scanner) formField(kind Kind, end int) {
	_, at := quoteAt(s.text, end)
	from := run(s.text, at, 4, func(b byte) bool { return b == '\r' || b == '\n' })
	if at == end || strings.Count(s.text[at:from], "\n") != 2 {
		return
	}
	to := run(s.text, from, 1024, func(b byte) bool { return b != '\r' && b != '\n' })
	if !elsewhere(s.text[from:to]) {
		s.add(Span{From: from, To: to, Kind: kind})
	}
}
