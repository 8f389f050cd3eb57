package logql

import "slices"

// marker finds the line breaks of a block, and the places where keys may stand
// that a query asks for, in one pass at the speed of memory. A key is looked for
// by its two bytes that logs have least of, with the distance between them.
type marker struct {
	pairs    []bytePair
	odd      bool   // of the line breaks only those that no brace follows
	patterns []byte // 32 line breaks, 32 braces; then for each pair 32 times its first byte and 32 times its second
	gaps     []int
	reach    int // how far behind an offset is looked
}

// bytePair is two bytes of a stem. offset is that of the first in the stem.
type bytePair struct {
	first, second byte
	gap, offset   int
}

// mostPairs bounds what one pass looks for; each costs as much as the rest.
const mostPairs = 6

// pairOf takes the two rarest bytes of a stem; false where it is too short.
func pairOf(stem []byte) (bytePair, bool) {
	if len(stem) < 2 {
		return bytePair{}, false
	}
	a, b := 0, 1
	for i := range stem {
		switch {
		case i != b && rarity(stem[i]) > rarity(stem[a]):
			if rarity(stem[a]) > rarity(stem[b]) {
				b = a
			}
			a = i
		case i != a && rarity(stem[i]) > rarity(stem[b]):
			b = i
		}
	}
	if a > b {
		a, b = b, a
	}
	return bytePair{first: stem[a], second: stem[b], gap: b - a, offset: a}, true
}

func newMarker(pairs []bytePair, odd bool) *marker {
	m := &marker{pairs: pairs, odd: odd, patterns: repeated(repeated(nil, '\n'), '{'), reach: 1}
	for _, p := range pairs {
		m.patterns = repeated(repeated(m.patterns, p.first), p.second)
		m.gaps = append(m.gaps, p.gap)
		m.reach = max(m.reach, p.gap)
	}
	return m
}

func repeated(to []byte, c byte) []byte {
	for range 32 {
		to = append(to, c)
	}
	return to
}

// mark returns the offsets in order, in the room that it is given; false where
// there is too little of it.
func (m *marker) mark(block []byte, room []uint32) ([]uint32, bool) {
	n, at := m.quick(block, room)
	out := room[:n]
	for i := at; i < len(block); i++ {
		if !m.isBreak(block, i) && !m.begins(block, i) {
			continue
		}
		if len(out) == cap(room) {
			return nil, false
		}
		out = append(out, uint32(i))
	}
	return out, true
}

// isBreak reports whether a line break stands at the offset that is marked.
func (m *marker) isBreak(block []byte, i int) bool {
	return block[i] == '\n' && !(m.odd && i+1 < len(block) && block[i+1] == '{')
}

// begins reports whether a pair begins at the offset.
func (m *marker) begins(block []byte, i int) bool {
	for _, p := range m.pairs {
		if block[i] == p.first && i+p.gap < len(block) && block[i+p.gap] == p.second {
			return true
		}
	}
	return false
}

// has reports whether the marker looks for the pair.
func (m *marker) has(p bytePair) bool { return m != nil && slices.Contains(m.pairs, p) }

// BlockMarks are the marks of a block, line by line.
type BlockMarks struct {
	of    *marker
	block []byte
	list  []uint32
	next  int
}

// Marks are where keys may stand in a line. Without any, keys are searched.
type Marks struct {
	of   *marker
	at   uint32   // offset of the line in the block
	list []uint32 // offsets in the block; may hold those of the line break too
}

// Line returns the end of the line that begins at the offset, and its marks.
// Lines are asked for in order; false where no line break comes any more.
func (b *BlockMarks) Line(start int) (end int, m Marks, ok bool) {
	for b.next < len(b.list) && int(b.list[b.next]) < start {
		b.next++
	}
	for i := b.next; i < len(b.list); i++ {
		if end := int(b.list[i]); b.block[end] == '\n' {
			m := Marks{of: b.of, at: uint32(start), list: b.list[b.next:i]}
			b.next = i + 1
			return end, m, true
		}
	}
	return 0, Marks{}, false
}
