package logql

import (
	"strconv"
	"strings"
	"time"
)

// String prints the query in one line, in a form that parses to the same query.
func (q Query) String() string {
	if q.Root == nil {
		return ""
	}
	var p printer
	q.Root.text(&p)
	return p.String()
}

type printer struct{ strings.Builder }

func (p *printer) put(parts ...string) {
	for _, s := range parts {
		p.WriteString(s)
	}
}

func (l *Log) text(p *printer) {
	p.put("{")
	for i, m := range l.Matchers {
		if i > 0 {
			p.put(", ")
		}
		p.put(m.Name, m.Op, strconv.Quote(m.Value))
	}
	p.put("}")
	for _, s := range l.Stages {
		p.put(" ")
		s.text(p)
	}
}

func (f *LineFilter) text(p *printer) {
	p.put(f.Op, " ")
	for i, v := range f.Values {
		if i > 0 {
			p.put(" or ")
		}
		p.put(strconv.Quote(v))
	}
}

func (f *AddressFilter) text(p *printer) {
	p.put(f.Op, " ")
	for i, v := range f.Networks {
		if i > 0 {
			p.put(" or ")
		}
		p.put("ip(", strconv.Quote(v), ")")
	}
	for _, v := range f.Values {
		p.put(" or ", strconv.Quote(v))
	}
}

func (*Decolorize) text(p *printer) { p.put("| decolorize") }

func (s *Parser) text(p *printer) {
	p.put("| ", s.Kind)
	if s.Strict {
		p.put(" --strict")
	}
	if s.KeepEmpty {
		p.put(" --keep-empty")
	}
	if s.Kind == parseRegexp || s.Kind == parsePattern {
		p.put(" ", strconv.Quote(s.Pattern))
	}
	for i, f := range s.Fields {
		if i > 0 {
			p.put(",")
		}
		p.put(" ", f.Name, "=", strconv.Quote(f.Path))
	}
}

func (f *LabelFilter) text(p *printer) {
	p.put("| ")
	f.Cond.text(p)
}

func (b *Both) text(p *printer) {
	p.put("(")
	b.Left.text(p)
	p.put(" ", b.Op, " ")
	b.Right.text(p)
	p.put(")")
}

func (c *Compare) text(p *printer) {
	switch c.Kind {
	case Text:
		p.put(c.Name, c.Op, strconv.Quote(c.Text))
	case Label:
		p.put(c.Name, " ", c.Op, " ", c.Text)
	case Address:
		p.put(c.Name, c.Op, "ip(", strconv.Quote(c.Text), ")")
	default:
		p.put(c.Name, " ", c.Op, " ", c.Written)
	}
}

func (f *LineFormat) text(p *printer) { p.put("| line_format ", strconv.Quote(f.Template)) }

func (f *LabelFormat) text(p *printer) {
	p.put("| label_format ")
	for i, s := range f.Sets {
		if i > 0 {
			p.put(", ")
		}
		if s.From != "" {
			p.put(s.Name, "=", s.From)
		} else {
			p.put(s.Name, "=", strconv.Quote(s.Template))
		}
	}
}

func (s *Select) text(p *printer) {
	p.put("| ", s.Verb, " ")
	for i, m := range s.Labels {
		if i > 0 {
			p.put(", ")
		}
		p.put(m.Name)
		if m.Op != "" {
			p.put(m.Op, strconv.Quote(m.Value))
		}
	}
}

func (r *Range) text(p *printer) {
	p.put(r.Op, "(")
	if r.Op == "quantile_over_time" {
		p.put(number(r.Param), ", ")
	}
	r.Log.text(p)
	if r.Unwrap != nil {
		p.put(" ")
		r.Unwrap.text(p)
	}
	for _, s := range r.After {
		p.put(" ")
		s.text(p)
	}
	p.put(" [", formatDuration(r.Range), "]")
	if r.Back != 0 {
		p.put(" offset ", formatDuration(r.Back))
	}
	p.put(")")
	r.Grouping.text(p)
}

func (u *Unwrap) text(p *printer) {
	if u.Convert != "" {
		p.put("| unwrap ", u.Convert, "(", u.Label, ")")
		return
	}
	p.put("| unwrap ", u.Label)
}

func (g *Grouping) text(p *printer) {
	if g == nil {
		return
	}
	word := " by ("
	if g.Without {
		word = " without ("
	}
	p.put(word, strings.Join(g.Labels, ", "), ")")
}

func (a *Aggregate) text(p *printer) {
	p.put(a.Op)
	a.Grouping.text(p)
	p.put(" (")
	if takesParam(a.Op) {
		p.put(number(a.Param), ", ")
	}
	a.Inner.text(p)
	p.put(")")
}

func (n *Binary) text(p *printer) {
	p.put("(")
	n.Left.text(p)
	p.put(" ", n.Op)
	if n.Bool {
		p.put(" bool")
	}
	if m := n.Matching; m != nil {
		word := " on ("
		if m.Ignoring {
			word = " ignoring ("
		}
		p.put(word, strings.Join(m.Labels, ", "), ")")
		if m.Many != "" {
			p.put(" group_", m.Many, " (", strings.Join(m.Include, ", "), ")")
		}
	}
	p.put(" ")
	n.Right.text(p)
	p.put(")")
}

func (r *LabelReplace) text(p *printer) {
	p.put("label_replace(")
	r.Inner.text(p)
	for _, s := range []string{r.Target, r.Replacement, r.Source, r.Pattern} {
		p.put(", ", strconv.Quote(s))
	}
	p.put(")")
}

func (s *Scalar) text(p *printer) { p.put(number(s.Value)) }

func (v *Vector) text(p *printer) { p.put("vector(", number(v.Value), ")") }

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// formatDuration writes the largest units first, without parts that are zero.
func formatDuration(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	var b strings.Builder
	if d < 0 {
		b.WriteByte('-')
		d = -d
	}
	for _, u := range []struct {
		name string
		unit time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second},
		{"ms", time.Millisecond}, {"us", time.Microsecond}, {"ns", 1}} {
		if n := d / u.unit; n > 0 {
			b.WriteString(strconv.FormatInt(int64(n), 10) + u.name)
			d -= n * u.unit
		}
	}
	return b.String()
}
