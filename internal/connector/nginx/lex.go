package nginx

import (
	"fmt"
	"strings"
)

// kind is what a token is.
type kind int

const (
	word kind = iota
	semicolon
	open
	shut
)

// token is a piece of a configuration with its place, in bytes.
type token struct {
	kind       kind
	text       string // a word without its quotes and escapes
	start, end int
}

// syntaxError is what cannot be read, with its line.
type syntaxError struct {
	line int
	text string
}

func (e *syntaxError) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.text) }

// lexer reads tokens as nginx does: quotes and comments count at the start of
// a word only, a backslash takes the next character with it, and ${ is a
// variable and no block.
type lexer struct {
	data []byte
	at   int
}

func (l *lexer) fail(at int, text string) error {
	return &syntaxError{line: lineOf(l.data, at), text: text}
}

// lineOf is the line of a byte, from 1 on.
func lineOf(data []byte, at int) int {
	return 1 + strings.Count(string(data[:min(at, len(data))]), "\n")
}

// next returns the next token; ok is false at the end.
func (l *lexer) next() (t token, ok bool, err error) {
	l.skipBlank()
	if l.at >= len(l.data) {
		return token{}, false, nil
	}
	start := l.at
	switch l.data[start] {
	case ';':
		l.at++
		return token{semicolon, ";", start, l.at}, true, nil
	case '{':
		l.at++
		return token{open, "{", start, l.at}, true, nil
	case '}':
		l.at++
		return token{shut, "}", start, l.at}, true, nil
	case '"', '\'':
		return l.quoted(l.data[start])
	}
	return l.bare()
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

func (l *lexer) skipBlank() {
	for l.at < len(l.data) {
		switch c := l.data[l.at]; {
		case isBlank(c):
			l.at++
		case c == '#':
			for l.at < len(l.data) && l.data[l.at] != '\n' {
				l.at++
			}
		default:
			return
		}
	}
}

func (l *lexer) quoted(quote byte) (token, bool, error) {
	start := l.at
	for i := start + 1; i < len(l.data); i++ {
		switch l.data[i] {
		case '\\':
			i++
		case quote:
			l.at = i + 1
			if l.at < len(l.data) && !isBlank(l.data[l.at]) && !strings.ContainsRune(";{)", rune(l.data[l.at])) {
				return token{}, false, l.fail(i, "something stands right behind a closing quote")
			}
			return token{word, unescape(l.data[start+1 : i]), start, l.at}, true, nil
		}
	}
	return token{}, false, l.fail(start, "a quote is never closed")
}

func (l *lexer) bare() (token, bool, error) {
	start, i := l.at, l.at
	for i < len(l.data) {
		c := l.data[i]
		if c == '\\' {
			i += 2
			continue
		}
		if isBlank(c) || c == ';' || c == '{' && (i == start || l.data[i-1] != '$') {
			break
		}
		i++
	}
	l.at = min(i, len(l.data))
	return token{word, unescape(l.data[start:l.at]), start, l.at}, true, nil
}

// unescape takes away the backslashes that nginx takes away: those before
// quotes, backslashes and the letters t, r and n.
func unescape(data []byte) string {
	var b strings.Builder
	for i := 0; i < len(data); i++ {
		if data[i] == '\\' && i+1 < len(data) {
			switch data[i+1] {
			case '"', '\'', '\\':
				i++
			case 't', 'r', 'n':
				b.WriteByte(map[byte]byte{'t': '\t', 'r': '\r', 'n': '\n'}[data[i+1]])
				i++
				continue
			}
		}
		b.WriteByte(data[i])
	}
	return b.String()
}

// skipLua passes a block of Lua code, which has rules of its own: braces in its
// strings and comments do not count. The opening brace has been read.
func (l *lexer) skipLua() error {
	start, depth := l.at, 1
	for l.at < len(l.data) {
		rest := string(l.data[l.at:min(len(l.data), l.at+4)])
		switch c := l.data[l.at]; {
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				l.at++
				return nil
			}
		case strings.HasPrefix(rest, "--[["), strings.HasPrefix(rest, "[["):
			end := strings.Index(string(l.data[l.at:]), "]]")
			if end < 0 {
				return l.fail(l.at, "a Lua text is never closed")
			}
			l.at += end + 1
		case strings.HasPrefix(rest, "--"):
			for l.at+1 < len(l.data) && l.data[l.at+1] != '\n' {
				l.at++
			}
		case c == '"' || c == '\'':
			for l.at++; l.at < len(l.data) && l.data[l.at] != c; l.at++ {
				if l.data[l.at] == '\\' {
					l.at++
				}
			}
		}
		l.at++
	}
	return l.fail(start, "a block of Lua is never closed")
}
