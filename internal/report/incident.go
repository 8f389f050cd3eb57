package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/diagnosis"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/verification"
)

// WriteIncident draws one incident as it stands: how it went so far, what was
// done and seen, and what to do next.
func WriteIncident(w io.Writer, i incident.Incident, now time.Time, s Style) error {
	b := &page{Style: s, at: now}
	t := &teller{incident: i, round: i.Telling(), cited: map[string]int{}}
	t.began, t.beganFrom = t.onset()
	b.incidentHead(i)
	b.found(t)
	b.came(t)
	b.steps(t)
	b.notes(t)
	b.checklist(t)
	b.temporary(t)
	b.waits(i)
	_, err := io.WriteString(w, b.text.String())
	return err
}

func (b *page) incidentHead(i incident.Incident) {
	mark, code := statusMark(i.Status)
	parts := []string{i.ID, servicesOf(i)}
	if i.Severity != "" {
		parts = append(parts, "severity "+oneLine(i.Severity))
	}
	parts = append(parts, "opened "+i.OpenedAt.UTC().Format("2006-01-02 15:04:05 UTC"))
	if b.at.After(i.OpenedAt) {
		parts = append(parts, age(b.at.Sub(i.OpenedAt))+" ago")
	}
	for _, l := range wrap(strings.Join(parts, " · "), b.width()) {
		b.line(b.paint(dim, cut(l, b.width())))
	}
	b.blank()
	right := string(i.Status)
	title := cut(oneLine(i.Title), b.width()-length(right)-5)
	gap := strings.Repeat(" ", max(b.width()-2-length(title)-length(right), 2))
	b.line(b.paint(code, mark+" "+title) + gap + b.paint(bold, right))
	b.blank()
}

// found is what the diagnosis says, in a line.
func (b *page) found(t *teller) {
	switch {
	case t.round == nil:
		b.row("Cause", "nobody has asked yet")
	case t.diagnosis().Verdict == diagnosis.Found:
		for n, r := range t.diagnosis().Roots {
			label := ""
			if n == 0 {
				label = "Cause"
			}
			b.row(label, fmt.Sprintf("%s (%s, %s, in %s)", oneLine(r.Title), r.Word, percent(r.Probability), oneLine(where(r.Finding))))
		}
	default:
		b.rowIn(yellow, "Cause", "", "not found: "+oneLine(t.diagnosis().Summary))
	}
	b.blank()
}

// came are the moments that have come.
func (b *page) came(t *teller) {
	label := "Moments"
	widest := 0
	for _, m := range t.moments() {
		if m.Known {
			widest = max(widest, length(m.Clock))
		}
	}
	for _, m := range t.moments() {
		if !m.Known {
			continue
		}
		b.rowIn("", label, pad(m.Clock, widest)+"  ", m.Name+b.paintedFrom(m))
		label = ""
	}
	b.blank()
}

func (b *page) paintedFrom(m Moment) string {
	if m.From == "" {
		return ""
	}
	return " — " + cut(oneLine(m.From), 100)
}

// steps are those of the latest plan, and of earlier ones what was done.
func (b *page) steps(t *teller) {
	label := "Steps"
	deeds := t.deeds()
	for _, d := range deeds {
		mark, code := deedMark(d.Tone)
		b.rowIn(code, label, mark+" ", fmt.Sprintf("%s: %s (%s)", d.Standing, oneLine(d.Title), d.ID))
		label = ""
		for _, text := range d.latest() {
			b.rowIn(dim, "", "  ", oneLine(text))
		}
	}
	if len(deeds) > 0 {
		b.blank()
	}
}

// latest is what was last done and said of a step.
func (d Deed) latest() []string {
	var out []string
	for _, try := range d.Tries {
		out = append(out, try.Clock+" "+try.Text)
	}
	if d.Verdict != "" {
		out = append(out, d.Verdict)
	}
	if held := d.Standing == incident.StepHeld || d.Standing == incident.StepBlocked; held && len(d.Holds) > 0 {
		out = append(out, "held "+d.Holds[len(d.Holds)-1])
	}
	return out
}

func deedMark(tone incident.Tone) (mark, code string) {
	switch tone {
	case incident.Good:
		return "✓", green
	case incident.Bad:
		return "✗", red
	case incident.Doubt:
		return "?", yellow
	case incident.Act:
		return "●", cyan
	}
	return "·", ""
}

// mostSaid is how many notes the short page shows, the latest.
const mostSaid = 5

func (b *page) notes(t *teller) {
	notes := t.incident.Notes
	label := "Notes"
	if more := len(notes) - mostSaid; more > 0 && !b.Full {
		b.row(label, fmt.Sprintf("%d earlier ones (--full)", more))
		notes, label = notes[more:], ""
	}
	for _, n := range notes {
		b.rowIn("", label, t.clock(n.At)+" ", fmt.Sprintf("%s: %s", oneLine(n.By), oneLine(n.Text)))
		label = ""
	}
	if len(notes) > 0 {
		b.blank()
	}
}

func (b *page) checklist(t *teller) {
	label := "Checklist"
	for _, c := range t.incident.Checklist {
		mark, code := "☐ ", ""
		switch c.Truth {
		case verification.Yes:
			mark, code = "✓ ", green
		case verification.No:
			mark, code = "✗ ", red
		case verification.Unknown:
			mark, code = "? ", yellow
		case verification.None:
		}
		b.rowIn(code, label, mark, oneLine(c.Text+itemNote(c.Item)))
		label = ""
	}
	if label == "" {
		b.blank()
	}
}

func (b *page) temporary(t *teller) {
	label := "Temporary"
	for _, m := range t.incident.Temporary() {
		code, until := "", "until"
		if !b.at.Before(m.Ends) {
			code, until = yellow, "was to end"
		}
		b.rowIn(code, label, "", fmt.Sprintf("%s on %s, %s %s (%s)", oneLine(m.Title), oneLine(m.Target), until, m.Ends.UTC().Format("2006-01-02 15:04"), m.Step))
		label = ""
	}
	if label == "" {
		b.blank()
	}
}

// waits is what to do next.
func (b *page) waits(i incident.Incident) {
	waits := i.Waits(b.at)
	if len(waits) == 0 {
		b.rowIn(dim, "Next", "", fmt.Sprintf("nothing waits for a person; `quell report %s` writes the report", i.ID))
		return
	}
	label := "Next"
	for _, w := range waits {
		b.rowIn(yellow, label, "→ ", oneLine(w.Text))
		if w.Command != "" {
			b.rowIn(cyan, "", "  ", w.Command)
		}
		label = ""
	}
}
