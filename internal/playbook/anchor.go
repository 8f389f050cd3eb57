package playbook

import (
	"strconv"
	"strings"
	"unicode"
)

// anchors makes the anchors of one file's headings, in order, the way GitHub
// does: lower case, spaces to hyphens, everything but letters, digits, hyphens
// and underscores dropped, and -1, -2 behind a repeat.
type anchors struct{ seen map[string]int }

func (a *anchors) next(heading string) string {
	if a.seen == nil {
		a.seen = map[string]int{}
	}
	slug := Anchor(heading)
	unique := slug
	for {
		if _, taken := a.seen[unique]; !taken {
			break
		}
		a.seen[slug]++
		unique = slug + "-" + strconv.Itoa(a.seen[slug])
	}
	a.seen[unique] = 0
	return unique
}

// Anchor is the anchor of a heading that is the only one of its name.
func Anchor(heading string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(strings.TrimSpace(heading)) {
		switch {
		case r == ' ':
			b.WriteByte('-')
		case r == '-', r == '_', unicode.IsLetter(r), unicode.IsMark(r), unicode.IsNumber(r):
			b.WriteRune(r)
		}
	}
	return b.String()
}
