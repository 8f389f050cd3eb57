package shape

// Bytes are compared one by one: what matters here is ASCII, and whatever is
// not goes through unread.

func digit(b byte) bool { return b-'0' < 10 }
func upper(b byte) bool { return b-'A' < 26 }
func lower(b byte) bool { return b-'a' < 26 }
func alpha(b byte) bool { return b|0x20-'a' < 26 && (upper(b) || lower(b)) }
func alnum(b byte) bool { return digit(b) || upper(b) || lower(b) }

func wordByte(b byte) bool { return alnum(b) || b == '_' }
func nameByte(b byte) bool { return wordByte(b) || b == '-' || b == '.' }
func hexByte(b byte) bool  { return digit(b) || b|0x20-'a' < 6 && alpha(b) }

// space is a blank or a tab: what may stand around a separator.
func space(b byte) bool { return b == ' ' || b == '\t' }

func lowered(b byte) byte {
	if upper(b) {
		return b | 0x20
	}
	return b
}

// all reports whether a text is not empty and each of its bytes is of a sort.
func all(text string, is func(byte) bool) bool {
	for i := 0; i < len(text); i++ {
		if !is(text[i]) {
			return false
		}
	}
	return text != ""
}

func allHex(text string) bool    { return all(text, hexByte) }
func allDigits(text string) bool { return all(text, digit) }

// count returns how many bytes of text are of a sort.
func count(text string, is func(byte) bool) (n int) {
	for i := 0; i < len(text); i++ {
		if is(text[i]) {
			n++
		}
	}
	return n
}

// run returns where the bytes of a sort that begin at from end, looking at most
// limit bytes far.
func run(text string, from, limit int, is func(byte) bool) int {
	end := from
	for end < len(text) && end-from < limit && is(text[end]) {
		end++
	}
	return end
}

// back returns where the bytes of a sort that end at to begin, looking at most
// limit bytes far and not before floor.
func back(text string, to, floor, limit int, is func(byte) bool) int {
	from := to
	for from > floor && to-from < limit && is(text[from-1]) {
		from--
	}
	return from
}

func hexPair(text string, at int) bool {
	return at+1 < len(text) && hexByte(text[at]) && hexByte(text[at+1])
}

// prefixed reports whether text has the prefix at a place.
func prefixed(text string, at int, prefix string) bool {
	return at >= 0 && len(text)-at >= len(prefix) && text[at:at+len(prefix)] == prefix
}

// prefixedFold does the same without regard to case; prefix is in lower case.
func prefixedFold(text string, at int, prefix string) bool {
	if at < 0 || len(text)-at < len(prefix) {
		return false
	}
	for i := 0; i < len(prefix); i++ {
		if lowered(text[at+i]) != prefix[i] {
			return false
		}
	}
	return true
}

// byteAt is the byte at a place, and 0 outside of the text.
func byteAt(text string, at int) byte {
	if at < 0 || at >= len(text) {
		return 0
	}
	return text[at]
}

// pairs is a set of pairs of bytes: the quick look before a rule is asked.
type pairs [1 << 10]uint64

func (p *pairs) add(a, b byte) { p[int(a)<<2|int(b)>>6] |= 1 << (b & 63) }

func (p *pairs) has(a, b byte) bool { return p[int(a)<<2|int(b)>>6]&(1<<(b&63)) != 0 }
