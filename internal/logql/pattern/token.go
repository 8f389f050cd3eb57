package pattern

import "bytes"

// kind is what a token is to its shape.
type kind uint8

const (
	word kind = iota
	hole      // a value: its text is not part of the shape
	mark      // one byte of punctuation
	turn      // the end of a line within a trace
)

// token is one piece of a message. roll is the hash of the shape up to and with
// this token, so that the last tokens can be taken back.
type token struct {
	start, end int32
	kind       kind
	glued      bool // no blank stands before it
	raw        uint64
	roll       uint64
}

// Classes of bytes. A token knows the union of the classes of its bytes.
const (
	isBlank uint8 = 1 << iota
	isMark
	isDigit
	isSlash
	isAt
	notHex
	isWordy // letters, digits and whatever is not ASCII
)

var classes = func() (table [256]uint8) {
	for c := range table {
		switch {
		case c <= ' ':
			table[c] = isBlank
		case c >= '0' && c <= '9':
			table[c] = isDigit | isWordy
		case c == '/' || c == '\\':
			table[c] = isSlash | notHex
		case c == '@':
			table[c] = isAt | notHex
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			table[c] = isWordy
		case c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80:
			table[c] = isWordy | notHex
		default:
			table[c] = notHex
		}
	}
	for _, c := range `:=,;()[]{}<>|"'` + "`" {
		table[c] = isMark
	}
	return table
}()

// tokenizer cuts messages into tokens. Its slice is used again for each.
type tokenizer struct {
	limit  int
	tokens []token
}

// shape cuts a message and returns the hash of its shape.
func (z *tokenizer) shape(text []byte) uint64 {
	z.tokens = z.tokens[:0]
	head := text
	if end := bytes.IndexByte(text, '\n'); end >= 0 {
		head = text[:end]
	}
	z.line(text, 0, len(head))
	if len(head) < len(text) {
		z.trace(text, len(head)+1)
	}
	return z.roll()
}

func (z *tokenizer) roll() uint64 {
	if n := len(z.tokens); n > 0 {
		return z.tokens[n-1].roll
	}
	return seed
}

// text is a hash of the whole message of this shape, values included.
func (z *tokenizer) text(key uint64) uint64 {
	for i := range z.tokens {
		if t := &z.tokens[i]; t.kind == hole {
			key = mix(key, t.raw)
		}
	}
	return key
}

// line adds the tokens of text[at:end].
func (z *tokenizer) line(text []byte, at, end int) {
	text = text[:end]
	glued := at > 0 && classes[text[at-1]] != isBlank
	for ; at < end; glued = true {
		c := classes[text[at]]
		if c == isBlank {
			for at++; at < end && classes[text[at]] == isBlank; at++ {
			}
			if at == end {
				return
			}
			glued = false
			c = classes[text[at]]
		}
		if len(z.tokens) >= z.limit {
			return
		}
		if c == isMark {
			if n := z.enclosedValue(text, at, end, glued); n > 0 {
				z.hole(text, at, n, glued)
				at = n
				continue
			}
			if text[at] == '=' && (at+1 == end || classes[text[at+1]] == isBlank) && at > 0 && classes[text[at-1]] != isBlank {
				// "key= other=1": a value that is empty is a value.
				z.push(at, at+1, mark, glued, '=')
				z.hole(text, at+1, at+1, true)
				at++
				continue
			}
			z.push(at, at+1, mark, glued, uint64(text[at]))
			at++
			continue
		}
		start, seen := at, c
		for at++; at < len(text); at++ {
			c = classes[text[at]]
			if c&(isBlank|isMark) != 0 && !(text[at] == '\'' && inner(text, at, end)) {
				break
			}
			seen |= c
		}
		w := text[start:at]
		switch {
		case seen&isDigit != 0,
			(seen&(isSlash|isAt) != 0 || seen&notHex == 0 || len(w) <= 5) && isValue(w, seen),
			glued && z.afterKey(),
			(len(w) <= 4 || seen&isWordy == 0) && z.goesOn(w, seen, glued):
			z.hole(text, start, at, glued)
		default:
			z.push(start, at, word, glued, hashPart(text, start, at))
		}
	}
}

func (z *tokenizer) push(start, end int, k kind, glued bool, raw uint64) {
	v := raw
	switch k {
	case hole:
		v = 0x5bd1e995
	case mark:
		v += 0x100
	case word, turn:
	}
	if glued {
		v = ^v
	}
	v = mix(z.roll()^prime, v)
	z.tokens = append(z.tokens, token{int32(start), int32(end), k, glued, raw, v})
}
