package app

import (
	"context"

	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/plan"
	"github.com/quellhq/quell/internal/recovery"
)

// Climb applies a plan, and asks for the approval of each step as it comes: of
// the first one before anything is begun, of the others when the run has come
// to them. It ends with the plan, with a step that is not approved, or with one
// that needs somebody else as well.
func (d *Desk) Climb(ctx context.Context, p plan.Plan, approved func(plan.Step) bool) (incident.Finished, error) {
	ref, err := incident.ParseRef(p.ID)
	if err != nil {
		return incident.Finished{}, err
	}
	begun, err := d.Applied(ctx, p)
	if err != nil {
		return incident.Finished{}, err
	}
	var end incident.Finished
	asked := "" // the step that was asked for last: nobody is asked twice
	for ask := len(begun) == 0; ; ask = false {
		if !ask {
			if _, end, err = d.Apply(ctx, ref, nil); err != nil || end.Outcome != incident.Waiting {
				return end, err
			}
		}
		step, waits := d.WaitsForApproval(ctx, p)
		if !waits || step.ID == asked {
			if ask {
				continue
			}
			return end, nil
		}
		asked = step.ID
		if approved(step) {
			number, err := incident.ParseRef(step.ID)
			if err != nil {
				return end, err
			}
			if _, err := d.Approve(ctx, ref, []int{int(number.Step)}); err != nil {
				return end, err
			}
		} else if !ask {
			return end, nil
		}
	}
}

// AppliedStep is a step that was begun.
type AppliedStep struct {
	Title    string
	Standing recovery.Standing
}

// Applied lists the steps of a plan that were begun, with what became of each.
func (d *Desk) Applied(ctx context.Context, p plan.Plan) ([]AppliedStep, error) {
	_, run, err := d.reread(ctx, p)
	if err != nil {
		return nil, err
	}
	var out []AppliedStep
	for _, s := range p.Steps {
		if v, _ := run.View(s.ID); v.Result != nil {
			out = append(out, AppliedStep{Title: s.Title, Standing: v.Standing})
		}
	}
	return out, nil
}
