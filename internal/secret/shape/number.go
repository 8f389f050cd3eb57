package shape

import "strings"

// number takes a number that begins at a place and means a person: a card, a
// social security number. A bot's token begins like one too.
func (s *scanner) number(from int) bool {
	if s.options.Addresses && s.ip(from) {
		return true
	}
	switch before := byteAt(s.text, from-1); before {
	case '.', '-', '_', '+', '/', '#':
		return false
	}
	return s.card(from) || s.ssn(from) || s.telegram(from)
}

// cards are the issuers: how their numbers begin, how long they are, and how
// they are written in groups.
var cards = []struct {
	low, high int // of the first four digits
	length    int
	groups    string
}{
	{4000, 4999, 16, "4444"},
	{5100, 5599, 16, "4444"},
	{2221, 2720, 16, "4444"},
	{3400, 3499, 15, "465"},
	{3700, 3799, 15, "465"},
	{6011, 6011, 16, "4444"},
	{6440, 6599, 16, "4444"},
	{3528, 3589, 16, "4444"},
	{3000, 3059, 14, "464"},
	{3600, 3699, 14, "464"},
	{3800, 3899, 14, "464"},
	{6200, 6299, 16, "4444"},
}

// card takes the number of a payment card.
func (s *scanner) card(from int) bool {
	if b := s.text[from]; b < '2' || b > '6' || len(s.text)-from < 14 {
		return false
	}
	first := run(s.text, from, 17, digit)
	if first-from < 4 {
		return false
	}
	begin := int(s.text[from]-'0')*1000 + int(s.text[from+1]-'0')*100 + int(s.text[from+2]-'0')*10 + int(s.text[from+3]-'0')
	for _, c := range cards {
		if begin < c.low || begin > c.high {
			continue
		}
		end, number := first, s.text[from:first]
		if first-from == 4 {
			end, number = grouped(s.text, from, c.groups)
		}
		if len(number) != c.length || !luhn(number) || !s.alone(from, end) || end == first && s.counted(from) {
			return false
		}
		return s.add(Span{From: from, To: end, Kind: Card, Quote: s.jsonNumber(from, end)})
	}
	return false
}

// grouped reads digits in groups of the given lengths, which one sign parts.
func grouped(text string, from int, groups string) (end int, number string) {
	var b strings.Builder
	at := from
	sep := byteAt(text, from+4)
	if sep != ' ' && sep != '-' {
		return from, ""
	}
	for i := 0; i < len(groups); i++ {
		n := int(groups[i] - '0')
		if i > 0 {
			if byteAt(text, at) != sep {
				return from, ""
			}
			at++
		}
		end := run(text, at, n+1, digit)
		if end-at != n {
			return from, ""
		}
		b.WriteString(text[at:end])
		at = end
	}
	return at, b.String()
}

// luhn reports whether the last digit is the check digit of those before it.
func luhn(number string) bool {
	sum := 0
	for i := 0; i < len(number); i++ {
		d := int(number[len(number)-1-i] - '0')
		if i%2 == 1 {
			d *= 2
			if d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// alone reports whether a number is no part of a longer word or number.
func (s *scanner) alone(from, end int) bool {
	before, after := byteAt(s.text, from-1), byteAt(s.text, end)
	if wordByte(before) || wordByte(after) || after == '-' || after == '/' {
		return false
	}
	return after != '.' || !digit(byteAt(s.text, end+1))
}

// counts are names of numbers that only count, or say which row.
var counts = func() map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(`id ids bytes byte offset count size total seq sequence lsn xid oid hash snowflake ns us ms nanos micros
		time timestamp ts at start end duration rows row length len version pid key value sum usec nsec nonce cursor position pos
		job task order request trace span event message batch`) {
		set[w] = true
	}
	return set
}()

// counted reports whether a number stands behind the name of a count or an id.
// One in ten of these is a good number of a card by chance.
func (s *scanner) counted(from int) bool {
	end := back(s.text, from, s.floor(), 4, func(b byte) bool { return strings.IndexByte(`"'\ =:#[`, b) >= 0 })
	if end == from {
		return false
	}
	if after := len(s.text) - len(strings.TrimLeft(s.text[min(len(s.text), from+14):], "0123456789")); end > 0 && digit(s.text[end-1]) && byteAt(s.text, after) == ' ' && digit(byteAt(s.text, after+1)) {
		return true // a row of numbers
	}
	word := back(s.text, end, s.floor(), 24, func(b byte) bool { return alpha(b) })
	for i := end - 1; i > word; i-- { // the last hump of orderId
		if upper(s.text[i]) && lower(s.text[i-1]) {
			word = i
			break
		}
	}
	return counts[strings.ToLower(s.text[word:end])]
}

// jsonNumber is the quote that a mask needs in the place of a number in JSON.
func (s *scanner) jsonNumber(from, end int) string {
	t := s.text
	before := back(t, from, s.floor(), 16, blank)
	after := run(t, end, 16, blank)
	if b := byteAt(t, after); b != ',' && b != '}' && b != ']' {
		return ""
	}
	if byteAt(t, before-1) != ':' {
		return ""
	}
	name := back(t, before-1, s.floor(), 16, blank)
	if byteAt(t, name-1) != '"' {
		return ""
	}
	return t[back(t, name-1, s.floor(), 16, isBackslash):name]
}

// ssn takes a number like 123-45-6789 that the United States may have given out.
func (s *scanner) ssn(from int) bool {
	t := s.text
	if len(t)-from < 11 || !allDigits(t[from:from+3]) || t[from+3] != '-' || !allDigits(t[from+4:from+6]) || t[from+6] != '-' || !allDigits(t[from+7:from+11]) {
		return false
	}
	area, group, serial := t[from:from+3], t[from+4:from+6], t[from+7:from+11]
	if area == "000" || area == "666" || area[0] == '9' || group == "00" || serial == "0000" {
		return false
	}
	return s.alone(from, from+11) && s.add(Span{From: from, To: from + 11, Kind: SSN})
}

// telegram takes the token of a bot: 123456789:AA and 33 more.
func (s *scanner) telegram(from int) bool {
	id := run(s.text, from, 11, digit)
	if id-from < 8 || !prefixed(s.text, id, ":AA") {
		return false
	}
	end := run(s.text, id+1, 64, wordDash)
	return end-id == 36 && s.add(Span{From: from, To: end, Kind: Hook})
}
