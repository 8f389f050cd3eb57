package cli

import (
	"fmt"
	"strings"
	"unicode"
)

// printable shows what would steer a terminal instead of letting it: whoever can
// make a service log a text could otherwise clear the screen or forge a line.
// Tabs stay, and line breaks where the layout expects them.
func printable(text string) string {
	if !strings.ContainsFunc(text, steers) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if steers(r) {
			fmt.Fprintf(&b, "\\u%04x", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// steers knows control characters, and those that change the direction of text.
func steers(r rune) bool {
	switch {
	case r == '\n' || r == '\t':
		return false
	case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
		return true
	}
	return unicode.IsControl(r)
}
