package logql

import (
	"bytes"
	"regexp"
	"strings"
	"unicode/utf8"
)

// textTest is a compiled test on a text.
type textTest func([]byte) bool

// compileRegexp compiles an unanchored or a fully anchored regular expression.
// Alternatives of plain words are searched for as such, and words that must be
// there before the expression is tried: that is fifty times faster.
func compileRegexp(pattern string, anchored bool) (textTest, error) {
	return compiled.test(expression{pattern, anchored})
}

// test compiles the expression.
func (e expression) test() (textTest, error) {
	pattern := e.pattern
	if !e.anchored {
		if words, fold, ok := plainWords(pattern); ok {
			return containsAny(pattern, words, fold)
		}
	} else {
		pattern = "^(?:" + pattern + ")$"
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, err
	}
	return searched(re, pattern), nil
}

// plainWords splits (?i)a|.*b.*|c into its words, where it is nothing else.
func plainWords(pattern string) (words []string, fold, ok bool) {
	rest, fold := strings.CutPrefix(pattern, "(?i)")
	for _, word := range strings.Split(rest, "|") {
		word = strings.TrimSuffix(strings.TrimPrefix(word, ".*"), ".*")
		if word == "" || regexp.QuoteMeta(word) != word || strings.ContainsFunc(word, func(r rune) bool { return r >= utf8.RuneSelf }) {
			return nil, false, false
		}
		words = append(words, word)
	}
	return words, fold, true
}

func containsAny(pattern string, words []string, fold bool) (textTest, error) {
	lower := make([][]byte, len(words))
	for i, w := range words {
		lower[i] = []byte(w)
		if fold {
			lower[i] = []byte(strings.ToLower(w))
		}
	}
	if !fold {
		return func(text []byte) bool {
			for _, w := range lower {
				if bytes.Contains(text, w) {
					return true
				}
			}
			return false
		}, nil
	}
	// Two letters outside of ASCII fold to s and k, so such texts go the long way.
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, err
	}
	for _, w := range lower {
		if len(w) < 2 {
			return re.Match, nil
		}
	}
	words = words[:0]
	for _, w := range lower {
		words = append(words, string(w))
	}
	f := newFinder(words)
	return func(text []byte) bool { return f.in(text) || foldsOutside(text) && re.Match(text) }, nil
}

// equalFold compares a text with a word in lower case ASCII.
func equalFold(text, lower []byte) bool {
	for i, c := range text {
		if c >= 'A' && c <= 'Z' {
			c += 32
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// foldsOutside reports whether a text has one of the two letters outside of
// ASCII that are letters of ASCII without case: the long s and the Kelvin sign.
func foldsOutside(text []byte) bool {
	return bytes.Contains(text, []byte("\u017f")) || bytes.Contains(text, []byte("\u212a"))
}
