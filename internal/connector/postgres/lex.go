package postgres

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// tokenKind is the kind of a token of SQL.
type tokenKind int

const (
	word   tokenKind = iota // unquoted name or keyword, in lower case as the server folds it
	quoted                  // quoted name, without its quotes
	text_                   // string constant of any kind; its contents never matter
	digits                  // number
	param                   // $1
	op                      // operator, one run of operator characters
	punct                   // ( ) [ ] , ; : .
)

// token is one token with its place in the text.
type token struct {
	kind tokenKind
	text string
	at   int // byte offset
	end  int
	esc  bool // an E'' string: backslashes escape
}

// name reports whether a token can be a name.
func (t token) name() bool { return t.kind == word || t.kind == quoted }

func (t token) is(kind tokenKind, text string) bool { return t.kind == kind && t.text == text }

// syntaxError is a text that we cannot read, and therefore do not send.
type syntaxError struct {
	at   int
	text string
}

func (e *syntaxError) Error() string { return e.text }

// maxName is how many bytes of a name the server keeps; it cuts longer ones,
// so that a longer name here could be another name there.
const maxName = 63

const operatorChars = "+-*/<>=~!@#%^&|`?"

// lex splits a statement into tokens by the server's rules with
// standard_conforming_strings on (which our transactions set). Forms that are
// rare and easy to get wrong are refused rather than read: names in U&"",
// unquoted names beyond ASCII, a string that goes on after an E” string.
func lex(sql string) ([]token, *syntaxError) {
	l := lexer{sql: sql}
	for {
		if err := l.space(); err != nil {
			return l.tokens, err
		}
		if l.at >= len(l.sql) {
			return l.tokens, nil
		}
		if err := l.next(); err != nil {
			return l.tokens, err
		}
	}
}

type lexer struct {
	sql    string
	at     int
	tokens []token
}

func (l *lexer) fail(at int, format string, args ...any) *syntaxError {
	return &syntaxError{at: at, text: fmt.Sprintf(format, args...)}
}

func (l *lexer) add(kind tokenKind, text string, start int) {
	l.tokens = append(l.tokens, token{kind: kind, text: text, at: start, end: l.at})
}

func (l *lexer) peek(offset int) byte {
	if l.at+offset < len(l.sql) {
		return l.sql[l.at+offset]
	}
	return 0
}

// space skips blanks and comments; comments in /* */ nest.
func (l *lexer) space() *syntaxError {
	for l.at < len(l.sql) {
		c := l.sql[l.at]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f':
			l.at++
		case c == '-' && l.peek(1) == '-':
			for l.at < len(l.sql) && l.sql[l.at] != '\n' && l.sql[l.at] != '\r' {
				l.at++
			}
		case c == '/' && l.peek(1) == '*':
			if err := l.comment(); err != nil {
				return err
			}
		default:
			return nil
		}
	}
	return nil
}

func (l *lexer) comment() *syntaxError {
	start, depth := l.at, 0
	for l.at < len(l.sql) {
		switch {
		case l.sql[l.at] == '/' && l.peek(1) == '*':
			depth++
			l.at += 2
		case l.sql[l.at] == '*' && l.peek(1) == '/':
			depth--
			l.at += 2
			if depth == 0 {
				return nil
			}
		default:
			l.at++
		}
	}
	return l.fail(start, "a comment is never closed by */")
}

func (l *lexer) next() *syntaxError {
	start, c := l.at, l.sql[l.at]
	switch {
	case c == '\'':
		return l.str(start, false)
	case (c == 'e' || c == 'E') && l.peek(1) == '\'':
		l.at++
		return l.str(start, true)
	case strings.IndexByte("bBxXnN", c) >= 0 && l.peek(1) == '\'':
		l.at++
		return l.str(start, false)
	case (c == 'u' || c == 'U') && l.peek(1) == '&' && l.peek(2) == '\'':
		l.at += 2
		return l.str(start, false)
	case (c == 'u' || c == 'U') && l.peek(1) == '&' && l.peek(2) == '"':
		return l.fail(start, `names in U&"" are not read here: write the name itself`)
	case c == '"':
		return l.quotedName(start)
	case c == '$':
		return l.dollar(start)
	case isLetter(c):
		return l.word(start)
	case c >= '0' && c <= '9' || c == '.' && l.peek(1) >= '0' && l.peek(1) <= '9':
		l.number(start)
		return nil
	case strings.IndexByte("()[],;:.", c) >= 0:
		l.at++
		l.add(punct, string(c), start)
		return nil
	case strings.IndexByte(operatorChars, c) >= 0:
		l.operator(start)
		return nil
	}
	return l.fail(start, "the character %q has no place in SQL", c)
}

// str reads a string from its opening quote on.
func (l *lexer) str(start int, escapes bool) *syntaxError {
	if n := len(l.tokens); n > 0 && l.tokens[n-1].esc {
		return l.fail(start, "a string after an E'' string is read as part of it: write one string")
	}
	for l.at++; l.at < len(l.sql); l.at++ {
		switch c := l.sql[l.at]; {
		case c == 0:
			return l.fail(l.at, "a zero byte has no place in SQL")
		case c == '\\' && escapes:
			l.at++
		case c == '\'' && l.peek(1) == '\'':
			l.at++
		case c == '\'':
			l.at++
			l.add(text_, "", start)
			l.tokens[len(l.tokens)-1].esc = escapes
			return nil
		}
	}
	return l.fail(start, "a string is never closed by '")
}

func (l *lexer) quotedName(start int) *syntaxError {
	var b strings.Builder
	for l.at++; l.at < len(l.sql); l.at++ {
		switch c := l.sql[l.at]; {
		case c == 0:
			return l.fail(l.at, "a zero byte has no place in SQL")
		case c == '"' && l.peek(1) == '"':
			b.WriteByte('"')
			l.at++
		case c == '"':
			l.at++
			if b.Len() == 0 || b.Len() > maxName || !utf8.ValidString(b.String()) {
				return l.fail(start, "a quoted name has 1 to %d bytes of text", maxName)
			}
			l.add(quoted, b.String(), start)
			return nil
		default:
			b.WriteByte(c)
		}
	}
	return l.fail(start, `a quoted name is never closed by "`)
}

// dollar reads $1, or a string in $tag$ … $tag$.
func (l *lexer) dollar(start int) *syntaxError {
	if c := l.peek(1); c >= '0' && c <= '9' {
		for l.at++; l.at < len(l.sql) && l.sql[l.at] >= '0' && l.sql[l.at] <= '9'; l.at++ {
		}
		l.add(param, l.sql[start:l.at], start)
		return nil
	}
	end := l.at + 1
	for end < len(l.sql) && (isLetter(l.sql[end]) || end > l.at+1 && l.sql[end] >= '0' && l.sql[end] <= '9') {
		end++
	}
	if end >= len(l.sql) || l.sql[end] != '$' {
		return l.fail(start, "a lone $ has no place in SQL")
	}
	tag := l.sql[l.at : end+1]
	close := strings.Index(l.sql[end+1:], tag)
	if close < 0 {
		return l.fail(start, "a string is never closed by %s", tag)
	}
	l.at = end + 1 + close + len(tag)
	l.add(text_, "", start)
	return nil
}

func (l *lexer) word(start int) *syntaxError {
	for l.at < len(l.sql) {
		c := l.sql[l.at]
		if c >= utf8.RuneSelf {
			return l.fail(start, "a name beyond ASCII must stand in double quotes")
		}
		if !isLetter(c) && c != '$' && (c < '0' || c > '9') {
			break
		}
		l.at++
	}
	if l.at-start > maxName {
		return l.fail(start, "a name has at most %d bytes", maxName)
	}
	l.add(word, strings.ToLower(l.sql[start:l.at]), start)
	return nil
}

// number reads as little as can be a number: what follows is read for itself,
// so that 1pg_sleep(1) still shows the name.
func (l *lexer) number(start int) {
	for l.at < len(l.sql) {
		c := l.sql[l.at]
		if (c < '0' || c > '9') && c != '.' {
			break
		}
		l.at++
	}
	if c := l.peek(0); c == 'e' || c == 'E' {
		skip := 1
		if s := l.peek(1); s == '+' || s == '-' {
			skip = 2
		}
		if d := l.peek(skip); d >= '0' && d <= '9' {
			for l.at += skip; l.at < len(l.sql) && l.sql[l.at] >= '0' && l.sql[l.at] <= '9'; l.at++ {
			}
		}
	}
	l.add(digits, l.sql[start:l.at], start)
}

// operator reads a run of operator characters up to a comment.
func (l *lexer) operator(start int) {
	for l.at < len(l.sql) && strings.IndexByte(operatorChars, l.sql[l.at]) >= 0 {
		if l.at > start && (l.sql[l.at] == '-' && l.peek(1) == '-' || l.sql[l.at] == '/' && l.peek(1) == '*') {
			break
		}
		l.at++
	}
	l.add(op, l.sql[start:l.at], start)
}

func isLetter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= utf8.RuneSelf
}
