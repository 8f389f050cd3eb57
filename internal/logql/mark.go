package logql

// marker finds the line breaks of a block, and the places where keys may stand
// that a query asks for, in one pass at the speed of memory. A key is looked for
// by its two bytes that logs have least of, with the distance between them.
type marker struct {
	pairs    []bytePair
	patterns []byte // 32 line breaks; then for each pair 32 times its first byte and 32 times its second
	gaps     []int
	reach    int // the greatest gap
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

func newMarker(pairs []bytePair) *marker {
	m := &marker{pairs: pairs, patterns: repeated(nil, '\n')}
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
		if block[i] != '\n' && !m.begins(block, i) {
			continue
		}
		if len(out) == cap(room) {
			return nil, false
		}
		out = append(out, uint32(i))
	}
	return out, true
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
