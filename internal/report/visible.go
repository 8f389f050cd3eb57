package report

import (
	"fmt"
	"strings"
	"unicode"
)

// visible shows what would steer a terminal, a browser or an eye instead of
// letting it: control characters, and those that turn the direction of text or
// cannot be seen. Line breaks and tabs stay.
func visible(text string) string {
	text = strings.ToValidUTF8(text, "�")
	if !strings.ContainsFunc(text, steers) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if steers(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func steers(r rune) bool {
	switch r {
	case '\n', '\t':
		return false
	case '\u200c', '\u200d': // join letters in several scripts, and emoji
		return false
	case '\u2028', '\u2029':
		return true
	}
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
}

// oneLine is text without line breaks, for where a line is all there is.
func oneLine(text string) string { return strings.Join(strings.Fields(visible(text)), " ") }
