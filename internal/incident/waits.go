package incident

import (
	"fmt"
	"time"

	"github.com/quellhq/quell/internal/diagnosis"
	"github.com/quellhq/quell/internal/verification"
)

// Wait is something that an incident waits for a person to do.
type Wait struct {
	Text    string `json:"text"`
	Command string `json:"command,omitempty"` // that does it, as it is typed
}

// Waits lists what an incident waits for a person to do, what presses most
// first. What a run does by itself is not in it.
func (i Incident) Waits(now time.Time) []Wait {
	out := []Wait{}
	for _, p := range i.Unknown() {
		out = append(out, Wait{
			Text:    fmt.Sprintf("nobody knows whether step %s happened: look at %s", p.Step.ID, p.Step.Target),
			Command: "quell reconcile",
		})
	}
	for _, m := range i.Temporary() {
		if !now.Before(m.Ends) {
			out = append(out, Wait{Text: fmt.Sprintf("step %s was for a while, and that is over", m.Step), Command: "quell undo " + m.Step})
		}
	}
	if i.Status == Resolved {
		return append(out, i.dueItems(now)...)
	}
	out = append(out, i.nextOnTheWay()...)
	return append(out, i.dueItems(now)...)
}

// nextOnTheWay is what comes next from a diagnosis to the end of an incident.
func (i Incident) nextOnTheWay() []Wait {
	p := i.Plan()
	_, well := i.Moment(Recovery)
	switch {
	case well:
		return []Wait{{Text: "it is well again: see that it stays so, and close it", Command: "quell incident resolve " + i.ID}}
	case len(i.Rounds) == 0:
		return []Wait{{Text: "nobody has asked yet what is wrong", Command: "quell diagnose --save"}}
	case p == nil && i.Latest().Diagnosis.Verdict == diagnosis.Found:
		return []Wait{{Text: "a cause is found, and there is no plan", Command: "quell plan " + i.ID}}
	case p == nil:
		return []Wait{{Text: "no cause is found: " + i.Latest().Diagnosis.Summary}}
	}
	return p.waits()
}

// waits is what the latest plan waits for. Unknown steps are told before.
func (p Planned) waits() []Wait {
	var out []Wait
	for _, s := range p.Steps {
		switch {
		case s.Standing == StepUndone && s.Judged != nil && s.Judged.Verdict == verification.Better:
			out = append(out, Wait{Text: fmt.Sprintf("step %s had helped, and was taken back: nobody has looked since", s.Step.ID), Command: "quell plan " + p.Plan.Incident})
		case s.Standing == StepUnclear:
			out = append(out, Wait{Text: fmt.Sprintf("nobody can tell whether step %s helped: %s", s.Step.ID, s.Judged.Why), Command: fmt.Sprintf("quell verify %s --say better|worse", s.Step.ID)})
		case s.Standing == StepHeld && s.Held.Reason == HeldUnapproved:
			out = append(out, Wait{Text: fmt.Sprintf("step %s waits for an approval: %s", s.Step.ID, s.Held.Text), Command: "quell approve " + s.Step.ID})
		case s.Held != nil && s.Standing != StepUndone && s.Held.Reason != HeldMoot && s.Held.Reason != HeldWell:
			out = append(out, Wait{Text: fmt.Sprintf("step %s was held: %s", s.Step.ID, s.Held.Text)})
		}
	}
	switch {
	case len(out) > 0:
		return out
	case p.Finished != nil && p.Finished.Outcome != Recovered && p.Finished.Outcome != Subsided:
		return []Wait{{Text: p.Finished.Text}}
	case p.Runs == 0 && p.waiting() > 0:
		return []Wait{{Text: fmt.Sprintf("%s to look at and approve", count(p.waiting(), "step")), Command: "quell plan " + p.Plan.ID}}
	case p.waiting() == 0 && len(p.Plan.Tasks) > 0:
		return []Wait{{Text: fmt.Sprintf("%s for people: %s", count(len(p.Plan.Tasks), "task"), p.Plan.Tasks[0].Title), Command: "quell plan " + p.Plan.Incident}}
	}
	return nil
}

// waiting counts the steps that could be begun.
func (p Planned) waiting() int {
	n := 0
	for _, s := range p.Steps {
		if s.Standing == StepWaiting {
			n++
		}
	}
	return n
}

// dueItems are those of the checklist that can be answered and are not.
func (i Incident) dueItems(now time.Time) []Wait {
	var out []Wait
	for _, c := range i.Checklist {
		due := c.Due.IsZero() || !now.Before(c.Due)
		if c.Truth == verification.Yes || !due {
			continue
		}
		out = append(out, Wait{Text: "checklist: " + c.Text})
	}
	return out
}
