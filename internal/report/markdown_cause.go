package report

import (
	"fmt"
	"strings"
)

func (m *markdown) causes(p Postmortem) {
	m.heading("Root cause")
	if p.NoCause != "" {
		m.para(md(p.NoCause))
	}
	for _, c := range p.Causes {
		m.para(fmt.Sprintf("**%s** — %s, %s, in %s.", md(c.Title), c.Word, c.Percent, md(c.Where)))
		m.whys(c)
		m.signs("Speaks for it", c.For)
		m.signs("Speaks against it", c.Against)
		if len(c.Also) > 0 {
			m.para("It also explains: " + md(strings.Join(c.Also, "; ")) + ".")
		}
	}
	m.ruledOut(p.RuledOut)
	m.unseen(p)
}

func (m *markdown) whys(c Cause) {
	m.para("The problem: " + mdWhy(c.Problem))
	for n, w := range c.Whys {
		if n == 0 {
			m.blank()
		}
		fmt.Fprintf(&m.b, "%d. Why? %s\n", n+1, mdWhy(w))
	}
	m.para(fmt.Sprintf("Why did that come to be? The evidence ends here; the rest is for people: %s", blank))
}

func mdWhy(w Why) string {
	text := "**" + md(w.Title) + "**"
	if !w.Seen {
		text += " (not seen itself)"
	}
	if w.Evidence != "" {
		text += " — " + md(w.Evidence)
	}
	if w.From != "" {
		text += " — " + md(w.From)
	}
	return text + cites(w.Cites)
}

func (m *markdown) signs(head string, list []SignLine) {
	if len(list) == 0 {
		return
	}
	m.para(head + ":")
	m.blank()
	for _, s := range list {
		m.item("%s — %s, %s%s", md(s.Text), s.Weight, md(s.From), cites(s.Cites))
	}
}

func (m *markdown) ruledOut(list []Exclusion) {
	if len(list) == 0 {
		return
	}
	m.b.WriteString("\n### What was ruled out\n\n")
	for _, x := range list {
		m.item("%s: %s — %s%s", md(x.Title), md(x.Sign.Text), md(x.Sign.From), cites(x.Sign.Cites))
	}
}

func (m *markdown) unseen(p Postmortem) {
	m.b.WriteString("\n### What could not be seen\n\n")
	for _, s := range p.Unseen {
		m.item("%s", md(blindText(s)))
		if s.Hint != "" {
			fmt.Fprintf(&m.b, "  - %s\n", mdCode(s.Hint))
		}
	}
	if len(p.Unseen) == 0 {
		m.item("Nothing that mattered.")
	}
}
