package logql

import (
	"fmt"
	"strings"
)

// prometheusOnly are functions of PromQL, with what does the like for lines.
var prometheusOnly = map[string]string{
	"increase":           "write count_over_time({…} [5m]) for lines, sum_over_time({…} | unwrap x [5m]) for numbers in them",
	"irate":              "write rate({…} [5m])",
	"histogram_quantile": "write quantile_over_time(0.95, {…} | json | unwrap duration_ms [5m])",
	"delta":              "compare two ranges: count_over_time({…} [5m]) - count_over_time({…} [5m] offset 5m)",
	"idelta":             "compare two ranges: count_over_time({…} [5m]) - count_over_time({…} [5m] offset 5m)",
	"deriv":              "compare two ranges: count_over_time({…} [5m]) - count_over_time({…} [5m] offset 5m)",
	"predict_linear":     "", "resets": "", "changes": "", "holt_winters": "", "absent": "write absent_over_time({…} [5m])",
	"clamp_min": "", "clamp_max": "", "clamp": "", "histogram_count": "", "histogram_sum": "",
}

// otherLanguage knows words that were meant otherwise than as a function of
// LogQL: PromQL, and words to be looked for. The word is taken already.
func (p *parser) otherLanguage(word token) *Error {
	const promQL = " is PromQL, and this reads LogQL, which asks lines"
	next := p.peek()
	instead, known := prometheusOnly[strings.ToLower(word.text)]
	switch {
	case known && next.text == "(":
		return &Error{Offset: word.offset, Reason: word.text + promQL, Suggestion: instead}
	case next.kind == tokOp && (next.text == "{" || next.text == "["), word.text == "up", strings.HasSuffix(word.text, "_total"):
		return &Error{Offset: word.offset, Reason: "the metric " + word.text + promQL,
			Suggestion: `lines are chosen by a selector alone, like {service="api"}, and counted by count_over_time({service="api"} [5m])`}
	case p.depth == 1 && p.onlyWords():
		words := make([]string, 0, len(p.tokens))
		for _, t := range p.tokens[:len(p.tokens)-1] {
			words = append(words, t.text)
		}
		return &Error{Offset: word.offset, Reason: fmt.Sprintf("%q is no query", excerpt(strings.Join(words, " "))), Suggestion: p.searching(strings.Join(words, " "))}
	}
	return nil
}

// onlyWords reports whether the whole text has nothing of a language.
func (p *parser) onlyWords() bool {
	for _, t := range p.tokens {
		if t.kind == tokOp || t.kind == tokHole {
			return false
		}
	}
	return true
}

// searching says how lines with a word are asked for.
func (p *parser) searching(words string) string {
	selector := "{}"
	if !p.rules.anySelector {
		selector = `{filename=~".+"}`
	}
	return fmt.Sprintf("to look for it write %s |= %q", selector, excerpt(words))
}

// afterLines explains an operator behind a log query, where what was meant is
// a filter.
func (p *parser) afterLines(log *Log, op string, at token) error {
	next := p.peek()
	filter := next.kind == tokOp && strings.HasPrefix(next.text, "|") || next.text == "!=" || next.text == "!~"
	label := next.kind == tokIdent && strings.ContainsAny(p.peek2().text, "=<>!~")
	switch {
	case op == "and" && filter:
		return &Error{Offset: at.offset, Reason: "between filters stands no and", Suggestion: "leave it out: a line must pass all filters in a row"}
	case op == "or" && filter:
		return &Error{Offset: at.offset, Reason: "between line filters stands no or", Suggestion: `write |= "a" or "b", or |~ "a|b"`}
	case op == "and" && label:
		return &Error{Offset: at.offset, Reason: "a filter on a label begins with |", Suggestion: "write | in the place of and"}
	case precedence(op) == 3 && len(log.Stages) > 0:
		if _, ok := log.Stages[len(log.Stages)-1].(*LabelFilter); ok {
			return &Error{Offset: at.offset, Reason: "a label filter compares two values", Suggestion: "write | a > b | b > c for a > b > c"}
		}
	}
	return nil
}

// otherOperator knows how other languages compare.
func otherOperator(name, op token) *Error {
	if strings.EqualFold(name.text, "not") {
		return &Error{Offset: name.offset, Reason: "LogQL has no not", Suggestion: `write != or !~ in the comparison, like level != "info"`}
	}
	instead := ""
	switch strings.ToLower(op.text) {
	case "in":
		instead = fmt.Sprintf(`write %s =~ "a|b"`, name.text)
	case "not":
		instead = fmt.Sprintf(`write %[1]s != "a" or %[1]s !~ "a|b"`, name.text)
	case "like", "contains", "matches", "ilike":
		instead = fmt.Sprintf(`write %s =~ ".*a.*"`, name.text)
	case "is":
		instead = fmt.Sprintf(`write %s = "a"`, name.text)
	default:
		return nil
	}
	return &Error{Offset: op.offset, Reason: fmt.Sprintf("LogQL does not know the comparison %s", op.text), Suggestion: instead}
}
