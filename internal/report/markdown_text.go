package report

import (
	"regexp"
	"strings"
	"unicode"
)

// Text that came from systems and people is written so that Markdown shows it
// and does not read it: no table breaks, no link is made, nothing is run.

// special are the characters that Markdown, with the extensions of the usual
// viewers, gives a meaning anywhere in a line. The underscore is one only at the
// edge of a word.
const special = "\\`*{}[]<>|~$&#!"

// leading is what gives the beginning of a line a meaning.
var leading = regexp.MustCompile(`^([-+]|=+|-+|\d+[.)])(\s|$)`)

// md is text for a place where Markdown is one line: a cell, an item, a heading.
func md(text string) string {
	text = oneLine(text)
	var b strings.Builder
	if m := leading.FindStringSubmatch(text); m != nil {
		head := m[1]
		b.WriteString(head[:len(head)-1] + `\` + head[len(head)-1:])
		text = text[len(head):]
	}
	runes := []rune(text)
	for n, r := range runes {
		edge := n == 0 || n == len(runes)-1 || !wordly(runes[n-1]) || !wordly(runes[n+1])
		if strings.ContainsRune(special, r) || r == '_' && edge {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	// Viewers make links of bare addresses.
	return strings.NewReplacer("://", `\://`, "www.", `www\.`, "mailto:", `mailto\:`).Replace(b.String())
}

func wordly(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// mdCode is text as code in a line.
func mdCode(text string) string {
	text = oneLine(text)
	if text == "" {
		return ""
	}
	fence := strings.Repeat("`", longestRun(text, '`')+1)
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		text = " " + text + " "
	}
	return fence + text + fence
}

// mdBlock is text as a block of code, its lines as they are.
func mdBlock(text string) string {
	fence := strings.Repeat("`", max(longestRun(text, '`')+1, 3))
	return fence + "text\n" + strings.TrimRight(visible(text), "\n") + "\n" + fence + "\n"
}

func longestRun(text string, of rune) int {
	longest, run := 0, 0
	for _, r := range text {
		if r == of {
			run++
		} else {
			run = 0
		}
		longest = max(longest, run)
	}
	return longest
}
