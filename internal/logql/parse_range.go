package logql

import (
	"fmt"
	"strings"
)

// rangeAggregate reads what follows count_over_time and its like.
func (p *parser) rangeAggregate(name string, at token) (Expr, error) {
	r := &Range{Op: name, Offset: at.offset}
	if err := p.expect("(", "after "+name); err != nil {
		return nil, err
	}
	if name == "quantile_over_time" {
		n := p.peek()
		var err error
		if r.Param, err = p.number(); err != nil {
			return nil, err
		}
		if r.Param < 0 || r.Param > 1 {
			return nil, &Error{Offset: n.offset, Reason: "a quantile lies between 0 and 1"}
		}
		if err := p.expect(",", "after the quantile"); err != nil {
			return nil, err
		}
	}
	if err := p.logRange(r); err != nil {
		return nil, err
	}
	if err := p.expect(")", "to close "+name); err != nil {
		return nil, err
	}
	p.mark(callOf{r}, at.offset)
	if err := r.check(); err != nil {
		return nil, err
	}
	word := p.peek()
	grouping, err := p.grouping()
	if err != nil {
		return nil, err
	}
	if grouping != nil && (r.Unwrap == nil || ungrouped[name]) {
		return nil, &Error{Offset: word.offset, Reason: name + " takes no grouping", Suggestion: "write sum " + strings.ToLower(word.text) + " (…) (" + name + "(…))"}
	}
	r.Grouping = grouping
	p.mark(r, at.offset)
	return r, nil
}

// ungrouped are the aggregations over numbers that take no by (…), as in LogQL.
var ungrouped = map[string]bool{"sum_over_time": true, "rate": true, "rate_counter": true, "absent_over_time": true}

// logRange reads {…} stages [5m] offset 1h, with the range before or after the
// stages, in parentheses or not.
func (p *parser) logRange(r *Range) error {
	if err := p.enter(); err != nil {
		return err
	}
	defer p.leave()
	if p.accept("(") {
		if err := p.logRange(r); err != nil {
			return err
		}
		if err := p.expect(")", "to close the parenthesis"); err != nil {
			return err
		}
		if r.Range != 0 {
			return nil
		}
	} else {
		if p.at(tokIdent, "") {
			word := p.peek()
			if next := p.peek2().text; next == "{" || next == "[" {
				p.take()
				return p.otherLanguage(word)
			}
			return &Error{Offset: p.peek().offset, Reason: fmt.Sprintf("%s works on a log query, not on series", r.Op),
				Suggestion: "it has the form " + r.Op + "({…} | json [5m])"}
		}
		log, err := p.selector()
		if err != nil {
			return err
		}
		r.Log = log
		if err := p.window(r); err != nil {
			return err
		}
	}
	if err := p.stages(&r.Log.Stages, true); err != nil {
		return err
	}
	if err := p.unwrap(r); err != nil {
		return err
	}
	if r.Range == 0 {
		if err := p.window(r); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) window(r *Range) error {
	from := p.peek().offset
	if !p.accept("[") {
		return nil
	}
	defer func() { p.mark(windowOf{r}, from) }()
	t := p.peek()
	if t.kind != tokDuration && t.kind != tokHole {
		err := p.unexpected("expected a duration like 5m in the range")
		if t.kind == tokNumber {
			err.Suggestion = "a duration has a unit: " + t.text + "s, " + t.text + "m"
		}
		return err
	}
	if p.take(); t.kind == tokHole {
		t.number = 60
	}
	if r.Range = seconds(t.number); r.Range <= 0 {
		return &Error{Offset: t.offset, Reason: "a range is longer than nothing"}
	}
	if p.at(tokOp, ":") {
		return refuse(p.peek(), "a subquery", "LogQL has none")
	}
	if err := p.expect("]", "to close the range"); err != nil {
		return err
	}
	if p.word("offset") {
		negative := p.accept("-")
		d := p.peek()
		if d.kind != tokDuration && d.kind != tokHole {
			return p.unexpected("expected a duration after offset")
		}
		if p.take(); negative {
			return refuse(d, "a negative offset", "the lines of the future are not written yet")
		}
		r.Back = seconds(d.number)
	}
	if p.at(tokOp, "@") {
		return refuse(p.peek(), "the @ modifier", "LogQL has none")
	}
	return nil
}

func (p *parser) unwrap(r *Range) error {
	if !p.at(tokOp, "|") || !strings.EqualFold(p.peek2().text, "unwrap") {
		return nil
	}
	p.take()
	at := p.take()
	if r.Unwrap != nil {
		return &Error{Offset: at.offset, Reason: "unwrap stands twice"}
	}
	name, err := p.name("a label after unwrap")
	if err != nil {
		return err
	}
	r.Unwrap = &Unwrap{Label: name.text}
	if p.accept("(") {
		switch name.text {
		case "duration", "duration_seconds", "bytes":
		default:
			e := &Error{Offset: name.offset, Reason: fmt.Sprintf("unwrap knows no conversion %q", name.text)}
			if guess := nearest(name.text, []string{"duration", "duration_seconds", "bytes"}); guess != "" {
				e.Suggestion = "did you mean " + guess + "?"
			}
			return e
		}
		label, err := p.name("a label in unwrap " + name.text + "(…)")
		if err != nil {
			return err
		}
		r.Unwrap = &Unwrap{Label: label.text, Convert: name.text}
		if err := p.expect(")", "to close "+name.text); err != nil {
			return err
		}
	}
	if err := p.stages(&r.After, true); err != nil {
		return err
	}
	for _, s := range r.After {
		if _, ok := s.(*LabelFilter); !ok {
			return &Error{Offset: at.offset, Reason: "after unwrap only label filters may stand"}
		}
	}
	return nil
}

func (r *Range) check() error {
	needs := rangeOps[r.Op]
	switch {
	case r.Range == 0:
		return &Error{Offset: r.Offset, Reason: r.Op + " needs a range", Suggestion: "write [5m] after the log query"}
	case needs && r.Unwrap == nil:
		return &Error{Offset: r.Offset, Reason: r.Op + " needs numbers", Suggestion: "add | unwrap LABEL before the range"}
	case !needs && r.Op != "rate" && r.Op != "absent_over_time" && r.Unwrap != nil:
		return &Error{Offset: r.Offset, Reason: r.Op + " counts lines and takes no unwrap", Suggestion: "write sum_over_time, or leave unwrap out"}
	}
	return nil
}
