package incident

import (
	"fmt"

	"github.com/quellhq/quell/internal/plan"
)

// Planned is a plan with what became of it.
type Planned struct {
	Plan  plan.Plan  `json:"plan"`
	Steps []Progress `json:"steps"` // those of the plan, in its order
	// Runs is how often somebody began to apply it.
	Runs int `json:"runs"`
	// Finished is how the latest run ended; nil while it may go on.
	Finished  *Finished `json:"finished,omitempty"`
	Cancelled bool      `json:"cancelled,omitempty"`
}

// Step returns a step of any plan; ok is false where there is none of that id.
func (i Incident) Step(id string) (p Progress, ok bool) {
	if s := i.step(id); s != nil {
		return *s, true
	}
	return Progress{}, false
}

// Steps lists the steps of all plans, oldest first.
func (i Incident) Steps() []Progress {
	var out []Progress
	for _, p := range i.Plans {
		out = append(out, p.Steps...)
	}
	return out
}

// Plan is the latest plan; nil where there is none. It takes the place of
// those before it.
func (i Incident) Plan() *Planned {
	if len(i.Plans) == 0 {
		return nil
	}
	return &i.Plans[len(i.Plans)-1]
}

func (i *Incident) step(id string) *Progress {
	for n := range i.Plans {
		for m := range i.Plans[n].Steps {
			if i.Plans[n].Steps[m].Step.ID == id {
				return &i.Plans[n].Steps[m]
			}
		}
	}
	return nil
}

func (i *Incident) planned(e Event) (string, Tone, error) {
	p, err := Read[plan.Plan](e)
	if err != nil {
		return "", "", err
	}
	view := Planned{Plan: p, Steps: make([]Progress, 0, len(p.Steps))}
	for _, s := range p.Steps {
		view.Steps = append(view.Steps, newProgress(s))
	}
	i.Plans = append(i.Plans, view)
	text := fmt.Sprintf("plan %s: %s", p.ID, count(len(p.Steps), "step"))
	if n := len(p.Tasks); n > 0 {
		text += fmt.Sprintf(", %s for people", count(n, "task"))
	}
	i.reach(e, Moment{Name: Proposed, From: "plan " + p.ID})
	return text, Plain, nil
}

// ofPlan folds in that a run over a plan began or ended. Of a plan that the
// record does not have only the timeline tells.
func (i *Incident) ofPlan(e Event) (string, Tone, error) {
	switch e.Kind {
	case KindStarted:
		s, err := Read[Started](e)
		if p := i.plan(s.Plan); p != nil {
			p.start()
		}
		return "began to apply plan " + s.Plan, Plain, err
	case KindCancelled:
		n, err := Read[Note](e)
		if p := i.plan(n.Plan); p != nil {
			p.Cancelled, p.Finished = true, nil
		}
		return join("stopped plan "+n.Plan, n.Text), Doubt, err
	}
	f, err := Read[Finished](e)
	if err != nil {
		return "", "", err
	}
	if p := i.plan(f.Plan); p != nil {
		p.Finished = &f
	}
	if f.Outcome == Recovered || f.Outcome == Subsided {
		i.reach(e, Moment{Name: Recovery, From: f.Text})
	}
	return join(string(f.Outcome), f.Text), outcomeTone(f.Outcome), nil
}

func outcomeTone(o Outcome) Tone {
	switch o {
	case Recovered, Subsided:
		return Good
	case NotHelped:
		return Bad
	case NeedsPerson, Waiting, Cancelled:
		return Doubt
	}
	return Plain
}

func (i *Incident) plan(id string) *Planned {
	for n := range i.Plans {
		if i.Plans[n].Plan.ID == id {
			return &i.Plans[n]
		}
	}
	return nil
}

// start begins another run: what held a step may have gone, and what could not
// be told is measured again.
func (p *Planned) start() {
	p.Runs++
	p.Cancelled, p.Finished = false, nil
	for n := range p.Steps {
		p.Steps[n].restart()
	}
}

func join(head, text string) string {
	if text == "" {
		return head
	}
	return head + ": " + text
}

func count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
