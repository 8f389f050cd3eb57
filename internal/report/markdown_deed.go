package report

import (
	"fmt"
	"strings"

	"github.com/quellhq/quell/internal/verification"
)

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
