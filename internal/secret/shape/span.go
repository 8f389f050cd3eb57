package shape

import (
	"net/url"
	"strconv"
	"strings"
)

// A Span is a secret in a text: the bytes from From up to To.
type Span struct {
	From, To int
	Kind     Kind
	// Quote must be put on both sides of what takes the secret's place, so that
	// the text stays JSON: there it was a bare number. Mostly empty.
	Quote  string
	coding coding
}

// coding is how a secret is written where it was found.
type coding int

const (
	bare coding = iota
	percent
	escaped
)

// Plain returns the secret itself, as it was before it was written into a URL
// or a quoted string, so that the same secret is known again in both.
func (s Span) Plain(text string) string {
	raw := text[s.From:s.To]
	switch {
	case s.coding == percent && strings.Contains(raw, "%"):
		if plain, err := url.PathUnescape(raw); err == nil {
			return plain
		}
	case s.coding == escaped && strings.Contains(raw, `\`):
		if plain, err := strconv.Unquote(`"` + raw + `"`); err == nil {
			return plain
		}
	}
	return raw
}
