package report

import (
	"fmt"
	"strings"
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
