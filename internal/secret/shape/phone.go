package shape

import "strings"

// phone takes a number in international form, + and the code of a country. In
// one piece it must stand behind a word about phones, or be as long as only
// phone numbers and large differences are, and not be a difference.
func (s *scanner) phone(at int) bool {
	t := s.text
	if before := byteAt(t, at-1); at > 0 && !space(before) && strings.IndexByte("\"'=:(<,;[\n>", before) < 0 {
		return false
	}
	if b := byteAt(t, at+1); b < '1' || b > '9' {
		return false
	}
	end, digits, groups := phoneNumber(t, at+1)
	if groups > 1 && (run(t, at+1, 6, digit)-at > 6 || !digit(t[end-2])) {
		return false // a number with a fraction
	}
	if after := byteAt(t, end); wordByte(after) || after == '%' || after == '.' && digit(byteAt(t, end+1)) || after == ':' && digit(byteAt(t, end+1)) {
		return false
	}
	switch {
	case digits < 8 || digits > 15:
		return false
	case groups == 1 && (digits < 11 || !s.dialled(at, end)):
		return false
	case groups > 1 && digits < 9:
		return false
	case t[at+1] == '1' && (digits != 11 || !northAmerican(t[at+2:end])):
		return false
	}
	return s.add(Span{From: at, To: end, Kind: Phone})
}

// phoneNumber reads digits that single blanks, dashes, dots and brackets part.
func phoneNumber(t string, from int) (end, digits, groups int) {
	at := from
	end = from
	for at < len(t) && digits <= 16 {
		next := run(t, at, 17, digit)
		if next == at {
			break
		}
		digits += next - at
		groups++
		end = next
		at = run(t, next, 2, func(b byte) bool { return strings.IndexByte(" -.()/", b) >= 0 })
	}
	return end, digits, groups
}

// northAmerican reports whether an area code begins as they all do.
func northAmerican(rest string) bool {
	rest = strings.TrimLeft(rest, " -.(")
	return rest != "" && rest[0] >= '2'
}

// phoneWords stand before a phone number; of a number in one piece, one of
// them is what tells it from a difference.
var phoneWords = []string{"phone", "tel", "mobile", "cell", "sms", "msisdn", "call", "whatsapp", "to=", "to:", `to"`, "from=", `from"`, "number", "reach"}

// dialled reports whether a number in one piece is a phone's: a word about
// phones stands before it, or it is quoted alone as counters never are.
func (s *scanner) dialled(at, end int) bool {
	before := strings.ToLower(s.text[max(s.floor(), at-24):at])
	for _, w := range phoneWords {
		if strings.Contains(before, w) {
			return true
		}
	}
	before, after := string(byteAt(s.text, at-1)), string(byteAt(s.text, end))
	return before == after && (before == `"` || before == "'")
}
