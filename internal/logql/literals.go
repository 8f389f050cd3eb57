package logql

import (
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode/utf8"
)

// finder looks for any of a set of words, without case, in one pass. Words are
// in lower case ASCII and have at least two bytes.
type finder struct {
	pairs [1024]uint64 // a bit for each pair of bytes that a word begins with
	words map[uint16][][]byte
}

func newFinder(words []string) *finder {
	f := &finder{words: map[uint16][][]byte{}}
	for _, w := range words {
		key := uint16(w[0])<<8 | uint16(w[1])
		f.pairs[key>>6] |= 1 << (key & 63)
		f.words[key] = append(f.words[key], []byte(w))
	}
	return f
}

func (f *finder) in(text []byte) bool {
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
			if len(w) <= len(rest) && equalFold(rest[:len(w)], w) {
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

// necessary returns words, in lower case, of which every text that the regular
// expression matches contains at least one; none where there is no such set.
func necessary(pattern string) []string {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil
	}
	words := wordsOf(re.Simplify())
	if len(words) > 200 {
		return nil
	}
	return words
}

// shortestWord is the least length of a word that is worth searching for.
const shortestWord = 3

func wordsOf(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		word := strings.ToLower(string(re.Rune))
		if len(word) < shortestWord || strings.ContainsFunc(word, func(r rune) bool { return r >= utf8.RuneSelf }) {
			return nil
		}
		return []string{word}
	case syntax.OpCapture, syntax.OpPlus:
		return wordsOf(re.Sub[0])
	case syntax.OpConcat:
		// Any part that must be there will do; the best has the longest shortest word.
		var best []string
		for _, sub := range re.Sub {
			if words := wordsOf(sub); shortest(words) > shortest(best) {
				best = words
			}
		}
		return best
	case syntax.OpAlternate:
		var all []string
		for _, sub := range re.Sub {
			words := wordsOf(sub)
			if words == nil {
				return nil
			}
			all = append(all, words...)
		}
		return all
	}
	return nil
}

func shortest(words []string) int {
	if len(words) == 0 {
		return 0
	}
	n := len(words[0])
	for _, w := range words {
		n = min(n, len(w))
	}
	return n
}

// searched is a regular expression behind a search for words that it needs.
// Without case, two letters outside of ASCII are s and k, so texts with such
// letters are then always given to the expression itself.
func searched(re *regexp.Regexp, words []string) textTest {
	if len(words) == 0 {
		return re.Match
	}
	f := newFinder(words)
	if !strings.Contains(re.String(), "(?") {
		return func(text []byte) bool { return f.in(text) && re.Match(text) }
	}
	return func(text []byte) bool { return (f.in(text) || foldsOutside(text)) && re.Match(text) }
}
