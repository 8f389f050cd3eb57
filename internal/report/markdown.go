package report

import (
	"fmt"
	"strings"

	"github.com/quellhq/quell/internal/verification"
)

// Markdown is the report as Markdown, for a wiki or an issue.
func (p Postmortem) Markdown() []byte {
	m := &markdown{}
	m.head(p)
	m.heading("Summary")
	m.para(md(strings.Join(p.Summary, " ")))
	m.times(p)
	m.impact(p.Impact)
	m.figures(p)
	m.timeline(p.Timeline)
	m.causes(p)
	m.resolution(p)
	m.actions(p.Actions)
	m.lessons(p.Lessons)
	m.appendix(p)
	return []byte(visible(m.b.String()))
}

type markdown struct{ b strings.Builder }

func (m *markdown) heading(text string) { m.b.WriteString("\n## " + text + "\n") }

func (m *markdown) para(text string) { m.b.WriteString("\n" + text + "\n") }

func (m *markdown) item(format string, args ...any) {
	fmt.Fprintf(&m.b, "- "+format+"\n", args...)
}

func (m *markdown) blank() { m.b.WriteByte('\n') }

// table begins one; rows follow.
func (m *markdown) table(heads ...string) {
	m.b.WriteString("\n| " + strings.Join(heads, " | ") + " |\n|" + strings.Repeat("---|", len(heads)) + "\n")
}

func (m *markdown) row(cells ...string) { m.b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }

func cites(numbers []int) string {
	if len(numbers) == 0 {
		return ""
	}
	seen := map[int]bool{}
	var out []string
	for _, n := range numbers {
		if !seen[n] {
			seen[n] = true
			out = append(out, fmt.Sprintf("E%d", n))
		}
	}
	return " (" + strings.Join(out, ", ") + ")"
}

// blank is what people fill in.
const blank = "\\_\\_\\_\\_\\_\\_"

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func (m *markdown) head(p Postmortem) {
	fmt.Fprintf(&m.b, "# %s: %s\n", p.ID, md(p.Title))
	m.table("", "")
	m.row("Status", "**"+string(p.Status)+"**")
	m.row("Severity", or(md(p.Severity), "not stated"))
	m.row("Services", or(md(strings.Join(p.Services, ", ")), "not stated"))
	m.row("Opened", p.Opened.Format("2006-01-02 15:04:05 UTC"))
}

func (m *markdown) times(p Postmortem) {
	m.heading("How long it took")
	m.table("", "", "")
	for _, s := range p.Stretches {
		m.row("**"+s.Name+"**", s.Text(), or(s.Why, s.About))
	}
	m.table("Moment", "UTC", "From")
	for _, moment := range p.Moments {
		m.row(moment.Name, or(moment.Clock, "unknown"), md(moment.From))
	}
}

func (m *markdown) impact(i Impact) {
	m.heading("Impact")
	m.para("What was measured, and nothing else.")
	m.blank()
	m.item("Duration: **%s** %s", i.Lasted.Text(), "("+or(i.Lasted.Why, i.Lasted.About)+")")
	for _, f := range i.Felt {
		m.item("**%s** (%s)", md(f.Title), f.Word)
		for _, s := range f.Signs {
			m.b.WriteString("  ")
			m.item("%s — %s%s", md(s.Text), md(s.From), cites(s.Cites))
		}
	}
	if len(i.Felt) == 0 {
		m.item("No symptom that people feel was seen.")
	}
	for _, kind := range i.Missing {
		m.item("%s: not measured", upper(kind))
	}
	m.item("Users affected: not measured. %s", blank)
	m.item("Cost: not measured. %s", blank)
	if len(i.Measures) == 0 {
		return
	}
	m.table("Measure", "Usual", "Worst", "At", "Last", "From")
	for _, x := range i.Measures {
		name := md(x.Name)
		if x.Kind != "other" {
			name += " (" + x.Kind + ")"
		}
		m.row(name, x.Usual, "**"+x.Worst+"**", x.At, x.Last, md(x.From)+cites(x.Cites))
	}
}

func (m *markdown) figures(p Postmortem) {
	if len(p.Figures) == 0 {
		return
	}
	m.para("In time, each line from zero to its highest value:")
	m.blank()
	for _, f := range p.Figures {
		m.item("%s, %s%s", md(f.Name), md(f.From), cites(f.Cites))
		for n, s := range f.Sparks {
			line := ""
			if len(f.Names) > n {
				line = " " + md(f.Names[n])
			}
			fmt.Fprintf(&m.b, "  - %s%s\n", mdCode(s), line)
		}
		if f.More > 0 {
			fmt.Fprintf(&m.b, "  - and %d more\n", f.More)
		}
	}
}

func (m *markdown) timeline(entries []Entry) {
	m.heading("Timeline")
	m.para("All times are UTC.")
	m.table("Time", "What", "By")
	for _, e := range entries {
		if e.Day != "" {
			m.row("", "**"+e.Day+"**", "")
		}
		text := md(e.Text)
		if len(e.Names) > 0 {
			text = "**" + strings.Join(e.Names, ", ") + "** · " + text
		}
		m.row(e.Clock, text, md(e.By))
	}
}

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

func (m *markdown) resolution(p Postmortem) {
	m.heading("Resolution")
	if len(p.Deeds) == 0 {
		m.para("Nothing was changed by Quell. What people did: " + blank)
	}
	for _, d := range p.Deeds {
		fmt.Fprintf(&m.b, "\n### %s %s: %s\n\n", d.ID, md(d.Title), d.Standing)
		m.deed(d)
	}
	m.temporary(p)
	m.checklist(p)
}

func (m *markdown) deed(d Deed) {
	if d.Change != "" {
		m.item("Change: %s, %s, %s", mdCode(d.Change), d.Kind, d.Risk)
	}
	if len(d.Approved) > 0 {
		m.item("Approved by %s", md(strings.Join(d.Approved, ", ")))
	}
	for _, t := range d.Tries {
		m.item("%s %s", t.Clock, md(t.Text))
	}
	for _, pair := range [][2]string{{"Before", d.Before}, {"After", d.After}, {"Verdict", d.Verdict}} {
		if pair[1] != "" {
			m.item("%s: %s", pair[0], md(pair[1]))
		}
	}
	for _, h := range d.Holds {
		m.item("Held: %s", md(h))
	}
	if len(d.Kept) > 0 {
		m.item("Kept before it was destroyed%s", cites(d.Kept))
	}
}

func (m *markdown) temporary(p Postmortem) {
	if len(p.Temporary) == 0 {
		return
	}
	m.b.WriteString("\n### Temporary measures still in place\n")
	m.table("Step", "What", "On", "Since", "Until")
	for _, t := range p.Temporary {
		m.row(t.Step, md(t.Title), md(t.Target), t.Since.UTC().Format("2006-01-02 15:04"), t.Ends.UTC().Format("2006-01-02 15:04"))
	}
}

func (m *markdown) checklist(p Postmortem) {
	if len(p.Checklist) == 0 {
		return
	}
	m.b.WriteString("\n### Resolution checklist\n\n")
	for _, c := range p.Checklist {
		box := " "
		if c.Truth == verification.Yes {
			box = "x"
		}
		m.item("[%s] %s", box, md(c.Text+itemNote(c.Item)))
	}
}

func (m *markdown) actions(list []ActionItem) {
	m.heading("Action items")
	m.para("Owner and date are for people to fill in; each item says how one will know that it is done.")
	m.blank()
	for _, a := range list {
		text := ""
		if a.Text != "" {
			text = " " + md(markdownLink.ReplaceAllString(a.Text, "$1"))
		}
		m.item("[ ] **%s** (%s)%s", md(upper(a.Title)), a.Kind, text)
		if a.Do != "" {
			fmt.Fprintf(&m.b, "  - %s\n", mdCode(a.Do))
		}
		for _, i := range a.Items {
			fmt.Fprintf(&m.b, "  - [ ] %s\n", md(i))
		}
		fmt.Fprintf(&m.b, "  - Test: %s %s\n  - Owner: %s Due: %s\n", md(a.Test), mdCode(a.Code), blank, blank)
	}
	m.item("[ ] %s", blank)
}

func (m *markdown) lessons(list []Lesson) {
	m.heading("Lessons")
	for _, l := range list {
		fmt.Fprintf(&m.b, "\n### %s\n\n", l.Question)
		for _, f := range l.Facts {
			m.item("%s", md(f))
		}
		m.item("%s", blank)
	}
}

func (m *markdown) appendix(p Postmortem) {
	m.heading("Appendix: the evidence")
	for _, r := range p.Rounds {
		told := ""
		if r.Told {
			told = "; this report rests on it"
		}
		m.para(fmt.Sprintf("%s: %d questions over the last %s, %d answered: %s%s.", r.Clock, r.Asked, md(r.Since), r.Answered, md(r.Summary), told))
	}
	for _, x := range p.Exhibits {
		fmt.Fprintf(&m.b, "\n### E%d %s\n\n", x.Number, md(x.Probe))
		m.item("%s, asked for %s, at %s, in %s", or(md(x.Target), "nobody"), mdCode(x.Playbook), x.Clock, x.Took)
		m.item("%s: %s", x.Status, or(mdCode(x.Answer), "nothing"))
		for _, n := range x.Notes {
			m.item("%s", md(n))
		}
		m.para(strings.TrimSuffix(mdBlock(x.Question), "\n"))
	}
	if p.Others > 0 {
		m.para("Also asked, and nothing above rests on it: " + count(p.Others, "question") + ". The record holds the answers.")
	}
	m.heading("Integrity")
	m.blank()
	m.item("Record: %s, SHA-256 %s", count(int(p.Events), "event"), mdCode(p.Digest))
	if p.Seal.Head != "" {
		m.item("Audit log: entry %d, %s (`quell audit verify`)", p.Seal.Entries, mdCode(p.Seal.Head))
	}
}
