package logql

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// blankAt is how many bytes of blank stand at i. Web pages and chats put other
// blanks into what is copied from them than a keyboard does, some without width.
func blankAt(text string, i int) int {
	r, size := utf8.DecodeRuneInString(text[i:])
	switch {
	case unicode.IsSpace(r), r >= '\u200b' && r <= '\u200d', r == '\u2060', r == '\ufeff':
		return size
	}
	return 0
}

var (
	dashboardVariable = regexp.MustCompile(`^\$(?:\w+|\{[^{}"` + "`" + `]*\})`)
	entities          = map[string]string{"&gt;": ">", "&lt;": "<", "&amp;": "&", "&quot;": `"`, "&#34;": `"`, "&#39;": "'", "&nbsp;": "a blank"}
)

// pasted knows what queries bring along from where they were copied.
func pasted(text string, i int) *Error {
	rest := text[i:]
	for entity, character := range entities {
		if strings.HasPrefix(rest, entity) {
			return &Error{Offset: i, Reason: entity + " is how a web page writes " + character, Suggestion: "write " + character}
		}
	}
	switch {
	case dashboardVariable.MatchString(rest):
		return unfilled(text, i)
	case rest[0] == '.' && strings.HasSuffix(strings.TrimSpace(text[:i]), "{{"):
		return &Error{Offset: i, Reason: "a template is a text", Suggestion: "put it in backticks, like line_format `{{.message}}`"}
	}
	return nil
}

// unfilled is a variable of a dashboard, or a hole of a playbook, that stands
// where only its value can be read.
func unfilled(text string, i int) *Error {
	name := dashboardVariable.FindString(text[i:])
	plain := strings.Trim(name, "${}")
	if strings.HasPrefix(name, "${") && !strings.HasPrefix(plain, "__") && !strings.Contains(plain, ":") || name == "" {
		return &Error{Offset: i, Reason: "a hole ${…} was not filled"}
	}
	e := &Error{Offset: i, Reason: name + " is a variable of Grafana, which nobody fills in here", Suggestion: "write its value"}
	if strings.HasPrefix(plain, "__") || strings.HasSuffix(strings.TrimSpace(text[:i]), "[") {
		e.Suggestion = "write a duration, like [5m]"
	}
	return e
}

// cutTemplate explains an error behind a template that its own quotes end.
func cutTemplate(before []token, err error) error {
	if err == nil || len(before) == 0 {
		return err
	}
	last := before[len(before)-1]
	for i := len(before) - 1; i >= 0 && last.kind != tokString; i-- {
		last = before[i]
	}
	if e := endedByQuote(last); e != nil {
		return e
	}
	return err
}

// endedByQuote reports a template in double quotes whose action is still open
// where the text ends.
func endedByQuote(t token) *Error {
	if t.kind != tokString || strings.LastIndex(t.text, "{{") <= strings.LastIndex(t.text, "}}") {
		return nil
	}
	return &Error{Offset: t.end - 1, Reason: "this quote ends the template, whose {{ is still open", Suggestion: "put a template that has quotes in it in backticks: `{{… \"…\" …}}`"}
}

// excerpt cuts a text that is too long to be repeated.
func excerpt(text string) string {
	const most = 80
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most]) + "…"
}

// placeholder matches values that a person or a dashboard was to fill in.
var placeholder = regexp.MustCompile(`^<[A-Za-z][A-Za-z0-9_ -]*>$|^\[[A-Z][A-Z0-9_]+\]$|^YOUR[_-]\w+$|\$\{[^}]*\}|\$\w*[A-Za-z_]\w*`)

// Placeholders says which texts of a query look as if a value was to be put in
// their place.
func Placeholders(text string) []string {
	tokens, err := lex(text, false)
	if err != nil {
		return nil
	}
	var out []string
	for _, t := range placeholders(tokens) {
		out = append(out, fmt.Sprintf("%q looks like a placeholder or a variable of Grafana: write the value in its place", excerpt(t.text)))
	}
	return unique(out)
}

// placeholders are texts that are compared with; templates and patterns have
// names of this form as their language.
func placeholders(tokens []token) []token {
	var out []token
	for i, t := range tokens {
		if i == 0 || t.kind != tokString || !placeholder.MatchString(t.text) {
			continue
		}
		switch before := tokens[i-1]; {
		case strings.EqualFold(before.text, "pattern"), strings.EqualFold(before.text, "regexp"), strings.HasSuffix(before.text, ">"), strings.Contains(t.text, "{{"):
		default:
			out = append(out, t)
		}
	}
	return out
}
