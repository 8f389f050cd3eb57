package report

import (
	"fmt"
	"strings"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/diagnosis"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/verification"
)

// Deed is a step with what was done of it.
type Deed struct {
	ID       string
	Title    string
	Kind     string // mitigate, fix
	Change   string // exactly
	Target   string
	Risk     string
	Standing incident.Standing
	Tone     incident.Tone
	Approved []string // who, and when
	Tries    []Try
	Before   string
	After    string
	Verdict  string
	Holds    []string
	Kept     []int // exhibits of what it would have destroyed
}

// Try is one carrying-out of a step, or of its undo.
type Try struct {
	Clock string
	Text  string
	Tone  incident.Tone
}

// deeds are the steps of all plans to which something happened, and those of
// the latest plan to which nothing did.
func (t *teller) deeds() []Deed {
	var out []Deed
	latest := t.incident.Plan()
	for _, p := range t.incident.Plans {
		for _, s := range p.Steps {
			touched := len(s.Attempts)+len(s.Holds)+len(s.Approvals) > 0
			if touched || p.Plan.ID == latest.Plan.ID {
				out = append(out, t.deed(s))
			}
		}
	}
	return out
}

func (t *teller) deed(p incident.Progress) Deed {
	d := Deed{
		ID: p.Step.ID, Title: p.Step.Title, Kind: string(p.Step.Kind), Target: p.Step.Target, Risk: string(p.Step.Risk),
		Change:   actionText(p.Step.Change, p.Step.Target),
		Standing: p.Standing, Tone: standingTone(p.Standing), Before: sampleText(p.Before), Kept: []int{},
	}
	for _, a := range p.Approvals {
		d.Approved = append(d.Approved, fmt.Sprintf("%s at %s", a.By, t.clock(a.At)))
	}
	for _, a := range p.Attempts {
		d.Tries = append(d.Tries, t.try(a))
	}
	if n := len(p.Samples); n > 0 {
		d.After = fmt.Sprintf("%s (the last of %s)", sampleText(&p.Samples[n-1]), count(n, "sample"))
	}
	for _, v := range p.Verdicts {
		by := ""
		if v.By != "quell" {
			by = ", said by " + v.By
		}
		d.Verdict = fmt.Sprintf("%s%s: %s", v.Verdict, by, v.Why)
	}
	for _, h := range p.Holds {
		what := ""
		if h.Undo {
			what = "its undo: "
		}
		d.Holds = append(d.Holds, fmt.Sprintf("%s, %s%s: %s", t.clock(h.At), what, h.Reason, h.Text))
	}
	if p.Step.Blocked != "" {
		d.Holds = append(d.Holds, "it cannot be applied: "+p.Step.Blocked)
	}
	for _, e := range p.Captured {
		d.Kept = append(d.Kept, t.cite(reading{playbook: p.Step.Playbook, probe: e.Probe, Evidence: e}))
	}
	return d
}

func (t *teller) try(a incident.Attempt) Try {
	what := "applied"
	if a.Undo {
		what = "taken back"
	}
	if a.Number > 1 {
		what += fmt.Sprintf(", attempt %d", a.Number)
	}
	r := Try{Clock: t.clock(a.At), Tone: incident.Act}
	switch {
	case a.Result == nil:
		r.Text, r.Tone = what+": begun, and nobody knows whether it happened", incident.Doubt
		return r
	case a.Result.State == action.CannotTell:
		r.Tone = incident.Doubt
	case a.Result.State == action.NotMade:
		r.Tone = incident.Bad
	}
	r.Text = fmt.Sprintf("%s, %s: %s", what, a.Result.State, a.Result.Text)
	if a.Result.Took > 0 {
		r.Text += " (" + spell(a.Result.Took) + ")"
	}
	if a.Result.Settled {
		r.Text += "; found out afterwards, by " + a.By
	}
	return r
}

// sampleText says how the world was in one sample.
func sampleText(s *verification.Sample) string {
	if s == nil {
		return ""
	}
	felt := map[verification.Truth]string{
		verification.Yes: "people feel it", verification.No: "people do not feel it", verification.Unknown: "whether people feel it cannot be told",
	}[s.Felt]
	parts := []string{join(felt, s.FeltWhy)}
	check := map[verification.Truth]string{
		verification.Yes: "its own check holds", verification.No: "its own check does not hold", verification.Unknown: "its own check cannot be told",
	}[s.Check]
	if check != "" {
		parts = append(parts, join(check, s.CheckWhy))
	}
	return strings.Join(parts, "; ")
}

func join(head, text string) string {
	if text == "" {
		return head
	}
	return head + " (" + text + ")"
}

func standingTone(s incident.Standing) incident.Tone {
	switch s {
	case incident.StepHelped:
		return incident.Good
	case incident.StepNoHelp, incident.StepNotDone:
		return incident.Bad
	case incident.StepUnknown, incident.StepUnclear, incident.StepPartly, incident.StepHeld, incident.StepBlocked:
		return incident.Doubt
	case incident.StepApplied:
		return incident.Act
	}
	return incident.Plain
}

// actionText is a change as playbooks write it.
func actionText(c action.Change, target string) string {
	if c.Type == "" {
		return ""
	}
	return proposed(diagnosis.ProposedAction{Type: c.Type, Target: target, Args: c.Args})
}

// outcome says in one or two sentences how it ended.
func (t *teller) outcome() []string {
	var out []string
	i := t.incident
	for _, p := range i.Steps() {
		if p.Standing == incident.StepHelped {
			out = append(out, fmt.Sprintf("Step %s (%s) was verified to have helped at %s.", p.Step.ID, p.Step.Title, t.clock(p.Judged.At)))
		}
	}
	if unknown := i.Unknown(); len(unknown) > 0 {
		var names []string
		for _, p := range unknown {
			names = append(names, p.Step.ID)
		}
		out = append(out, fmt.Sprintf("Nobody knows whether step %s happened.", list(names)))
	}
	if _, well := i.Moment(incident.Recovery); !well {
		out = append(out, "No recovery was verified.")
	}
	switch i.Status {
	case incident.Resolved:
		out = append(out, fmt.Sprintf("It was resolved at %s.", t.clock(t.at(incident.Ended))))
	case incident.Reopened:
		out = append(out, "It came back after it had been resolved, and is open.")
	case incident.Open:
		out = append(out, "It is open.")
	}
	return out
}

// itemNote says how an item of the checklist stands, behind its text.
func itemNote(i incident.Item) string {
	word := map[verification.Truth]string{
		verification.No: "it does not hold", verification.Unknown: "it cannot be told", verification.None: "not checked",
	}[i.Truth]
	if i.Truth == verification.None && !i.Due.IsZero() {
		word = "can be answered from " + i.Due.UTC().Format("2006-01-02 15:04")
	}
	text := ""
	for _, part := range []string{word, i.Why} {
		if part != "" {
			text += " — " + part
		}
	}
	return text
}
