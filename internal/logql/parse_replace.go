package logql

import (
	"fmt"
	"regexp"
	"strings"
)

// labelReplace reads what follows label_replace.
func (p *parser) labelReplace(at token) (Expr, error) {
	r := &LabelReplace{Offset: at.offset}
	if err := p.expect("(", "after label_replace"); err != nil {
		return nil, err
	}
	var err error
	inner := p.peek()
	if r.Inner, err = p.expr(0); err != nil {
		return nil, err
	}
	switch r.Inner.(type) {
	case *Log, *Scalar:
		return nil, &Error{Offset: inner.offset, Reason: "label_replace works on series"}
	}
	for _, part := range []struct {
		into *string
		why  string
	}{{&r.Target, "with the label to set"}, {&r.Replacement, "with its new value, like \"$1\""},
		{&r.Source, "with the label to read"}, {&r.Pattern, "with a regular expression"}} {
		if err := p.expect(",", "in label_replace(series, target, replacement, source, regexp)"); err != nil {
			return nil, err
		}
		text, err := p.str(part.why)
		if err != nil {
			return nil, err
		}
		*part.into = text.text
		switch part.into {
		case &r.Target:
			if !labelName.MatchString(text.text) {
				return nil, &Error{Offset: text.offset, Reason: fmt.Sprintf("%q is no label name", text.text)}
			}
		case &r.Pattern:
			if err := checkRegexp("~", text); err != nil {
				return nil, err
			}
		}
	}
	return r, p.expect(")", "to close label_replace")
}

var labelName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// replace gives the label's new value, and whether there is one.
func (r *LabelReplace) replace(re *regexp.Regexp, source string) (string, bool) {
	m := re.FindStringSubmatchIndex(source)
	if m == nil {
		return "", false
	}
	return strings.ToValidUTF8(string(re.ExpandString(nil, r.Replacement, source, m)), "�"), true
}
