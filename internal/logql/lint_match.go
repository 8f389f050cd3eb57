package logql

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// comparedTexts finds numbers in quotes behind < and >, which no LogQL reads.
func (l *linter) comparedTexts() {
	for i := 1; i+1 < len(l.tokens); i++ {
		name, op, value := l.tokens[i-1], l.tokens[i], l.tokens[i+1]
		if name.kind != tokIdent || op.kind != tokOp || value.kind != tokString {
			continue
		}
		number := []Edit{{value.offset, value.end, value.text}}
		switch op.text {
		case ">", ">=", "<", "<=":
			if !isValue(value.text) {
				number = nil
			}
			l.add("number-as-text", Wrong, stretch{name.offset, value.end},
				fmt.Sprintf("%s compares numbers, and %q is a text", op.text, value.text), "write numbers, durations and sizes without quotes", number...)
		case "==":
			l.add("number-as-text", Wrong, stretch{name.offset, value.end},
				"== compares numbers, and this is a text", "a text is compared with a single =", Edit{op.offset, op.end, "="})
		}
	}
}

func isValue(text string) bool {
	if _, ok := parseFloat([]byte(text)); ok {
		return true
	}
	if _, ok := parseDuration(text); ok {
		return true
	}
	_, ok := parseBytes(text)
	return ok
}

// unfilledTexts finds texts that were to be replaced by a value. A hole of a
// playbook, ${name}, is one that quell fills.
func (l *linter) unfilledTexts() {
	for _, t := range placeholders(l.tokens) {
		if !playbookHole.MatchString(t.text) {
			l.add("placeholder", Hint, stretch{t.offset, t.end}, fmt.Sprintf("%q looks like a placeholder or a variable of Grafana", excerpt(t.text)), "write the value in its place")
		}
	}
}

var playbookHole = regexp.MustCompile(`^[^$]*\$\{\w+\}[^$]*$`)

// dottedNames finds nested names with dots, in the query and in its templates.
func (l *linter) dottedNames() {
	for i, t := range l.tokens {
		switch {
		case t.kind == tokIdent && strings.Contains(t.text, "."):
			flat := flatName(t.text)
			edit := Edit{t.offset, t.end, flat}
			if l.bareField(i) {
				edit.Text = flat + "=" + strconv.Quote(t.text)
			}
			l.add("dotted-name", Wrong, stretch{t.offset, t.end},
				fmt.Sprintf("Loki has no dots in label names and refuses this query; json joins nested names by _: %s", flat), "", edit)
		case t.kind == tokString && len(dottedFields(t.text)) > 0:
			l.dottedTemplate(t)
		}
	}
}

// bareField reports whether a name is a field that a parser takes as it is.
func (l *linter) bareField(i int) bool {
	if i+1 < len(l.tokens) && l.tokens[i+1].text == "=" {
		return false
	}
	for stage := range l.query.spans {
		if p, ok := stage.(*Parser); ok {
			if s := l.span(p); l.tokens[i].offset >= s.from && l.tokens[i].end <= s.to {
				return true
			}
		}
	}
	return false
}

func (l *linter) dottedTemplate(t token) {
	var names []string
	for _, s := range dottedFields(t.text) {
		names = append(names, t.text[s.from:s.to])
	}
	names = unique(names)
	l.add("dotted-template", Wrong, stretch{t.offset, t.end},
		fmt.Sprintf("labels are flat: in Loki {{%s}} fails and leaves the line as it was, with __error__", names[0]), "",
		Edit{t.offset, t.end, l.quoted(t, renamedTemplate(t.text, l.extracted()))})
}

// extracted are the names that parsers give to nested fields: with
// json d="details.reason" there is a label d, and no details_reason.
func (l *linter) extracted() map[string]string {
	names := map[string]string{}
	for part := range l.query.spans {
		if p, ok := part.(*Parser); ok {
			for _, f := range p.Fields {
				if other, ok := names[f.Path]; !ok || f.Name < other { // the parsers come in no order
					names[f.Path] = f.Name
				}
			}
		}
	}
	return names
}

// quoted writes a text with the quotes that a token has.
func (l *linter) quoted(like token, text string) string {
	if l.text[like.offset] == '`' && !strings.Contains(text, "`") {
		return "`" + text + "`"
	}
	return strconv.Quote(text)
}

// compare looks at one comparison of a label filter.
func (l *linter) compare(c *Compare, stage *LabelFilter) {
	at := l.span(c)
	switch {
	case c.Kind == Label:
		l.labelPair(c, stage, at)
	case c.Kind == Text && isLevelName(c.Name):
		l.levelCase(c, at)
	case c.Kind == Text && strings.HasSuffix(c.Op, "~"):
		l.anchored(c, at)
	case c.Kind != Text && c.Kind != Address && c.Op == "!=":
		l.add("missing-label", Hint, at, fmt.Sprintf("a line without %s does not pass %s != %s either", c.Name, c.Name, c.Written),
			fmt.Sprintf(`to keep such lines write (%s != %s or %s="")`, c.Name, c.Written, c.Name))
	}
}

// value is the token of the text that a comparison compares with.
func (l *linter) value(at stretch) (token, bool) {
	tokens := l.inside(at)
	if len(tokens) == 0 || tokens[len(tokens)-1].kind != tokString {
		return token{}, false
	}
	return tokens[len(tokens)-1], true
}

func spaced(words []string) bool {
	for _, w := range words {
		if strings.ContainsAny(w, " \t") {
			return true
		}
	}
	return false
}

func someOf(words []string) string {
	quotes := make([]string, 0, 3)
	for i, w := range words {
		if i == 3 {
			return strings.Join(quotes, ", ") + fmt.Sprintf(" or %d others", len(words)-3)
		}
		quotes = append(quotes, strconv.Quote(w))
	}
	if len(quotes) < 2 {
		return strings.Join(quotes, "")
	}
	return strings.Join(quotes[:len(quotes)-1], ", ") + " or " + quotes[len(quotes)-1]
}

// isFreeText knows labels that hold sentences, addresses and traces rather than
// one of a few words.
func isFreeText(name string) bool {
	name = strings.ToLower(name)
	for _, word := range []string{"message", "msg", "event", "text", "exception", "stack", "trace", "reason", "detail", "description",
		"query", "sql", "url", "uri", "path", "agent", "body", "log", "line", "statement"} {
		if name == word || strings.HasPrefix(name, word+"_") || strings.HasSuffix(name, "_"+word) {
			return true
		}
	}
	return name == "error" || name == "err"
}

// levelCase finds comparisons of levels that a Loki makes letter by letter.
func (l *linter) levelCase(c *Compare, at stretch) {
	value, ok := l.value(at)
	if !ok || c.Text == "" || strings.HasPrefix(c.Text, "(?i)") || strings.ToLower(c.Text) == strings.ToUpper(c.Text) {
		return
	}
	tokens := l.inside(at)
	op := tokens[1]
	edits := []Edit{{value.offset, value.end, l.quoted(value, "(?i)"+c.Text)}}
	if !strings.HasSuffix(c.Op, "~") {
		if strings.ContainsAny(c.Text, `.*+?()[]{}|\^$`) {
			return
		}
		edits = append(edits, Edit{op.offset, op.end, map[string]string{"=": "=~", "!=": "!~"}[c.Op]})
	}
	word := c.Text
	if words := literals(word); words != nil {
		word = words[0]
	}
	other := strings.ToLower(word)
	if other == word {
		other = strings.ToUpper(word)
	}
	l.add("level-case", Hint, at, fmt.Sprintf("Loki compares letter by letter: a logger that writes %q is not found", other), "", edits...)
}

// labelPair finds a label compared with a label, which only playbooks can.
func (l *linter) labelPair(c *Compare, stage *LabelFilter, at stretch) {
	text := fmt.Sprintf("Loki compares a label with a text or a number, never with a label: it refuses %s %s %s", c.Name, c.Op, c.Text)
	advice := "quell compares them, also where the lines are in a Loki: it fetches them and does it here"
	if stage.Cond != Cond(c) {
		l.add("label-pair", Wrong, at, text, advice)
		return
	}
	fixed, how := pairInStrict(c.Name, c.Op, c.Text)
	l.add("label-pair", Wrong, at, text, how+"; "+advice, Edit{at.from, at.to, fixed})
}

// pairInStrict says a comparison of two labels in strict LogQL, and how. A line
// that lacks one of them must not count as an empty text or a zero.
func pairInStrict(left, op, right string) (query, how string) {
	there := fmt.Sprintf(`%s!="" | %s!="" | `, left, right)
	switch op {
	case "==", "!=":
		want := 1
		if op == "!=" {
			want = 0
		}
		return there + fmt.Sprintf("label_format same=`{{if eq .%s .%s}}1{{else}}0{{end}}` | same = %d | drop same", left, right, want),
			"a template can compare them letter by letter first"
	}
	return there + fmt.Sprintf("label_format difference=`{{subf .%s .%s}}` | difference %s 0 | drop difference", left, right, op),
		"as numbers they can be subtracted first"
}
