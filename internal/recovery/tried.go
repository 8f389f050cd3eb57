package recovery

import (
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/plan"
	"github.com/quellhq/quell/internal/verification"
)

// Tried are the changes of the plan that are known not to have mended it: made
// and judged not better, or known not to be possible.
func (r *Run) Tried() []plan.Tried {
	var out []plan.Tried
	for i, step := range r.plan.Steps {
		act := r.steps[step.ID].act
		why := ""
		switch v := r.verdict(i); {
		case act.result == nil:
		case act.result.State == action.NotMade && !act.result.Temporary:
			why = "it could not be done: " + act.result.Text
		case act.made() && v != nil && v.Verdict == verification.NotBetter:
			why = "it did not help"
		}
		if why != "" {
			out = append(out, plan.Tried{Step: step.ID, Target: step.Target, Change: step.Change, At: act.at, Why: why})
		}
	}
	return out
}

// verdict is that on the remedy which step i belongs to, given on the last of its
// steps that was made; nil where there is none.
func (r *Run) verdict(i int) *verification.Judgement {
	for ; i < len(r.plan.Steps); i++ {
		if j := r.steps[r.plan.Steps[i].ID].judged; j != nil {
			return j
		}
		if !r.plan.Steps[i].Continues {
			break
		}
	}
	return nil
}

// Changed is when the world was last changed by a step of the plan, or may have
// been, the way back included; zero: never.
func (r *Run) Changed() (at time.Time) {
	for _, s := range r.steps {
		for _, c := range []course{s.act, s.undo} {
			switch {
			case c.unknown() && c.intended.After(at):
				at = c.intended
			case c.result != nil && c.result.State != action.NotMade && c.at.After(at):
				at = c.at
			}
		}
	}
	return at
}
