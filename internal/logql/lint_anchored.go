package logql

import (
	"fmt"
	"regexp"
	"strings"
)

// anchored finds expressions on labels that take other values here, where they
// may match anywhere, than on a Loki, where they must match the whole value.
func (l *linter) anchored(c *Compare, at stretch) {
	value, ok := l.value(at)
	if !ok || c.Text == "" {
		return
	}
	p := newEnds(c.Text)
	if p.settled() {
		return // both read it alike
	}
	words := literals(p.body())
	text := fmt.Sprintf("quell looks anywhere in %s, and in Loki %s must match the whole of it", c.Name, c.Op)
	if !p.anchored && wholeInMind(c.Name, words) {
		l.add("anchored-regexp", Hint, at, text,
			fmt.Sprintf("for the whole value write %s, for a part of it %s: these mean the same in both", l.quoted(value, p.whole()), l.quoted(value, p.part())))
		return
	}
	takes := "takes"
	advice := "where the whole line may be searched, a line filter before the parser is faster: |~ " + l.quoted(value, c.Text)
	if c.Op == "!~" {
		advice, takes = "", "drops"
	}
	if p.anchored {
		advice = "" // the ends of the value are not those of the line
	}
	if words != nil {
		text += fmt.Sprintf(": this %s only lines whose %s is exactly %s", takes, c.Name, someOf(words))
	}
	l.add("anchored-regexp", Wrong, at, text, advice, Edit{value.offset, value.end, l.quoted(value, p.part())})
}

// wholeInMind guesses that the author thought of whole values: a list of words
// like POST|PUT, or a form like 5.. for a label that holds no sentences.
func wholeInMind(name string, words []string) bool {
	if isFreeText(name) {
		return false
	}
	return words == nil || len(words) > 1 && !spaced(words)
}

// ends are the alternatives of an expression and what stands at their ends.
type ends struct {
	flag     string // (?i), (?s), (?is) or nothing
	parts    []string
	anchored bool // some part begins with ^ or ends with $
}

var leadingFlags = regexp.MustCompile(`^\(\?[is]+\)`)

func newEnds(pattern string) ends {
	var e ends
	e.flag = leadingFlags.FindString(pattern)
	pattern = pattern[len(e.flag):]
	e.parts = alternatives(pattern)
	for _, part := range e.parts {
		e.anchored = e.anchored || strings.HasPrefix(part, "^") || endsWith(part, "$")
	}
	return e
}

func (e ends) body() string { return strings.Join(e.parts, "|") }

// settled reports whether each alternative says itself how it begins and ends.
func (e ends) settled() bool {
	for _, part := range e.parts {
		if !saysBegin(part) || !saysEnd(part) {
			return false
		}
	}
	return true
}

// whole is the expression that both readings match with the whole value.
func (e ends) whole() string { return e.closed("^", "$") }

// part is the expression that both readings look for anywhere in the value.
func (e ends) part() string {
	if !e.anchored {
		return e.closed(".*", ".*")
	}
	// Each alternative keeps the end that it has.
	parts := make([]string, len(e.parts))
	for i, part := range e.parts {
		parts[i] = ends{parts: []string{part}}.closed(".*", ".*")
	}
	return e.flag + strings.Join(parts, "|")
}

func (e ends) closed(front, back string) string {
	body := e.body()
	if len(e.parts) > 1 {
		return e.flag + front + "(" + body + ")" + back
	}
	if saysBegin(body) {
		front = ""
	}
	if saysEnd(body) {
		back = ""
	}
	return e.flag + front + body + back
}

func saysBegin(part string) bool {
	return strings.HasPrefix(part, "^") || strings.HasPrefix(part, ".*") || strings.HasPrefix(part, ".+")
}

func saysEnd(part string) bool {
	return endsWith(part, "$") || endsWith(part, ".*") || endsWith(part, ".+")
}

// endsWith reports whether the expression ends with an operator that no
// backslash makes a letter.
func endsWith(part, operator string) bool {
	before, ok := strings.CutSuffix(part, operator)
	slashes := len(before) - len(strings.TrimRight(before, `\`))
	return ok && slashes%2 == 0
}

// alternatives splits an expression at its outermost bars.
func alternatives(pattern string) []string {
	var out []string
	depth, from, class := 0, 0, false
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '\\':
			i++
		case c == '[':
			class = true
		case c == ']':
			class = false
		case class:
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == '|' && depth == 0:
			out = append(out, pattern[from:i])
			from = i + 1
		}
	}
	return append(out, pattern[from:])
}
