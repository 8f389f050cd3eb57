package report

import (
	"strings"
	"unicode/utf8"
)

// Style says how a page is drawn. The zero value is plain text, 80 columns wide.
type Style struct {
	Color bool
	Width int  // columns; 0 means 80
	Full  bool // show every sign, cause and blind spot instead of the first few
}

// The few colours that a page needs, as ANSI codes.
const (
	bold   = "1"
	dim    = "2"
	red    = "31;1"
	yellow = "33;1"
	green  = "32;1"
	cyan   = "36"
)

func (s Style) paint(code, text string) string {
	if !s.Color || text == "" || code == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (s Style) width() int {
	if s.Width < 60 {
		return 80
	}
	return min(s.Width, 110)
}

// wrap breaks text at spaces into lines of at most width characters. A word
// that is longer stands on a line of its own.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(visible(text)) {
		switch {
		case line == "":
			line = word
		case length(line)+1+length(word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

func length(s string) int { return utf8.RuneCountInString(s) }

// cut shortens text to width characters, with an ellipsis where it was longer.
func cut(text string, width int) string {
	text = strings.Join(strings.Fields(visible(text)), " ")
	if length(text) <= width {
		return text
	}
	runes := []rune(text)
	return string(runes[:max(width-1, 0)]) + "…"
}

func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(width-length(text), 0))
}
