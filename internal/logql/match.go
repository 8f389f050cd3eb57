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
// Alternatives of plain words are searched for as such: it is the usual case
// and a hundred times faster.
func compileRegexp(pattern string, anchored bool) (textTest, error) {
	if !anchored {
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
	return re.Match, nil
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
	return func(text []byte) bool {
		for _, w := range lower {
			if containsFold(text, w) {
				return true
			}
		}
		return !isASCII(text) && re.Match(text)
	}, nil
}

// containsFold reports whether text holds word, which is in lower case ASCII.
func containsFold(text, word []byte) bool {
	for i := 0; i+len(word) <= len(text); i++ {
		c := text[i]
		if c >= 'A' && c <= 'Z' {
			c += 32
		}
		if c == word[0] && equalFold(text[i:i+len(word)], word) {
			return true
		}
	}
	return false
}

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

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
