package playbook

import (
	"fmt"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"
)

// strayFences reports questions and changes that stand where nothing reads
// them: a person would take them for working.
func (p *parser) strayFences(sections []section) {
	for _, s := range sections {
		inRemedy := false
		for i := range s.blocks {
			b := &s.blocks[i]
			switch {
			case b.kind == heading && remedyLike(b.title):
				// One that is not written as it should be was reported already.
				inRemedy = s.name == causesSection || s.name == symptomsSection
			case b.kind == heading && b.level <= 4:
				inRemedy = false
			case b.kind == table && s.name != causesSection && s.name != symptomsSection && p.isMachineTable(b):
				p.wrong(b.at, "misplaced", "a sign table stands below a ### heading of Symptoms or Causes; here nothing reads it")
			}
			if l, ok := b.node.(*ast.List); ok && s.name == "" {
				p.strayList(l)
			}
			if b.kind != fence || s.name == evidenceSection {
				continue
			}
			in := readInfo(b.info)
			switch {
			case in.lang.text == actionLanguage && !inRemedy:
				p.wrong(b.at, "misplaced", "an action stands under a `#### Mitigate:` or `#### Fix:` heading; here nothing reads it")
			case in.lang.text != actionLanguage && in.hasRole():
				p.wrong(b.at, "misplaced", "a probe stands under ## Evidence; here nothing asks it")
				p.forgive(in)
			}
		}
	}
	for _, l := range p.nested {
		if in := readInfo(l); in.hasRole() || in.lang.text == actionLanguage && len(in.words) > 0 {
			p.wrong(l.offset(0), "misplaced", "this fence stands inside of a list or a quote, where nothing reads it: move it to the margin")
			p.forgive(in)
		}
	}
}

// strayList reports a checklist or a ladder in a section of another name.
func (p *parser) strayList(l *ast.List) {
	for item := l.FirstChild(); item != nil; item = item.NextSibling() {
		text := p.itemText(item)
		if link, end := p.firstLink(item, text); link != nil && l.IsOrdered() && watch.MatchString(text.text[end:]) {
			p.wrong(text.offset(0), "misplaced", "a rung stands under ## Ladder; here nothing reads it")
			return
		}
		box := checkbox.FindString(text.text)
		spans := codeSpans(text)
		if box == "" || len(spans) == 0 {
			continue
		}
		last := spans[len(spans)-1]
		if itemEnd.MatchString(text.text[last.stop:]) && p.isCheck(last.code) {
			p.wrong(text.offset(0), "misplaced", "a check of the end stands under ## Resolved when; here nothing reads it")
			return
		}
	}
}

// forgive drops what was said about the name of a probe that stands in the
// wrong place.
func (p *parser) forgive(in info) {
	if len(in.words) == 0 {
		return
	}
	said := fmt.Sprintf("nothing is called %q here", in.words[0].text)
	p.findings = slices.DeleteFunc(p.findings, func(f Finding) bool {
		return f.Rule == "unknown-name" && strings.HasPrefix(f.Text, said)
	})
}

func (p *parser) isMachineTable(b *block) bool {
	head := p.cells(b.rows[0])
	return len(head) == 3 && head[0].text == "sign" && head[1].text == "weight"
}

// unused reports what is declared and never used.
func (p *parser) unused() {
	for _, q := range p.book.Probes {
		if !p.used[q.Name] {
			p.doubtAt(q.Pos, "unread-probe", fmt.Sprintf("nothing reads the probe %q: it would be asked for nothing", q.Name))
		}
	}
	for _, param := range p.book.Params {
		if !p.used[param.Name] {
			p.doubtAt(param.Pos, "unused-param", fmt.Sprintf("nothing uses the parameter %q", param.Name))
		}
	}
	for _, need := range p.book.Needs {
		if !p.usedRoles[need.Role] {
			p.doubtAt(need.Pos, "unused-role", fmt.Sprintf("no probe and no action speaks to @%s", need.Role))
		}
	}
	for _, c := range p.book.Conditions {
		if c.Kind != Cause {
			continue
		}
		if !slices.ContainsFunc(c.Signs, func(s Sign) bool { return s.Weight.positive() }) {
			p.doubtAt(c.Pos, "untold-cause", fmt.Sprintf("no sign could ever tell %q: it has none that speaks for it", c.Title))
		}
	}
	if len(p.book.Conditions) == 0 {
		p.find(0, Warning, "empty", "the playbook knows no symptoms and no causes")
	}
}

func (p *parser) doubtAt(pos Pos, rule, text string) {
	p.findings = append(p.findings, Finding{Pos: pos, Severity: Warning, Rule: rule, Text: text})
}

// positive weights speak for a condition.
func (w Weight) positive() bool { return w == Decisive || w == Strong || w == Weak }

// lookAlikes reports pairs of causes that no evidence could tell apart: every
// sign for the one is also a sign for the other, and nothing speaks against
// either.
func (p *parser) lookAlikes() {
	var causes []*Condition
	for _, c := range p.book.Conditions {
		if c.Kind == Cause && slices.ContainsFunc(c.Signs, func(s Sign) bool { return s.Weight.positive() }) {
			causes = append(causes, c)
		}
	}
	for i, a := range causes {
		for _, b := range causes[i+1:] {
			forA, againstA := signSets(a)
			forB, againstB := signSets(b)
			switch {
			case slices.Equal(forA, forB) && slices.Equal(againstA, againstB):
				p.doubtAt(b.Pos, "look-alike", fmt.Sprintf("the same signs tell %q and %q (line %d): nothing could tell them apart; add a sign that only one of them has", b.Title, a.Title, a.Pos.Line))
			case len(againstA)+len(againstB) > 0:
			case subset(forA, forB):
				p.lookAlike(a, b)
			case subset(forB, forA):
				p.lookAlike(b, a)
			}
		}
	}
}

func (p *parser) lookAlike(narrow, wide *Condition) {
	p.doubtAt(narrow.Pos, "look-alike", fmt.Sprintf("each sign of %q is also one of %q (line %d), and nothing speaks against either: add a sign that is `against` or `rules out`", narrow.Title, wide.Title, wide.Pos.Line))
}

// signSets are the expressions for and against a condition, sorted.
func signSets(c *Condition) (pro, con []string) {
	for _, s := range c.Signs {
		if source := normal(s.Program.Source()); s.Weight.positive() {
			pro = append(pro, source)
		} else {
			con = append(con, string(s.Weight)+" "+source)
		}
	}
	slices.Sort(pro)
	slices.Sort(con)
	return slices.Compact(pro), slices.Compact(con)
}

func subset(part, whole []string) bool {
	for _, s := range part {
		if _, ok := slices.BinarySearch(whole, s); !ok {
			return false
		}
	}
	return true
}

// joined lists titles for a message.
func joined(titles []string) string { return strings.Join(titles, " → ") }
