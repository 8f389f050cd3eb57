package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/execution"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/plan"
	"github.com/quellhq/quell/internal/recovery"
	"github.com/quellhq/quell/internal/verification"
)

// Apply carries a plan out, or only the steps of it with the given numbers,
// until it helped or somebody is needed. Interrupted, it can be called again.
func (d *Desk) Apply(ctx context.Context, ref incident.Ref, numbers []int) (plan.Plan, incident.Finished, error) {
	if err := d.sound(ctx, d.note); err != nil {
		return plan.Plan{}, incident.Finished{}, err
	}
	p, _, err := d.Plan(ctx, ref)
	if err != nil {
		return p, incident.Finished{}, err
	}
	if err := d.stillOpen(ctx, p); err != nil {
		return p, incident.Finished{}, err
	}
	only, err := steps(p, numbers)
	if err != nil {
		return p, incident.Finished{}, err
	}
	for _, s := range p.Steps {
		if slices.Contains(only, s.ID) && s.Blocked != "" {
			return p, incident.Finished{}, fmt.Errorf("step %s cannot be applied: %s", s.ID, s.Blocked)
		}
	}
	begin, err := incident.New(incident.KindStarted, d.who, "", incident.Started{Plan: p.ID, Steps: only})
	if err != nil {
		return p, incident.Finished{}, err
	}
	x, err := d.executor(ctx, p)
	if err != nil {
		return p, incident.Finished{}, err
	}
	end, err := x.Run(ctx, p, &begin)
	if err == nil && (end.Outcome == incident.Recovered || end.Outcome == incident.Subsided) {
		d.lookOnce(ctx, p.Incident)
	}
	return p, end, err
}

// lookOnce keeps how the world looks after a recovery, for the report's charts.
// The recovery is verified already: what goes wrong here changes nothing.
func (d *Desk) lookOnce(ctx context.Context, id string) {
	events, err := d.Incident(ctx, id)
	if err != nil {
		return
	}
	_, _ = d.again(ctx, id, events, true)
}

// executor carries plans of an incident out on the desk's world.
func (d *Desk) executor(ctx context.Context, p plan.Plan) (*execution.Executor, error) {
	events, err := d.Incident(ctx, p.Incident)
	if err != nil {
		return nil, err
	}
	return execution.New(execution.Config{
		Store: d.store, World: d.world(events), Gate: d.gate(), Now: d.now, Redact: d.redact, Say: d.say, Lease: d.lease, Act: d.act,
	})
}

// Undo takes a step back. why is kept; anyway overrules that somebody has
// changed the same thing since.
func (d *Desk) Undo(ctx context.Context, ref incident.Ref, why string, anyway bool) (recovery.View, error) {
	if err := d.sound(ctx, d.note); err != nil {
		return recovery.View{}, err
	}
	if ref.Step == 0 {
		return recovery.View{}, fmt.Errorf("%s is no step: name one, like INC-7.1.2", ref)
	}
	p, run, err := d.Plan(ctx, ref.InPlan())
	if err != nil {
		return recovery.View{}, err
	}
	v, ok := run.View(ref.String())
	switch {
	case !ok:
		return v, fmt.Errorf("plan %s has no step %d: it has %d", p.ID, ref.Step, len(p.Steps))
	case v.Standing == recovery.TakenOut:
		return v, fmt.Errorf("step %s has been taken back already", ref)
	case v.Standing == recovery.Unknown:
		return v, fmt.Errorf("step %s: it is not known whether it happened: `quell reconcile` finds out first", ref)
	case v.Result == nil || v.Result.State == action.NotMade:
		return v, fmt.Errorf("step %s was not applied: there is nothing to take back", ref)
	case v.Result.Done == nil || v.Result.Done.Inverse == nil:
		return v, fmt.Errorf("step %s cannot be taken back: %s has no undo", ref, stepType(p, ref))
	}
	asked, err := incident.New(incident.KindUndoAsked, d.who, ref.String(), incident.UndoAsked{Why: why, Anyway: anyway})
	if err != nil {
		return v, err
	}
	return d.settle(ctx, p, ref.String(), &asked)
}

func stepType(p plan.Plan, ref incident.Ref) string {
	s, _ := p.Step(ref.String())
	return s.Change.Type
}

// settle runs a plan without new steps, and shows one of them.
func (d *Desk) settle(ctx context.Context, p plan.Plan, step string, begin *incident.Event) (recovery.View, error) {
	x, err := d.executor(ctx, p)
	if err != nil {
		return recovery.View{}, err
	}
	if _, err := x.Settle(ctx, p, begin); err != nil {
		return recovery.View{}, err
	}
	ref, err := incident.ParseRef(p.ID)
	if err != nil {
		return recovery.View{}, err
	}
	_, run, err := d.Plan(ctx, ref)
	if err != nil {
		return recovery.View{}, err
	}
	v, _ := run.View(step)
	return v, nil
}

// Happened is what a person has found out about a step that nobody could tell.
func (d *Desk) Happened(ctx context.Context, ref incident.Ref, yes bool, why string) error {
	p, run, err := d.Plan(ctx, ref.InPlan())
	if err != nil {
		return err
	}
	v, ok := run.View(ref.String())
	if !ok {
		return fmt.Errorf("plan %s has no step %d: it has %d", p.ID, ref.Step, len(p.Steps))
	}
	step, intent, open := run.Unknown()
	if !open || step.ID != ref.String() {
		return fmt.Errorf("step %s is %s: there is nothing open about it", ref, v.Standing)
	}
	result := incident.Result{Attempt: intent.Attempt, Undo: intent.Undo, State: action.NotMade, Settled: true, Text: strings.TrimSpace("it did not happen: " + why)}
	if yes {
		result.State, result.Text = action.Made, strings.TrimSpace("it happened: "+why)
	}
	e, err := incident.New(incident.KindResult, d.who, ref.String(), result)
	if err != nil {
		return err
	}
	if err := d.append(ctx, p.Incident, e); err != nil {
		return err
	}
	_, err = d.settle(ctx, p, ref.String(), nil)
	return err
}

// Judge is a person's verdict on a step that nobody could tell the effect of.
func (d *Desk) Judge(ctx context.Context, ref incident.Ref, better bool, why string) error {
	p, run, err := d.Plan(ctx, ref.InPlan())
	if err != nil {
		return err
	}
	v, ok := run.View(ref.String())
	switch {
	case !ok:
		return fmt.Errorf("plan %s has no step %d: it has %d", p.ID, ref.Step, len(p.Steps))
	case v.Standing != recovery.Unclear && v.Standing != recovery.Applied:
		return fmt.Errorf("step %s is %s: a verdict is given on one that was applied, and whose effect nobody could tell", ref, v.Standing)
	}
	j := verification.Judgement{Verdict: verification.NotBetter, Why: strings.TrimSpace("said by " + d.who + ": " + why), Samples: len(v.After)}
	if better {
		j.Verdict = verification.Better
	}
	e, err := incident.New(incident.KindJudged, d.who, ref.String(), incident.Judged{Judgement: j})
	if err != nil {
		return err
	}
	return d.append(ctx, p.Incident, e)
}

// StopPlan keeps a plan from going on. What is under way comes to its end.
func (d *Desk) StopPlan(ctx context.Context, ref incident.Ref, why string) (plan.Plan, error) {
	p, _, err := d.Plan(ctx, ref)
	if err != nil {
		return p, err
	}
	e, err := incident.New(incident.KindCancelled, d.who, "", incident.Note{Plan: p.ID, Text: why})
	if err != nil {
		return p, err
	}
	return p, d.append(ctx, p.Incident, e)
}

// Settled is what a reconciliation found out about one step.
type Settled struct {
	Step string `json:"step"`
	Undo bool   `json:"undo,omitempty"`
	// Text says what became of it, or why that is still not known.
	Text string `json:"text"`
	Open bool   `json:"open"` // still not known
}

// Reconcile settles, for every incident, what a crash left open, and takes back
// temporary measures whose time is over. It begins no step.
func (d *Desk) Reconcile(ctx context.Context) ([]Settled, error) {
	plans, err := d.unsettled(ctx)
	if err != nil {
		return nil, err
	}
	var out []Settled
	for _, id := range plans {
		ref, err := incident.ParseRef(id)
		if err != nil {
			return out, err
		}
		settled, err := d.reconcile(ctx, ref)
		out = append(out, settled...)
		if err != nil && !errors.Is(err, incident.ErrHeld) {
			out = append(out, Settled{Step: id, Text: err.Error(), Open: true})
		}
		if ctx.Err() != nil {
			return out, fmt.Errorf("interrupted: %w", ctx.Err())
		}
	}
	return out, nil
}

// unsettled lists the plans that have something open: an intent without a
// result, or a temporary measure.
func (d *Desk) unsettled(ctx context.Context) ([]string, error) {
	leases, err := d.store.Leases(ctx)
	if err != nil {
		return nil, fmt.Errorf("read what is begun: %w", err)
	}
	events, err := d.store.Find(ctx, []string{incident.KindIntent, incident.KindResult}, time.Time{}, mostHistory)
	if err != nil {
		return nil, fmt.Errorf("read what is begun: %w", err)
	}
	var plans []string
	add := func(step string) {
		if ref, err := incident.ParseRef(step); err == nil && ref.Step > 0 && !slices.Contains(plans, ref.InPlan().String()) {
			plans = append(plans, ref.InPlan().String())
		}
	}
	for _, l := range leases {
		add(l.Work)
	}
	open := map[string]bool{}
	for _, e := range events {
		if e.Kind == incident.KindIntent {
			open[e.Step] = true
			continue
		}
		r, err := incident.Read[incident.Result](e)
		if err != nil {
			return nil, err
		}
		open[e.Step] = r.State == action.CannotTell
		if !r.Ends.IsZero() {
			add(e.Step) // looked at each time; taken back when it is due
		}
	}
	for step, is := range open {
		if is {
			add(step)
		}
	}
	slices.Sort(plans)
	return plans, nil
}

// reconcile settles one plan.
func (d *Desk) reconcile(ctx context.Context, ref incident.Ref) ([]Settled, error) {
	p, before, err := d.Plan(ctx, ref)
	if err != nil {
		return nil, err
	}
	var out []Settled
	if id := before.Unsettled(); id != "" {
		step, intent, _ := before.Unknown()
		v, err := d.settle(ctx, p, step.ID, nil)
		s := Settled{Step: step.ID, Undo: intent.Undo}
		switch {
		case err != nil:
			s.Open, s.Text = true, err.Error()
		default:
			s.Open, s.Text = v.Standing == recovery.Unknown, shown(v, intent.Undo)
		}
		out = append(out, s)
	} else if _, err := d.settle(ctx, p, "", nil); err != nil {
		return out, err
	}
	for _, s := range p.Steps {
		v, _ := before.View(s.ID)
		if v.Result == nil || v.Result.Ends.IsZero() || v.Result.Ends.After(d.now()) || v.Standing == recovery.TakenOut {
			continue
		}
		stepRef, err := incident.ParseRef(s.ID)
		if err != nil {
			return out, err
		}
		after, err := d.Undo(ctx, stepRef, "its time is over", false)
		settled := Settled{Step: s.ID, Undo: true, Text: shown(after, true), Open: after.Standing != recovery.TakenOut}
		if err != nil {
			settled.Text = err.Error()
		}
		out = append(out, settled)
	}
	return out, nil
}

// shown is what became of a step, in a line.
func shown(v recovery.View, undo bool) string {
	r := v.Result
	if undo {
		r = v.Undo
	}
	switch {
	case undo && v.Standing == recovery.TakenOut && r == nil:
		return "it was as before already"
	case v.Held != nil && v.Held.Undo == undo && (r == nil || v.Held.Undo):
		return "held: " + v.Held.Text
	case r == nil:
		return string(v.Standing)
	}
	return fmt.Sprintf("%s: %s", r.State, r.Text)
}
