package app

import (
	"context"
	"fmt"
	"slices"

	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/plan"
	"github.com/quellhq/quell/internal/recovery"
	"github.com/quellhq/quell/internal/report"
)

// States says how far each step of a plan has come.
func (d *Desk) States(ctx context.Context, p plan.Plan) (map[string]report.StepState, error) {
	_, run, err := d.reread(ctx, p)
	if err != nil {
		return nil, err
	}
	out := map[string]report.StepState{}
	for _, s := range p.Steps {
		v, _ := run.View(s.ID)
		out[s.ID] = state(v)
	}
	return out, nil
}

func (d *Desk) reread(ctx context.Context, p plan.Plan) (plan.Plan, *recovery.Run, error) {
	ref, err := incident.ParseRef(p.ID)
	if err != nil {
		return p, nil, err
	}
	return d.Plan(ctx, ref)
}

func state(v recovery.View) report.StepState {
	var by []string
	for _, e := range v.Approvals {
		if !contains(by, e.Approver) {
			by = append(by, e.Approver)
		}
	}
	s := report.StepState{Word: string(v.Standing), By: by}
	switch v.Standing {
	case recovery.Waiting, recovery.Blocked:
		s.Word = ""
		if len(by) > 0 {
			s.Word, s.Good, s.Open = "approved by "+joined(by), true, true
		}
	case recovery.HeldBack:
		s.Text, s.Open = v.Held.Text, true
	case recovery.Helped:
		s.Text, s.Good = v.Judged.Why, true
	case recovery.NoHelp, recovery.Unclear:
		s.Text = v.Judged.Why
	case recovery.TakenOut:
		if v.Undo != nil {
			s.Text = v.Undo.Text
		}
	default:
		if v.Result != nil {
			s.Text = v.Result.Text
		}
	}
	return s
}

func joined(list []string) string {
	text := ""
	for i, s := range list {
		if i > 0 {
			text += ", "
		}
		text += s
	}
	return text
}

// WaitsForApproval is the first step of a plan that nobody has approved yet and
// that needs it.
func (d *Desk) WaitsForApproval(ctx context.Context, p plan.Plan) (plan.Step, bool) {
	_, run, err := d.reread(ctx, p)
	if err != nil {
		return plan.Step{}, false
	}
	for _, s := range p.Steps {
		v, _ := run.View(s.ID)
		if s.Blocked != "" || v.Result != nil && v.Standing != recovery.NotDone {
			continue
		}
		_, held := d.gate().Pass(ctx, p, s, v, s.Preview, d.now())
		return s, held != nil && held.Reason == incident.HeldUnapproved
	}
	return plan.Step{}, false
}

// NextStep says what a person does next with a plan, in a line; "" for nothing.
func (d *Desk) NextStep(ctx context.Context, p plan.Plan) string {
	_, run, err := d.reread(ctx, p)
	if err != nil || !slices.ContainsFunc(p.Steps, func(s plan.Step) bool { return s.Blocked == "" }) {
		return ""
	}
	if id := run.Unsettled(); id != "" {
		return fmt.Sprintf("next: quell reconcile   (it is not known whether step %s happened)", id)
	}
	if end := run.Finished(); end != nil && (end.Outcome == incident.Recovered || end.Outcome == incident.Subsided) {
		return fmt.Sprintf("next: quell incident resolve %s", p.Incident)
	}
	if step, waits := d.WaitsForApproval(ctx, p); waits {
		return fmt.Sprintf("next: quell approve %s --step %s   then: quell apply %s", p.ID, stepNumber(step.ID), p.ID)
	}
	return "next: quell apply " + p.ID
}
