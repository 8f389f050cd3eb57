package report

import (
	"fmt"

	"github.com/quellhq/quell/internal/incident"
)

// Lesson is a question for the people who were there, with the facts that the
// record knows about it.
type Lesson struct {
	Question string
	Facts    []string
}

// lessons are the questions of a review. They ask about the system and the way
// of working, never who was at fault.
func (t *teller) lessons() []Lesson {
	return []Lesson{
		{"What went well?", t.wentWell()},
		{"What was slow?", t.wasSlow()},
		{"What stood in the way?", t.inTheWay()},
		{"What could not be seen, and would have helped?", t.notSeen()},
		{"How was it noticed, and could it have been sooner?", t.noticed()},
		{"Where were we lucky?", nil},
	}
}

func (t *teller) wentWell() []string {
	var out []string
	if t.round != nil {
		c := t.diagnosis().Coverage
		out = append(out, fmt.Sprintf("%d of %s were answered within %s", c.Answered, count(c.Probes, "question"), spell(t.round.Took)))
	}
	for _, p := range t.incident.Steps() {
		switch p.Standing {
		case incident.StepHelped:
			out = append(out, fmt.Sprintf("step %s helped, and that was verified with %s", p.Step.ID, count(p.Judged.Samples, "sample")))
		case incident.StepUndone:
			out = append(out, fmt.Sprintf("step %s did not stay: it was taken back", p.Step.ID))
		}
	}
	return out
}

func (t *teller) wasSlow() []string {
	var out []string
	if p, ok := t.longestPause(); ok {
		out = append(out, fmt.Sprintf("the longest pause was %s, from %s (%s) to %s (%s)", spell(p.took),
			t.clock(p.before.At), cut(oneLine(p.before.Text), 80), t.clock(p.after.At), cut(oneLine(p.after.Text), 80)))
	}
	var longest Phase
	for _, p := range t.phases() {
		if p.Took > longest.Took && p.Name != watching {
			longest = p
		}
	}
	if longest.Took > 0 {
		out = append(out, fmt.Sprintf("of the time until the recovery most went by %s: %s", longest.Name, spell(longest.Took)))
	}
	return out
}

func (t *teller) inTheWay() []string {
	var out []string
	for _, p := range t.incident.Steps() {
		for _, h := range p.Holds {
			out = append(out, fmt.Sprintf("step %s was held at %s (%s): %s", p.Step.ID, t.clock(h.At), h.Reason, h.Text))
		}
		for _, v := range p.Verdicts {
			if v.Verdict == "not better" {
				out = append(out, fmt.Sprintf("step %s did not help: %s", p.Step.ID, v.Why))
			}
		}
	}
	for _, p := range t.incident.Unknown() {
		out = append(out, fmt.Sprintf("step %s was begun, and nobody knows whether it happened", p.Step.ID))
	}
	return out
}

func (t *teller) notSeen() []string {
	var out []string
	for _, s := range t.diagnosis().BlindSpots {
		if s.Target == "" || len(out) == mostToSee {
			continue
		}
		out = append(out, blindText(s))
	}
	if n := t.diagnosis().Next; n != nil {
		out = append(out, fmt.Sprintf("the answer to %s would have told most, about %q", n.Probe, n.Title))
	}
	return out
}

func (t *teller) noticed() []string {
	var out []string
	if m, ok := t.incident.Moment(incident.Detected); ok {
		out = append(out, "it was noticed by "+m.From)
	}
	if s := t.stretches()[0]; s.Known {
		out = append(out, fmt.Sprintf("it had gone on for %s by then: %s", spell(s.Took), t.beganFrom))
	}
	if t.incident.Alert == "" {
		out = append(out, "no alert fired: which of the series above should have one?")
	}
	return out
}
