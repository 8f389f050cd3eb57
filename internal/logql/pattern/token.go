package pattern

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

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

const (
	seed  = 0x9e3779b97f4a7c15
	prime = 0xff51afd7ed558ccd
)

func mix(h, v uint64) uint64 {
	high, low := bits.Mul64(h^v, prime)
	return high ^ low ^ v
}

// hash is a hash of short texts that is the same in every process, for samples
// and sketches must not depend on it.
func hash(b []byte) uint64 { return hashPart(b, 0, len(b)) }

// hashPart is the hash of b[at:end]. It reads whole words of eight bytes where b
// goes on, and takes off what is too much.
func hashPart(b []byte, at, end int) uint64 {
	h := uint64(end-at) * seed
	for ; end-at >= 8; at += 8 {
		h = mix(h, binary.LittleEndian.Uint64(b[at:]))
	}
	var rest uint64
	switch n := end - at; {
	case n == 0:
	case at+8 <= len(b):
		rest = binary.LittleEndian.Uint64(b[at:]) & (1<<(8*uint(n)) - 1)
	default:
		for i, c := range b[at:end] {
			rest |= uint64(c) << (8 * i)
		}
	}
	return mix(h, rest^prime)
}

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
			len(w) <= 4 && z.goesOn(w, seen, glued):
			z.hole(text, start, at, glued)
		default:
			z.push(start, at, word, glued, hashPart(text, start, at))
		}
	}
}

// inner tells the apostrophe of "isn't" from a quote.
func inner(text []byte, at, end int) bool {
	return at > 0 && at+1 < end && isLetter(text[at-1]) && isLetter(text[at+1])
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// isValue knows words without digits that can only be values: paths, addresses,
// long hexadecimal, truth values.
func isValue(w []byte, seen uint8) bool {
	if seen&isSlash != 0 && isPath(w) {
		return true
	}
	if seen&isAt != 0 && w[0] != '@' && w[len(w)-1] != '@' {
		return true
	}
	if seen&notHex == 0 && len(w) >= 7 {
		return true
	}
	switch len(w) {
	case 3:
		return string(w) == "nil"
	case 4:
		switch string(w) {
		case "true", "True", "TRUE", "null", "NULL", "None":
			return true
		}
	case 5:
		switch string(w) {
		case "false", "False", "FALSE":
			return true
		}
	}
	return false
}

// isPath takes /etc/hosts, ./run, ~/x, a/b/c, conf/app.yaml and C's \windows,
// and leaves I/O and read/write.
func isPath(w []byte) bool {
	if len(w) < 2 {
		return w[0] == '/'
	}
	if w[0] == '/' || w[0] == '\\' || w[0] == '~' || w[0] == '.' {
		return true
	}
	slashes, dots := 0, false
	for _, c := range w {
		if c == '/' || c == '\\' {
			slashes++
		}
		dots = dots || c == '.'
	}
	return slashes >= 2 || slashes == 1 && dots
}

// afterKey reports whether what follows, glued, is the value of a key: after
// "key=".
func (z *tokenizer) afterKey() bool {
	n := len(z.tokens)
	return n >= 2 && z.tokens[n-1].kind == mark && z.tokens[n-1].raw == '=' && z.tokens[n-2].kind == word && z.tokens[n-1].glued
}

// enclosedValue returns where an enclosed text ends that is the value of a key:
// key="a b", key=[a, b], key=Name{a b}, {"key": "a b"}, {"key": [a, b]}. It
// returns 0 where none begins.
func (z *tokenizer) enclosedValue(text []byte, at, end int, glued bool) int {
	n := len(z.tokens)
	if n > 0 && glued && z.tokens[n-1].kind == hole && text[at-1] == '/' {
		return bracketEnd(text, at, end) // /orders/{id}/items
	}
	if n < 2 {
		return 0
	}
	last, before := &z.tokens[n-1], &z.tokens[n-2]
	quoted := text[at] == '"' || text[at] == '\''
	switch {
	case last.kind == mark && last.raw == '=' && last.glued && glued && before.kind == word:
	case last.kind == mark && last.raw == ':' && last.glued && before.kind == mark && (before.raw == '"' || before.raw == '\''):
		if !quoted && text[at] != '[' {
			return 0
		}
	case last.kind == hole && glued && before.kind == mark && before.raw == '=' && !quoted && text[at-1] != '=':
		// key=Name{…}: the name is a value already.
	default:
		return 0
	}
	if quoted {
		return quoteEnd(text, at, end)
	}
	return bracketEnd(text, at, end)
}

// quoteEnd returns the offset after the quoted text that begins at a quote, or 0.
func quoteEnd(text []byte, at, end int) int {
	for i := at + 1; i < end; i++ {
		switch text[i] {
		case '\\':
			i++
		case text[at]:
			return i + 1
		}
	}
	return 0
}

// bracketEnd returns the offset after the bracketed text that begins at a
// bracket, or 0.
func bracketEnd(text []byte, at, end int) int {
	open := text[at]
	var shut byte
	switch open {
	case '(':
		shut = ')'
	case '[', '{', '<':
		shut = open + 2
	default:
		return 0
	}
	depth := 0
	for i := at; i < end; i++ {
		switch text[i] {
		case open:
			depth++
		case shut:
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
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

// isUnit knows abbreviations of units, which change with the size of a value.
func isUnit(w []byte) bool {
	if len(w) > 4 {
		return false
	}
	switch string(w) {
	case "B", "KB", "kB", "MB", "GB", "TB", "PB", "KiB", "MiB", "GiB", "TiB", "ns", "us", "µs", "ms", "s", "sec", "secs", "min", "mins":
		return true
	}
	return false
}

// allDigits takes a port, and one at the end of a sentence.
func allDigits(w []byte) bool {
	for _, c := range bytes.TrimRight(w, ".") {
		if classes[c]&isDigit == 0 {
			return false
		}
	}
	return true
}

func isHexPair(w []byte) bool {
	return len(w) == 2 && classes[w[0]]&(notHex|isMark) == 0 && classes[w[1]]&(notHex|isMark) == 0
}

// isFiller knows what stands for a value that is missing in a row of them, ****,
// or between two: 5 - 7.
func isFiller(w []byte) bool {
	for _, c := range w {
		if classes[c]&isWordy != 0 {
			return false
		}
	}
	return len(w) >= 2 || w[0] == '-' || w[0] == '*'
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

// dateWord knows the names of months and days, which are values before a value.
func dateWord(w []byte) bool {
	if len(w) != 3 {
		return false
	}
	switch string(w) {
	case "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
		"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun":
		return true
	}
	return false
}
