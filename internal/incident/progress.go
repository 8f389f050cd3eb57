package incident

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/plan"
	"github.com/quellhq/quell/internal/verification"
)

// Progress is a step with all that became of it.
type Progress struct {
	Step      plan.Step             `json:"step"`
	Standing  Standing              `json:"standing"`
	Approvals []Approval            `json:"approvals"`
	Attempts  []Attempt             `json:"attempts"` // at it and at its undo, oldest first
	Holds     []Hold                `json:"holds"`    // each time that it was not begun
	Held      *Hold                 `json:"held,omitempty"`
	Captured  []evidence.Evidence   `json:"captured,omitempty"`
	Before    *verification.Sample  `json:"before,omitempty"`
	Samples   []verification.Sample `json:"samples"` // all after the act
	// After are the samples that the verdict rests on: those since measuring began
	// anew.
	After     []verification.Sample `json:"-"`
	Verdicts  []Verdict             `json:"verdicts"` // all, oldest first
	Judged    *Verdict              `json:"judged,omitempty"`
	UndoAsked *UndoAsked            `json:"undo_asked,omitempty"`

	act, undo course
}

// Approval is somebody's word for a step.
type Approval struct {
	By      string    `json:"by"`
	At      time.Time `json:"at"`
	Expires time.Time `json:"expires,omitzero"`
}

// Attempt is one carrying-out of a step or of its undo.
type Attempt struct {
	Number   int       `json:"number"`
	Undo     bool      `json:"undo,omitempty"`
	At       time.Time `json:"at"` // of the intent
	Approved []string  `json:"approved,omitempty"`
	Does     string    `json:"does"`             // as its preview said
	Result   *Result   `json:"result,omitempty"` // nil: not known
	Ended    time.Time `json:"ended,omitzero"`
	Event    int64     `json:"event,omitempty"` // number of the result's
	By       string    `json:"by,omitempty"`    // who wrote the result: a person, where one settled it
}

// Hold is a time that a step was not begun.
type Hold struct {
	At time.Time `json:"at"`
	Held
}

// Verdict is a judgement on a step, and whose.
type Verdict struct {
	At time.Time `json:"at"`
	By string    `json:"by"`
	verification.Judgement
}

func newProgress(s plan.Step) Progress {
	p := Progress{Step: s, Approvals: []Approval{}, Attempts: []Attempt{}, Holds: []Hold{}, Samples: []verification.Sample{}, Verdicts: []Verdict{}}
	p.Standing = p.standing()
	return p
}

// Made is the attempt that changed something last and was not taken back; nil
// where there is none.
func (p Progress) Made() *Attempt {
	if p.undone() {
		return nil
	}
	for n := len(p.Attempts) - 1; n >= 0; n-- {
		a := &p.Attempts[n]
		if !a.Undo && a.Result != nil && changed(*a.Result) {
			return a
		}
	}
	return nil
}

// changed reports whether a result left something different.
func changed(r Result) bool { return r.State == action.Made || r.State == action.PartlyMade }

// ofStep folds an event of a step in. Of a step that no plan has only the
// timeline tells.
func (i *Incident) ofStep(e Event) (string, Tone, error) {
	p := i.step(e.Step)
	if p == nil {
		none := newProgress(plan.Step{ID: e.Step})
		p = &none
	}
	text, tone, err := i.ofProgress(p, e)
	p.Standing = p.standing()
	return text, tone, err
}

func (i *Incident) ofProgress(p *Progress, e Event) (string, Tone, error) {
	switch e.Kind {
	case KindApproved:
		a, err := approvalOf(e)
		p.Approvals = append(p.Approvals, a)
		i.reach(e, Moment{Name: Approved, From: fmt.Sprintf("%s approved step %s", a.By, e.Step)})
		return fmt.Sprintf("%s approved step %s", a.By, e.Step), Plain, err
	case KindHeld:
		return p.hold(e)
	case KindUndoAsked:
		u, err := Read[UndoAsked](e)
		p.UndoAsked, p.Held = &u, nil
		p.undo.reset()
		return join("asked to take step "+e.Step+" back", u.Why), Plain, err
	case KindCaptured:
		c, err := Read[Captured](e)
		p.Captured = append(p.Captured, c.Evidence...)
		return fmt.Sprintf("kept %s that step %s would destroy", count(len(c.Evidence), "answer"), e.Step), Plain, err
	case KindIntent:
		return p.intend(e)
	case KindResult:
		return i.result(p, e)
	case KindMeasured:
		return p.measured(e)
	}
	return i.judged(p, e)
}

// approvalOf reads what a view needs of an approval: who, and until when. Its
// signature is the executor's business.
func approvalOf(e Event) (Approval, error) {
	var signed struct {
		Approver string
		Expires  time.Time
	}
	if err := json.Unmarshal(e.Data, &signed); err != nil {
		return Approval{}, fmt.Errorf("read event %d of %s (%s): %w", e.Seq, e.Incident, e.Kind, err)
	}
	a := Approval{By: signed.Approver, At: e.At, Expires: signed.Expires}
	if a.By == "" {
		a.By = e.By
	}
	return a, nil
}

func (p *Progress) hold(e Event) (string, Tone, error) {
	h, err := Read[Held](e)
	hold := Hold{At: e.At, Held: h}
	p.Holds = append(p.Holds, hold)
	p.Held = &hold
	what := "step " + e.Step
	if h.Undo {
		what = "the undo of step " + e.Step
	}
	tone := Doubt
	if h.Reason == HeldMoot || h.Reason == HeldWell {
		tone = Plain
	}
	return fmt.Sprintf("held %s (%s): %s", what, h.Reason, h.Text), tone, err
}

func (p *Progress) intend(e Event) (string, Tone, error) {
	v, err := Read[Intent](e)
	p.course(v.Undo).intend(v.Attempt)
	p.Held = nil
	p.Attempts = append(p.Attempts, Attempt{Number: v.Attempt, Undo: v.Undo, At: e.At, Approved: v.By, Does: v.Order.Preview.Summary})
	what := "step " + e.Step
	if v.Undo {
		what = "taking step " + e.Step + " back"
	}
	if v.Attempt > 1 {
		what += fmt.Sprintf(", attempt %d", v.Attempt)
	}
	text := join("began "+what, v.Order.Preview.Summary)
	if len(v.By) > 0 {
		text += " (approved by " + strings.Join(v.By, ", ") + ")"
	}
	return text, Act, err
}

func (i *Incident) result(p *Progress, e Event) (string, Tone, error) {
	v, err := Read[Result](e)
	if err != nil {
		return "", "", err
	}
	p.course(v.Undo).end(v)
	for n := range p.Attempts {
		if a := &p.Attempts[n]; a.Undo == v.Undo && a.Number == v.Attempt {
			a.Result, a.Ended, a.Event, a.By = &v, e.At, e.Seq, e.By
		}
	}
	if v.Undo && changed(v) && p.Judged != nil && p.Judged.Verdict == verification.Better {
		// What had helped is taken back: nobody has verified how it is now.
		i.forget(Mitigated, Recovery)
	}
	if changed(v) && !v.Undo {
		i.reach(e, Moment{Name: Acted, From: fmt.Sprintf("step %s: %s", e.Step, v.Text)})
	}
	what := "step " + e.Step
	if v.Undo {
		what = "undo of step " + e.Step
	}
	text := fmt.Sprintf("%s, %s: %s", what, v.State, v.Text)
	if v.Settled {
		text += fmt.Sprintf(" (found out afterwards by %s)", e.By)
	}
	switch {
	case v.State == action.CannotTell:
		return text, Doubt, nil
	case changed(v):
		return text, Act, nil
	}
	return text, Bad, nil
}

func (p *Progress) measured(e Event) (string, Tone, error) {
	m, err := Read[Measured](e)
	when := "after"
	if m.Before {
		p.Before, when = &m.Sample, "before"
	} else {
		p.Samples, p.After = append(p.Samples, m.Sample), append(p.After, m.Sample)
	}
	return fmt.Sprintf("measured %s step %s: %s", when, e.Step, sampleText(m.Sample)), Minor, err
}

// sampleText says what one look at the world showed.
func sampleText(s verification.Sample) string {
	parts := []string{fmt.Sprintf("felt by people: %s", s.Felt)}
	if s.FeltWhy != "" {
		parts[0] += " (" + s.FeltWhy + ")"
	}
	if s.Check != verification.None && s.Check != "" {
		check := fmt.Sprintf("own check: %s", s.Check)
		if s.CheckWhy != "" {
			check += " (" + s.CheckWhy + ")"
		}
		parts = append(parts, check)
	}
	return strings.Join(parts, "; ")
}

func (i *Incident) judged(p *Progress, e Event) (string, Tone, error) {
	v, err := Read[Judged](e)
	if err != nil {
		return "", "", err
	}
	verdict := Verdict{At: e.At, By: e.By, Judgement: v.Judgement}
	p.Verdicts = append(p.Verdicts, verdict)
	p.Judged = &verdict
	for n := range i.Plans {
		if _, ok := i.Plans[n].Plan.Step(e.Step); ok {
			i.Plans[n].Finished = nil
		}
	}
	tone := Doubt
	switch v.Verdict {
	case verification.Better:
		tone = Good
		i.reach(e, Moment{Name: Recovery, From: fmt.Sprintf("step %s, judged by %s: %s", e.Step, e.By, v.Why)})
		if a := p.Made(); a != nil {
			i.reach(e, Moment{Name: Mitigated, At: a.Ended, Event: a.Event, From: "step " + e.Step})
		}
	case verification.NotBetter:
		tone = Bad
	}
	return fmt.Sprintf("step %s, %s: %s", e.Step, v.Verdict, v.Why), tone, nil
}
