package logql

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
)

// maxDepth bounds nesting, so that no text can exhaust the stack.
const maxDepth = 64

// maxText bounds the length of a query in bytes; people's queries have hundreds.
const maxText = 64 << 10

// Parse reads a query of the playbook dialect. Errors are *Error, with the byte
// offset in text.
func Parse(text string) (Query, error) { return ParseIn(Playbook, text) }

// ParseIn reads a query of a dialect. Errors are those of Parse.
func ParseIn(dialect Dialect, text string) (Query, error) { return parse(dialect, text, false) }

func parse(dialect Dialect, text string, holes bool) (Query, error) {
	q := Query{Text: text, Dialect: dialect}
	if len(text) > maxText {
		return q, &Error{Offset: maxText, Reason: fmt.Sprintf("the query is longer than %d bytes", maxText)}
	}
	tokens, err := lex(text, holes)
	if err != nil {
		return q, err
	}
	p := &parser{tokens: tokens, dialect: dialect, rules: dialect.rules(), spans: spans{}}
	if p.at(tokEnd, "") {
		return q, &Error{Reason: "the query is empty", Suggestion: `write at least a selector, like {service="api"}`}
	}
	root, err := p.expr(0)
	if err != nil {
		return q, err
	}
	if !p.at(tokEnd, "") {
		return q, p.trailing()
	}
	if s, ok := root.(*Scalar); ok {
		return q, &Error{Offset: s.Offset, Reason: "a number alone asks nothing of any log"}
	}
	q.Root, q.spans = root, p.spans
	return q, nil
}

type parser struct {
	tokens  []token
	next    int
	depth   int
	dialect Dialect
	rules   rules
	spans   spans
}

func (p *parser) peek() token { return p.tokens[p.next] }

func (p *parser) peek2() token { return p.tokens[min(p.next+1, len(p.tokens)-1)] }

func (p *parser) take() token {
	t := p.tokens[p.next]
	if p.next < len(p.tokens)-1 {
		p.next++
	}
	return t
}

// at reports whether the next token is of the kind; words compare without case.
func (p *parser) at(kind tokenKind, text string) bool {
	t := p.peek()
	return t.kind == kind && (text == "" || strings.EqualFold(t.text, text))
}

func (p *parser) accept(op string) bool {
	if p.at(tokOp, op) {
		p.take()
		return true
	}
	return false
}

func (p *parser) word(text string) bool {
	if p.at(tokIdent, text) {
		p.take()
		return true
	}
	return false
}

func (p *parser) expect(op, why string) error {
	if p.accept(op) {
		return nil
	}
	return p.unexpected(fmt.Sprintf("expected %q %s", op, why))
}

func (p *parser) unexpected(expected string) *Error {
	t := p.peek()
	got := "the end of the query"
	switch t.kind {
	case tokEnd:
	case tokString:
		got = "a text"
	default:
		got = fmt.Sprintf("%q", t.text)
	}
	return &Error{Offset: t.offset, Reason: expected + ", not " + got}
}

func (p *parser) trailing() error {
	t := p.peek()
	switch {
	case t.kind == tokOp && t.text == "[":
		return &Error{Offset: t.offset, Reason: "a range […] stands only inside of a range aggregation",
			Suggestion: "write count_over_time({…} [5m]), rate(…) or another"}
	case t.kind == tokOp && t.text == "@":
		return refuse(t, "the @ modifier", "LogQL has none")
	case t.kind == tokIdent && strings.EqualFold(t.text, "offset"):
		return &Error{Offset: t.offset, Reason: "offset stands right after the range, inside of the parentheses"}
	}
	return p.unexpected("expected the end of the query or an operator")
}

func refuse(t token, what, suggestion string) error {
	return &Error{Offset: t.offset, Reason: what + " is not supported", Suggestion: suggestion}
}

func (p *parser) enter() error {
	if p.depth++; p.depth > maxDepth {
		return &Error{Offset: p.peek().offset, Reason: fmt.Sprintf("nested deeper than %d levels", maxDepth)}
	}
	return nil
}

func (p *parser) leave() { p.depth-- }

// name reads a label name; dots become underscores where the dialect has them.
func (p *parser) name(why string) (token, error) {
	if !p.at(tokIdent, "") {
		return token{}, p.unexpected("expected " + why)
	}
	t := p.take()
	if !p.rules.dotted && strings.Contains(t.text, ".") {
		return token{}, &Error{Offset: t.offset, Reason: fmt.Sprintf("LogQL has no dots in label names, and %q has one", t.text),
			Suggestion: "nested names are joined by underscores: write " + flatName(t.text)}
	}
	t.text = flatName(t.text)
	return t, nil
}

// flatName is the label name that the parsers give to a dotted path.
func flatName(name string) string { return strings.ReplaceAll(name, ".", "_") }

func (p *parser) str(why string) (token, error) {
	if !p.at(tokString, "") {
		err := p.unexpected("expected a text in double quotes or backticks " + why)
		if t := p.peek(); t.kind == tokIdent || t.kind == tokHole {
			err.Suggestion = fmt.Sprintf("write %q", t.text)
		} else if t.text == "{" && p.peek2().text == "{" {
			err.Suggestion = "put the template in backticks: `{{…}}`"
		}
		return token{}, err
	}
	return p.take(), nil
}

// selector reads {name="value", …}.
func (p *parser) selector() (*Log, error) {
	log := &Log{Dialect: p.dialect, Offset: p.peek().offset}
	if err := p.expect("{", "to begin a stream selector"); err != nil {
		return nil, err
	}
	for !p.accept("}") {
		if len(log.Matchers) > 0 {
			if err := p.expect(",", `or "}" in the stream selector`); err != nil {
				return nil, err
			}
			if p.accept("}") {
				break
			}
		}
		name, err := p.name("a label name or \"}\" in the stream selector")
		if err != nil {
			return nil, err
		}
		m, err := p.matcher(name)
		if err != nil {
			return nil, err
		}
		log.Matchers = append(log.Matchers, m)
	}
	p.mark(log, log.Offset)
	if !p.rules.anySelector && !log.selective() {
		return nil, &Error{Offset: log.Offset, Reason: "every value of this selector may be empty, and Loki asks for one that may not",
			Suggestion: `name a stream, like {service="api"}; of files {filename=~".+"} takes every line`}
	}
	return log, nil
}

// selective reports whether some matcher refuses the empty text.
func (l *Log) selective() bool {
	for _, m := range l.Matchers {
		test, err := m.compile(true)
		if err != nil || !test(nil) {
			return true
		}
	}
	return false
}

func (p *parser) matcher(name token) (Matcher, error) {
	op := p.peek()
	switch {
	case op.kind == tokOp && (op.text == "=" || op.text == "!=" || op.text == "=~" || op.text == "!~"):
		p.take()
	case op.kind == tokOp && op.text == "==":
		return Matcher{}, &Error{Offset: op.offset, Reason: "a selector compares with a single ="}
	default:
		return Matcher{}, p.unexpected(fmt.Sprintf("expected =, !=, =~ or !~ after %s", name.text))
	}
	value, err := p.str("after " + op.text)
	if err != nil {
		return Matcher{}, err
	}
	if err := checkRegexp(op.text, value); err != nil {
		return Matcher{}, err
	}
	return Matcher{Name: name.text, Op: op.text, Value: value.text, Offset: name.offset}, nil
}

func checkRegexp(op string, value token) error {
	if !strings.HasSuffix(op, "~") {
		return nil
	}
	if _, err := regexp.Compile(value.text); err != nil {
		return &Error{Offset: value.offset, Reason: "not a regular expression: " + regexpFault(err)}
	}
	return nil
}

// regexpFault says what is wrong with a regular expression, and shows no more of
// it than helps.
func regexpFault(err error) string {
	var wrong *syntax.Error
	if errors.As(err, &wrong) {
		return wrong.Code.String() + ": `" + excerpt(wrong.Expr) + "`"
	}
	return excerpt(err.Error())
}

// logExpr reads a selector and its stages, without unwrap.
func (p *parser) logExpr() (*Log, error) {
	log, err := p.selector()
	if err != nil {
		return nil, err
	}
	return log, p.stages(&log.Stages, false)
}

// stages reads stages up to what is none. With inRange it leaves "| unwrap" to
// the caller.
func (p *parser) stages(into *[]Stage, inRange bool) error {
	for {
		t := p.peek()
		if t.kind != tokOp {
			return nil
		}
		switch t.text {
		case "|=", "!=", "|~", "!~", "|>", "!>":
			f, err := p.lineFilter()
			if err != nil {
				return err
			}
			p.mark(f, t.offset)
			*into = append(*into, f)
		case "|":
			if next := p.peek2(); next.kind == tokIdent && strings.EqualFold(next.text, "unwrap") {
				if inRange {
					return nil
				}
				return &Error{Offset: next.offset, Reason: "unwrap stands only inside of a range aggregation",
					Suggestion: "write avg_over_time({…} | json | unwrap duration_ms [5m])"}
			}
			p.take()
			s, err := p.stage()
			if err != nil {
				return err
			}
			p.mark(s, t.offset)
			*into = append(*into, s)
		default:
			return nil
		}
	}
}

func (p *parser) lineFilter() (Stage, error) {
	op := p.take()
	var values, networks []string
	for {
		if p.at(tokIdent, "ip") && p.peek2().text == "(" {
			if op.text != "|=" && op.text != "!=" {
				return nil, &Error{Offset: p.peek().offset, Reason: "ip(…) goes with |= and != only, not with " + op.text}
			}
			network, err := p.network()
			if err != nil {
				return nil, err
			}
			networks = append(networks, network)
		} else {
			value, err := p.str("after " + op.text)
			if err != nil {
				return nil, err
			}
			if err := checkLineFilter(op.text, value); err != nil {
				return nil, err
			}
			values = append(values, value.text)
		}
		if !p.word("or") {
			break
		}
		if t := p.peek(); t.kind == tokOp {
			return nil, &Error{Offset: t.offset, Reason: "or joins texts, not filters", Suggestion: fmt.Sprintf(`write %s "a" or "b"`, op.text)}
		}
	}
	if networks != nil {
		return &AddressFilter{Op: op.text, Networks: networks, Values: values}, nil
	}
	return &LineFilter{Op: op.text, Values: values}, nil
}

func checkLineFilter(op string, value token) error {
	if strings.HasSuffix(op, ">") {
		if _, err := compileLinePattern(value.text); err != nil {
			return &Error{Offset: value.offset, Reason: err.Error(), Suggestion: `write text with <_> for what varies, like "took <_> ms"`}
		}
		return nil
	}
	return checkRegexp(op, value)
}

// network reads ip("…").
func (p *parser) network() (string, error) {
	p.take()
	p.take()
	text, err := p.str("in ip(…)")
	if err != nil {
		return "", err
	}
	if _, err := parseNetwork(text.text); err != nil {
		return "", &Error{Offset: text.offset, Reason: err.Error(), Suggestion: `write an address, a network like "10.0.0.0/8" or a range like "10.0.0.1-10.0.0.9"`}
	}
	return text.text, p.expect(")", "to close ip")
}
