package logql

// finder looks for any of a set of words, without case, in one pass. Words are
// in lower case ASCII and have at least two bytes.
type finder struct {
	pairs [1024]uint64 // a bit for each pair of bytes that a word begins with
	words map[uint16][]numbered
}

// numbered is a word and its place in the list.
type numbered struct {
	text []byte
	at   int
}

func newFinder(words []string) *finder {
	f := &finder{words: map[uint16][]numbered{}}
	for at, w := range words {
		key := uint16(w[0])<<8 | uint16(w[1])
		f.pairs[key>>6] |= 1 << (key & 63)
		f.words[key] = append(f.words[key], numbered{[]byte(w), at})
	}
	return f
}

// in reports whether any of the words stands in a text.
func (f *finder) in(text []byte) bool {
	return f.walk(text, func(int) bool { return false })
}

// all notes which words stand in a text.
func (f *finder) all(text []byte, into *wordSet) {
	f.walk(text, func(at int) bool { into.add(at); return true })
}

// walk tells of each place where a word stands, until told to stop: then it
// reports true.
func (f *finder) walk(text []byte, found func(at int) (on bool)) (stopped bool) {
	if len(text) == 0 {
		return false
	}
	before := lowerByte(text[0])
	for i := 1; i < len(text); i++ {
		c := lowerByte(text[i])
		key := uint16(before)<<8 | uint16(c)
		before = c
		if f.pairs[key>>6]&(1<<(key&63)) == 0 {
			continue
		}
		rest := text[i-1:]
		for _, w := range f.words[key] {
			if len(w.text) <= len(rest) && equalFold(rest[:len(w.text)], w.text) && !found(w.at) {
				return true
			}
		}
	}
	return false
}

func lowerByte(c byte) byte {
	if c-'A' < 26 {
		c += 32
	}
	return c
}
