package pattern

import "bytes"

// afterKey reports whether what follows, glued, is the value of a key: after
// "key=".
func (z *tokenizer) afterKey() bool {
	n := len(z.tokens)
	return n >= 2 && z.tokens[n-1].kind == mark && z.tokens[n-1].raw == '=' && z.tokens[n-2].kind == word && z.tokens[n-1].glued
}

// goesOn reports whether a word belongs to the value before it: the unit of a
// number, a piece of an address in hexadecimal, a gap in a row of values.
func (z *tokenizer) goesOn(w []byte, seen uint8, glued bool) bool {
	n := len(z.tokens)
	if n == 0 {
		return false
	}
	if z.tokens[n-1].kind == hole {
		return isUnit(w) || seen&isWordy == 0 && isFiller(w)
	}
	return glued && seen&notHex == 0 && len(w) <= 4 && n > 1 && z.tokens[n-1].raw == ':' && z.tokens[n-1].kind == mark &&
		z.tokens[n-1].glued && z.tokens[n-2].kind == hole
}

// hole adds a value. Values that follow one another become one: 10.0.0.1:5432,
// 1,2,3, a list of ids, "Jun 14 15:16:01".
func (z *tokenizer) hole(text []byte, start, end int, glued bool) {
	raw := hashPart(text, start, end)
	from := int32(start)
	for n := len(z.tokens); n > 0; n = len(z.tokens) {
		last := &z.tokens[n-1]
		take := 0
		switch {
		case last.kind == hole:
			take = 1
		case last.kind == mark && last.glued && n > 1 && z.tokens[n-2].kind == hole && joins(last.raw, glued):
			take = 2
		case last.kind == word && !glued && (dateWord(text[last.start:last.end]) || isFiller(text[last.start:last.end])):
			take = 1
		case last.kind == mark && last.raw == ':' && glued && last.glued && n > 1 && (isHexPair(text[z.tokens[n-2].start:z.tokens[n-2].end]) ||
			allDigits(text[start:end]) && bytes.IndexByte(text[z.tokens[n-2].start:z.tokens[n-2].end], '.') > 0):
			take = 2 // a piece of an address in hexadecimal, or host.name:port
		case last.kind == mark && last.raw == ':' && glued && n > 3 && z.chained(n-1) && z.chained(n-3):
			take = 4 // cart:alice:5
		case last.kind == mark && (last.raw == '<' || last.raw == '>') && glued && !(end < len(text) && text[end] == '>'):
			take = 1 // "<1 sec"
		}
		if take == 0 {
			break
		}
		first := &z.tokens[n-take]
		from, glued = first.start, first.glued
		for i := n - take; i < n; i++ {
			raw = mix(z.tokens[i].raw, raw)
		}
		z.tokens = z.tokens[:n-take]
	}
	z.push(int(from), end, hole, glued, raw)
}

// chained reports whether the mark at i is a colon that is glued to a word before it.
func (z *tokenizer) chained(i int) bool {
	return z.tokens[i].kind == mark && z.tokens[i].raw == ':' && z.tokens[i].glued && z.tokens[i-1].kind == word &&
		(z.tokens[i-1].glued || i == 1 || z.tokens[i-2].raw != ':')
}

// joins reports whether a mark between two values makes them one.
func joins(c uint64, glued bool) bool {
	switch c {
	case ',':
		return true
	case ':', ';', '|':
		return glued
	}
	return false
}
