package logql

import (
	"fmt"
	"strings"
)

// rangeOps says which range aggregations there are, and whether they need unwrap.
var rangeOps = map[string]bool{
	"count_over_time": false, "bytes_over_time": false, "bytes_rate": false, "rate": false,
	"sum_over_time": true, "avg_over_time": true, "min_over_time": true, "max_over_time": true,
	"quantile_over_time": true, "first_over_time": true, "last_over_time": true,
	"stddev_over_time": true, "stdvar_over_time": true, "rate_counter": true,
	"absent_over_time": false,
}

var aggregateOps = map[string]bool{
	"sum": true, "avg": true, "min": true, "max": true, "count": true, "topk": true, "bottomk": true,
	"stddev": true, "stdvar": true, "sort": true, "sort_desc": true,
}

// unsupported are functions of LogQL that this engine does not have, with what
// to write instead.
var unsupported = map[string]string{"approx_topk": "write topk", "variants": "ask each of its queries on its own"}

var functionWords = []string{
	"count_over_time", "bytes_over_time", "bytes_rate", "rate", "sum_over_time", "avg_over_time", "min_over_time",
	"max_over_time", "quantile_over_time", "first_over_time", "last_over_time",
	"stddev_over_time", "stdvar_over_time", "rate_counter", "absent_over_time",
	"sum", "avg", "min", "max", "count", "topk", "bottomk", "stddev", "stdvar", "sort", "sort_desc", "vector", "label_replace",
}

func takesParam(op string) bool { return op == "topk" || op == "bottomk" }

// precedence of binary operators; a higher one binds tighter.
func precedence(op string) int {
	switch op {
	case "or":
		return 1
	case "and", "unless":
		return 2
	case "==", "!=", ">", ">=", "<", "<=":
		return 3
	case "+", "-":
		return 4
	case "*", "/", "%":
		return 5
	case "^":
		return 6
	}
	return 0
}

func (p *parser) operator() string {
	t := p.peek()
	if t.kind == tokOp || t.kind == tokIdent {
		return strings.ToLower(t.text)
	}
	return ""
}

// expr reads an expression whose operators bind tighter than above.
func (p *parser) expr(above int) (Expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	left, err := p.primary()
	if err != nil {
		return nil, err
	}
	for {
		op := p.operator()
		prec := precedence(op)
		if prec == 0 || prec <= above {
			return left, nil
		}
		at := p.take()
		if log, ok := left.(*Log); ok {
			if err := p.afterLines(log, op, at); err != nil {
				return nil, err
			}
		}
		b := &Binary{Op: op, Left: left, Offset: at.offset}
		if err := p.modifiers(b, prec); err != nil {
			return nil, err
		}
		bind := prec
		if op == "^" {
			bind-- // right to left
		}
		if b.Right, err = p.expr(bind); err != nil {
			return nil, err
		}
		if err := checkSides(b); err != nil {
			return nil, err
		}
		left = b
	}
}

func (p *parser) modifiers(b *Binary, prec int) error {
	if p.at(tokIdent, "bool") {
		if prec != 3 {
			return &Error{Offset: p.peek().offset, Reason: "bool goes with comparisons only"}
		}
		p.take()
		b.Bool = true
	}
	if p.at(tokIdent, "on") || p.at(tokIdent, "ignoring") {
		word := strings.ToLower(p.take().text)
		labels, err := p.labelList(word)
		if err != nil {
			return err
		}
		b.Matching = &Matching{Ignoring: word == "ignoring", Labels: labels}
	}
	if p.at(tokIdent, "group_left") || p.at(tokIdent, "group_right") {
		return p.group(b, prec)
	}
	return nil
}

// group reads group_left (…) or group_right (…), with labels or without.
func (p *parser) group(b *Binary, prec int) error {
	t := p.take()
	word := strings.ToLower(t.text)
	switch {
	case prec <= 2:
		return &Error{Offset: t.offset, Reason: fmt.Sprintf("%s does not go with %s, which pairs many with many", word, b.Op)}
	case b.Matching == nil:
		return &Error{Offset: t.offset, Reason: word + " needs on (…) or ignoring (…) before it"}
	}
	b.Matching.Many = strings.TrimPrefix(word, "group_")
	if !p.at(tokOp, "(") || !p.labelsInParentheses() {
		return nil
	}
	labels, err := p.labelList(word)
	b.Matching.Include = labels
	return err
}

// labelsInParentheses tells group_left (a, b) from group_left followed by an
// operand in parentheses.
func (p *parser) labelsInParentheses() bool {
	for i := p.next + 1; i < len(p.tokens); i++ {
		switch t := p.tokens[i]; {
		case t.kind == tokIdent, t.text == "," && t.kind == tokOp:
		default:
			return t.kind == tokOp && t.text == ")"
		}
	}
	return false
}

func checkSides(b *Binary) error {
	for _, side := range []Expr{b.Left, b.Right} {
		if log, ok := side.(*Log); ok {
			return &Error{Offset: log.Offset, Reason: fmt.Sprintf("%s works on numbers, and this side gives lines", b.Op),
				Suggestion: "count them: count_over_time({…} [5m])"}
		}
	}
	_, left := b.Left.(*Scalar)
	_, right := b.Right.(*Scalar)
	switch prec := precedence(b.Op); {
	case prec <= 2 && (left || right):
		return &Error{Offset: b.Offset, Reason: b.Op + " works on series, not on a number", Suggestion: "write vector(0) for a number"}
	case prec == 3 && left && right && !b.Bool:
		return &Error{Offset: b.Offset, Reason: "a comparison of two numbers needs bool"}
	case (left || right) && b.Matching != nil:
		return &Error{Offset: b.Offset, Reason: "on and ignoring pair series, and one side is a number"}
	}
	return nil
}

func (p *parser) primary() (Expr, error) {
	t := p.peek()
	switch {
	case t.kind == tokOp && t.text == "{":
		return p.logExpr()
	case t.kind == tokOp && t.text == "(":
		p.take()
		e, err := p.expr(0)
		if err != nil {
			return nil, err
		}
		if err := p.expect(")", "to close the parenthesis"); err != nil {
			return nil, err
		}
		// What stands after a log query in parentheses belongs to it.
		if log, ok := e.(*Log); ok {
			return log, p.stages(&log.Stages, false)
		}
		return e, nil
	case t.kind == tokNumber || t.kind == tokHole:
		p.take()
		return &Scalar{Value: t.number, Offset: t.offset}, nil
	case t.kind == tokOp && (t.text == "-" || t.text == "+"):
		p.take()
		n := p.peek()
		if n.kind != tokNumber && n.kind != tokHole {
			return nil, p.unexpected("expected a number after " + t.text)
		}
		p.take()
		if t.text == "-" {
			n.number = -n.number
		}
		return &Scalar{Value: n.number, Offset: t.offset}, nil
	case t.kind == tokDuration || t.kind == tokBytes:
		return nil, &Error{Offset: t.offset, Reason: fmt.Sprintf("%q is no plain number", t.text), Suggestion: "write " + number(t.number)}
	case t.kind == tokIdent:
		return p.function()
	}
	err := p.unexpected("expected a selector {…} or a function")
	if t.kind == tokString {
		err.Suggestion = p.searching(t.text)
	}
	return nil, err
}

func (p *parser) function() (Expr, error) {
	t := p.take()
	name := strings.ToLower(t.text)
	if instead, ok := unsupported[name]; ok {
		return nil, refuse(t, name, instead)
	}
	_, ranged := rangeOps[name]
	switch {
	case ranged:
		return p.rangeAggregate(name, t)
	case aggregateOps[name]:
		return p.aggregate(name, t)
	case name == "vector":
		if err := p.expect("(", "after vector"); err != nil {
			return nil, err
		}
		n, err := p.number()
		if err != nil {
			return nil, err
		}
		return &Vector{Value: n, Offset: t.offset}, p.expect(")", "after the number")
	case name == "label_replace":
		return p.labelReplace(t)
	}
	e := &Error{Offset: t.offset, Reason: fmt.Sprintf("there is no function %q", t.text)}
	if other := p.otherLanguage(t); other != nil {
		return nil, other
	}
	if guess := nearest(name, functionWords); guess != "" {
		e.Suggestion = "did you mean " + guess + "?"
	} else if next := p.peek(); next.kind == tokOp && strings.ContainsAny(next.text, "=!") {
		e.Suggestion = fmt.Sprintf(`a selector stands in braces: {%s="…"}`, t.text)
	}
	return nil, e
}

func (p *parser) number() (float64, error) {
	sign := 1.0
	if p.accept("-") {
		sign = -1
	}
	if t := p.peek(); t.kind == tokNumber || t.kind == tokHole {
		p.take()
		return sign * t.number, nil
	}
	return 0, p.unexpected("expected a number")
}

func (p *parser) labelList(word string) ([]string, error) {
	if t := p.peek(); t.kind == tokIdent {
		e := p.unexpected(fmt.Sprintf(`expected "(" after %s`, word))
		e.Suggestion = fmt.Sprintf("write %s (%s)", word, t.text)
		return nil, e
	}
	if err := p.expect("(", "after "+word); err != nil {
		return nil, err
	}
	labels := []string{}
	for !p.accept(")") {
		if len(labels) > 0 {
			if err := p.expect(",", `or ")" in the list of labels`); err != nil {
				return nil, err
			}
		}
		name, err := p.name("a label name")
		if err != nil {
			return nil, err
		}
		labels = append(labels, name.text)
	}
	return labels, nil
}

func (p *parser) grouping() (*Grouping, error) {
	if !p.at(tokIdent, "by") && !p.at(tokIdent, "without") {
		return nil, nil
	}
	word := strings.ToLower(p.take().text)
	labels, err := p.labelList(word)
	if err != nil {
		return nil, err
	}
	return &Grouping{Without: word == "without", Labels: labels}, nil
}

func (p *parser) aggregate(name string, at token) (Expr, error) {
	a := &Aggregate{Op: name, Offset: at.offset}
	var err error
	if a.Grouping, err = p.grouping(); err != nil {
		return nil, err
	}
	if err := p.expect("(", "after "+name); err != nil {
		return nil, err
	}
	if takesParam(name) {
		n := p.peek()
		if a.Param, err = p.number(); err != nil {
			return nil, err
		}
		if a.Param < 1 || a.Param != float64(int(a.Param)) {
			return nil, &Error{Offset: n.offset, Reason: name + " needs a whole number of at least 1"}
		}
		if err := p.expect(",", "after the number of "+name); err != nil {
			return nil, err
		}
	}
	if a.Inner, err = p.expr(0); err != nil {
		return nil, err
	}
	switch inner := a.Inner.(type) {
	case *Log:
		return nil, &Error{Offset: inner.Offset, Reason: name + " works on series, and this gives lines",
			Suggestion: "write " + name + "(count_over_time({…} [5m]))"}
	case *Scalar:
		return nil, &Error{Offset: inner.Offset, Reason: name + " works on series, not on a number"}
	}
	if err := p.expect(")", "to close "+name); err != nil {
		return nil, err
	}
	if a.Grouping == nil {
		if a.Grouping, err = p.grouping(); err != nil {
			return nil, err
		}
	} else if p.at(tokIdent, "by") || p.at(tokIdent, "without") {
		return nil, &Error{Offset: p.peek().offset, Reason: name + " is grouped twice"}
	}
	p.mark(a, at.offset)
	return a, nil
}
