package incident

import (
	"time"

	"github.com/quellhq/quell/internal/verification"
)

// Checked is an item of the resolution checklist as it stands.
type Checked struct {
	Item
	At time.Time `json:"at"` // when that was found
	By string    `json:"by"` // quell, or the person who said it
}

// Settled reports whether nothing more has to be found out about an item.
func (c Checked) Settled() bool { return c.Truth == verification.Yes }

func (i *Incident) checked(e Event) (string, Tone, error) {
	item, err := Read[Item](e)
	if err != nil {
		return "", "", err
	}
	now := Checked{Item: item, At: e.At, By: e.By}
	known := false
	for n, c := range i.Checklist {
		if c.Playbook == item.Playbook && c.Text == item.Text {
			i.Checklist[n], known = now, true
		}
	}
	if !known {
		i.Checklist = append(i.Checklist, now)
	}
	tone, word := Minor, "not checked yet"
	switch item.Truth {
	case verification.Yes:
		tone, word = Good, "holds"
	case verification.No:
		tone, word = Bad, "does not hold"
	case verification.Unknown:
		tone, word = Doubt, "cannot be told"
	}
	return join("checklist, "+word, join(item.Text, item.Why)), tone, nil
}

// Measure is a change that stands only for a while, and is to be taken back.
type Measure struct {
	Step   string    `json:"step"`
	Title  string    `json:"title"`
	Target string    `json:"target"`
	Since  time.Time `json:"since"`
	Ends   time.Time `json:"ends"`
}

// Temporary lists the temporary measures that are still in place, by what the
// record says.
func (i Incident) Temporary() []Measure {
	out := []Measure{}
	for _, p := range i.Steps() {
		if a := p.Made(); a != nil && !a.Result.Ends.IsZero() {
			out = append(out, Measure{Step: p.Step.ID, Title: p.Step.Title, Target: p.Step.Target, Since: a.Ended, Ends: a.Result.Ends})
		}
	}
	return out
}

// Unknown lists the steps of which nobody knows whether they, or their undo,
// happened.
func (i Incident) Unknown() []Progress {
	var out []Progress
	for _, p := range i.Steps() {
		if p.Standing == StepUnknown {
			out = append(out, p)
		}
	}
	return out
}
