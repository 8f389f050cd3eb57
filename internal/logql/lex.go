package logql

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

type tokenKind int

const (
	tokEnd tokenKind = iota
	tokIdent
	tokString
	tokNumber
	tokDuration
	tokBytes
	tokHole // ${name}, only when a fence is checked before its holes are filled
	tokOp
)

type token struct {
	kind   tokenKind
	text   string  // as written; of a string: its value
	number float64 // of numbers; seconds of durations; bytes
	offset int
	end    int
}

// operators, longest first.
var operators = []string{
	"|=", "|~", "|>", "!=", "!~", "!>", "=~", "==", ">=", "<=", "--",
	"|", "=", ">", "<", "{", "}", "(", ")", "[", "]", ",", "+", "-", "*", "/", "%", "^", "@", ":",
}

// lex splits a query into tokens, the last of which is tokEnd.
func lex(text string, holes bool) (tokens []token, err error) {
	var out []token
	defer func() { err = cutTemplate(out, err) }()
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case blankAt(text, i) > 0:
			i += blankAt(text, i)
		case c == '#':
			for i < len(text) && text[i] != '\n' {
				i++
			}
		case c == '"' || c == '`':
			value, end, err := lexString(text, i)
			if err != nil {
				return nil, err
			}
			out = append(out, token{kind: tokString, text: value, offset: i, end: end})
			i = end
		case isLetter(c):
			end := identEnd(text, i)
			out = append(out, token{kind: tokIdent, text: text[i:end], offset: i, end: end})
			i = end
		case isDigit(c) || c == '.' && i+1 < len(text) && isDigit(text[i+1]):
			t, err := lexNumber(text, i)
			if err != nil {
				return nil, err
			}
			out = append(out, t)
			i = t.end
		case strings.HasPrefix(text[i:], "${"):
			end := strings.IndexByte(text[i:], '}')
			if !holes || end < 0 {
				return nil, unfilled(text, i)
			}
			out = append(out, token{kind: tokHole, text: text[i : i+end+1], number: 1, offset: i, end: i + end + 1})
			i += end + 1
		default:
			op := operatorAt(text[i:])
			if op == "" {
				return nil, unexpectedRune(text, i)
			}
			out = append(out, token{kind: tokOp, text: op, offset: i, end: i + len(op)})
			i += len(op)
		}
	}
	return append(out, token{kind: tokEnd, offset: len(text), end: len(text)}), nil
}

func unexpectedRune(text string, i int) error {
	r, _ := utf8.DecodeRuneInString(text[i:])
	if e := pasted(text, i); e != nil {
		return e
	}
	e := &Error{Offset: i, Reason: fmt.Sprintf("%q has no meaning here", r)}
	switch r {
	case '\'':
		e.Suggestion = `write texts in double quotes or backticks`
	case '“', '”', '‘', '’':
		e.Suggestion = `a word processor changed the quotes: write "`
	case '&':
		e.Suggestion = "write and"
	case '!':
		e.Suggestion = "write != or !~"
	}
	return e
}

func operatorAt(s string) string {
	for _, op := range operators {
		if strings.HasPrefix(s, op) {
			return op
		}
	}
	return ""
}

// identEnd reads a name. Dots are part of it: in this dialect a.b is the
// flattened name a_b.
func identEnd(text string, i int) int {
	for i < len(text) {
		switch c := text[i]; {
		case isLetter(c) || isDigit(c):
			i++
		case c == '.' && i+1 < len(text) && isLetter(text[i+1]):
			i++
		default:
			return i
		}
	}
	return i
}

func lexString(text string, i int) (value string, end int, err error) {
	quote := text[i]
	for j := i + 1; j < len(text); j++ {
		switch {
		case text[j] == quote:
			body := text[i : j+1]
			if quote == '`' {
				return text[i+1 : j], j + 1, nil
			}
			// Line breaks inside of double quotes are not in LogQL; people do not write them.
			v, err := strconv.Unquote(body)
			if err != nil {
				return "", 0, &Error{Offset: i, Reason: "a text in double quotes holds a line break or an unknown escape",
					Suggestion: `in a regular expression write \\ for each \, or put it in backticks`}
			}
			return v, j + 1, nil
		case text[j] == '\\' && quote == '"':
			j++
		}
	}
	return "", 0, &Error{Offset: i, Reason: "this text is never closed", Suggestion: "add the closing " + string(quote)}
}

var (
	durationParts = regexp.MustCompile(`(\d+(?:\.\d+)?|\.\d+)(ns|us|µs|μs|ms|s|m|h|d|w|y)`)
	bytesText     = regexp.MustCompile(`(?i)^(\d+(?:\.\d+)?|\.\d+)\s*(b|[kmgtp]i?b|[kmgtp]i?)$`)
)

func lexNumber(text string, i int) (token, error) {
	end := i
	for end < len(text) && (isDigit(text[end]) || isLetter(text[end]) || text[end] == '.' ||
		text[end] >= utf8.RuneSelf || (text[end] == '+' || text[end] == '-') && exponentSign(text[i:end])) {
		end++
	}
	word := text[i:end]
	t := token{text: word, offset: i, end: end}
	if n, err := strconv.ParseFloat(word, 64); err == nil && !strings.ContainsAny(word, "xXpP_") {
		t.kind, t.number = tokNumber, n
		return t, nil
	}
	if d, ok := parseDuration(word); ok {
		t.kind, t.number = tokDuration, d
		return t, nil
	}
	if b, ok := parseBytes(word); ok {
		t.kind, t.number = tokBytes, b
		return t, nil
	}
	return t, &Error{Offset: i, Reason: fmt.Sprintf("%q is not a number, a duration like 5m or a size like 20MB", excerpt(word))}
}

func exponentSign(s string) bool {
	return len(s) > 1 && (s[len(s)-1] == 'e' || s[len(s)-1] == 'E') && isDigit(s[len(s)-2])
}

// durationUnits in seconds; a day has 24 hours and a year 365 days, as in Prometheus.
func durationUnit(unit string) float64 {
	switch unit {
	case "ns":
		return 1e-9
	case "us", "µs", "μs":
		return 1e-6
	case "ms":
		return 1e-3
	case "s":
		return 1
	case "m":
		return 60
	case "h":
		return 3600
	case "d":
		return 86400
	case "w":
		return 7 * 86400
	}
	return 365 * 86400
}

// parseDuration reads 5m, 1h30m, 250ms, 1.5s, 2d into seconds.
func parseDuration(s string) (float64, bool) {
	if s == "0" {
		return 0, true
	}
	negative := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(s, "-")
	total, at := 0.0, 0
	for _, m := range durationParts.FindAllStringSubmatchIndex(s, -1) {
		if m[0] != at {
			return 0, false
		}
		n, err := strconv.ParseFloat(s[m[2]:m[3]], 64)
		if err != nil {
			return 0, false
		}
		total += n * durationUnit(s[m[4]:m[5]])
		at = m[1]
	}
	if at == 0 || at != len(s) || total > float64(math.MaxInt64)/float64(time.Second) {
		return 0, false
	}
	if negative {
		total = -total
	}
	return total, true
}

// parseBytes reads 20MB (powers of 1000) and 20MiB (powers of 1024).
func parseBytes(s string) (float64, bool) {
	m := bytesText.FindStringSubmatch(s)
	if m == nil {
		return 0, false
	}
	n, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		return 0, false
	}
	unit := strings.ToLower(m[2])
	base := 1000.0
	if len(unit) > 1 && unit[1] == 'i' {
		base = 1024
	}
	return n * math.Pow(base, float64(strings.IndexByte("bkmgtp", unit[0]))), true
}

func seconds(s float64) time.Duration { return time.Duration(math.Round(s * float64(time.Second))) }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isLetter(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// ParseDuration reads 5m, 1h30m, 250ms, 2d.
func ParseDuration(text string) (time.Duration, bool) {
	s, ok := parseDuration(text)
	return seconds(s), ok
}

// ParseBytes reads 64MB, 20MiB or a plain number of bytes.
func ParseBytes(text string) (int64, bool) {
	if v, ok := parseBytes(text); ok && v < 1<<62 {
		return int64(v), true
	}
	v, err := strconv.ParseInt(text, 10, 64)
	return v, err == nil
}
