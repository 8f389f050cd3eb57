package redisact

import (
	"slices"

	"github.com/quellhq/quell/internal/action"
)

// redacted hides secrets in the texts of a preview. Guards are left as they
// are: they are compared, and hold none.
func (t Target) redacted(p action.Preview) action.Preview {
	p.Summary, p.Destroys, p.Undo, p.TwoPeople = t.Redact(p.Summary), t.Redact(p.Destroys), t.Redact(p.Undo), t.Redact(p.TwoPeople)
	p.Items = slices.Clone(p.Items)
	for i, item := range p.Items {
		p.Items[i].Now, p.Items[i].Then = t.Redact(item.Now), t.Redact(item.Then)
	}
	p.Warnings = slices.Clone(p.Warnings)
	for i, w := range p.Warnings {
		p.Warnings[i] = t.Redact(w)
	}
	return p
}

func (t Target) redactedDone(d action.Done) action.Done {
	d.Summary = t.Redact(d.Summary)
	d.Items = slices.Clone(d.Items)
	for i, item := range d.Items {
		d.Items[i].Text = t.Redact(item.Text)
	}
	return d
}
