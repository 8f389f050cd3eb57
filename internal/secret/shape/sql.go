package shape

import "strings"

// identifiedBy takes the password in IDENTIFIED BY 'x' and
// IDENTIFIED WITH plugin BY 'x'.
func (s *scanner) identifiedBy(from, end int) bool {
	at := run(s.text, end, 16, space)
	q, inner := quoteAt(s.text, at)
	if q.text == "" || at == end {
		return false
	}
	before := strings.ToLower(s.text[max(s.floor(), from-160):from])
	identified := strings.LastIndex(before, "identified")
	if identified < 0 {
		return false
	}
	// Other things are identified by a quoted name too.
	for _, statement := range []string{"user ", "grant ", "'@'", "role ", "to '", "``@``"} {
		if strings.Contains(before[:identified], statement) {
			return s.quotedSecret(q, inner)
		}
	}
	return false
}

// passwordFor takes the password in SET PASSWORD FOR 'app'@'%' = 'x'.
func (s *scanner) passwordFor(from, end int) bool {
	if !strings.EqualFold(s.text[max(s.floor(), from-len("password ")):from], "password ") {
		return false
	}
	equals := strings.IndexByte(s.text[end:min(len(s.text), end+160)], '=')
	if equals < 0 {
		return false
	}
	at := run(s.text, end+equals+1, 16, space)
	if prefixedFold(s.text, at, "password(") {
		at += len("password(")
	}
	q, inner := quoteAt(s.text, at)
	return q.text != "" && s.quotedSecret(q, inner)
}

// quotedSecret takes a quoted text that a statement says to be a password.
func (s *scanner) quotedSecret(q quote, inner int) bool {
	end, next := q.end(s.text, inner)
	if elsewhere(s.text[inner:end]) || !s.add(Span{From: inner, To: end, Kind: Password, coding: escaped}) {
		return false
	}
	s.at = max(s.at, next)
	return true
}

// widest is how long a list of columns may be, in bytes.
const widest = 2000

// columns finds the values that stand in the places of secret columns:
// INSERT INTO users (name, password) VALUES ('a', 'x'). They are taken when the
// reading gets there, so that what stands before them is read too.
func (s *scanner) columns(from, end int) {
	closed := back(s.text, from, s.floor(), 16, blank)
	if byteAt(s.text, closed-1) != ')' || len(s.later) > 0 {
		return
	}
	low := max(s.floor(), closed-widest)
	opened := strings.LastIndexByte(s.text[low:closed-1], '(')
	if opened < 0 {
		return
	}
	kinds := make([]Kind, 0, 8)
	for _, column := range strings.Split(s.text[low+opened+1:closed-1], ",") {
		w := readName(column)
		r, kind := w.reading()
		if r != hard && r != soft {
			kind = ""
		}
		kinds = append(kinds, kind)
	}
	for at := run(s.text, end, 16, blank); byteAt(s.text, at) == '('; {
		at = run(s.text, s.row(kinds, at+1), 16, func(b byte) bool { return blank(b) || b == ',' || b == ')' })
	}
}

func blank(b byte) bool { return space(b) || b == '\n' || b == '\r' }

// row notes what is secret in one row of values, and returns where it ends.
func (s *scanner) row(kinds []Kind, at int) int {
	for _, kind := range kinds {
		at = run(s.text, at, 64, blank)
		if q, inner := quoteAt(s.text, at); q.text != "" {
			var stop int
			stop, at = q.end(s.text, inner)
			if kind != "" && !elsewhere(s.text[inner:stop]) {
				s.later = append(s.later, Span{From: inner, To: stop, Kind: kind, coding: escaped})
			}
		}
		at = run(s.text, at, 512, func(b byte) bool { return b != ',' && b != ')' && b != '(' })
		if byteAt(s.text, at) != ',' {
			break
		}
		at++
	}
	return at
}

// thirdArgument takes the password among the arguments with which PHP's traces
// show how a connection was made: PDO->__construct('dsn', 'user', 'secret').
func (s *scanner) thirdArgument(from, end int) bool {
	t := s.text
	if byteAt(t, end) != '(' || t[from] == '_' && !prefixed(t, from-len("PDO->"), "PDO->") {
		return false
	}
	at := end + 1
	var q quote
	inner := at
	for n := 0; n < 3; n++ {
		if q, inner = quoteAt(t, run(t, at, 4, space)); q.text == "" {
			return false
		}
		if n < 2 {
			if _, at = q.end(t, inner); byteAt(t, at) != ',' {
				return false
			}
			at++
		}
	}
	return s.quotedSecret(q, inner)
}
