package execution

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/plan"
	"github.com/quellhq/quell/internal/recovery"
	"github.com/quellhq/quell/internal/verification"
)

// ready is a change that may be made now.
type ready struct {
	doer  action.Doer
	order action.Order
	by    []string
}

// act checks, writes the intent, acts, and writes the result.
func (x *Executor) act(ctx context.Context, j *journal, leases *leases, p plan.Plan, s plan.Step, c recovery.Command) error {
	x.cfg.Say(Progress{Step: s, Undo: c.Undo, Point: Checking})
	var r ready
	var held *incident.Held
	var err error
	if c.Undo {
		r, held = x.readyToUndo(ctx, j, s, c)
	} else {
		r, held, err = x.readyToAct(ctx, j, p, s)
	}
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("interrupted before anything was done: %w", err)
	}
	if held != nil {
		held.Plan, held.Undo, held.Text = p.ID, c.Undo, x.cfg.Redact.Text(held.Text)
		x.cfg.Say(Progress{Step: s, Undo: c.Undo, Point: Holding, Text: held.Text})
		return j.write(ctx, incident.KindHeld, s.ID, held)
	}
	r.order.Key, r.order.Intended = s.Key(c.Attempt, c.Undo), x.cfg.Now().UTC()
	if err := leases.mark(ctx, s.ID); err != nil {
		return err
	}
	intent := incident.Intent{
		Attempt: c.Attempt, Undo: c.Undo, Order: r.order, Owner: x.cfg.Owner,
		Target: s.Target, Services: s.Services, Risk: s.Risk,
		Until: r.order.Intended.Add(x.cfg.Act + grace), By: r.by,
	}
	if err := j.exclusive(ctx, incident.KindIntent, s.ID, intent); err != nil {
		return err // nothing was done
	}
	x.cfg.Say(Progress{Step: s, Undo: c.Undo, Point: Acting})
	// From here on an interruption does not end the act: a change that is half
	// made helps nobody. Its own deadline does.
	ctx = context.WithoutCancel(ctx)
	result := x.apply(ctx, r)
	if r.order.Resumes && result.State == action.NotMade {
		result.State = action.PartlyMade // this attempt did nothing, and an earlier one did
	}
	result.Attempt, result.Undo = c.Attempt, c.Undo
	if !c.Undo {
		x.aftermath(ctx, s, &result)
	}
	return x.conclude(ctx, j, leases, s, result)
}

// conclude writes a result down. The mark in the leases goes with the next thing
// that is no act, so that a step costs one write less.
func (x *Executor) conclude(ctx context.Context, j *journal, leases *leases, s plan.Step, result incident.Result) error {
	result.Text = x.cfg.Redact.Text(result.Text)
	if err := j.insist(ctx, incident.KindResult, s.ID, result); err != nil {
		return fmt.Errorf("step %s: %s (%s), but that could not be written down; `quell reconcile` finds it out again from the world: %w", s.ID, result.State, result.Text, err)
	}
	x.cfg.Say(Progress{Step: s, Undo: result.Undo, Point: Acted, Text: fmt.Sprintf("%s: %s", result.State, result.Text)})
	leases.settled = result.State != action.CannotTell // else it stays marked until somebody knows
	return nil
}

// readyToAct holds the step against policy, approval and the world, and takes
// the sample before.
func (x *Executor) readyToAct(ctx context.Context, j *journal, p plan.Plan, s plan.Step) (ready, *incident.Held, error) {
	doer, err := x.cfg.World.Doer(s.Target, s.Change.Type)
	if err != nil {
		return ready{}, &incident.Held{Reason: incident.HeldBlind, Text: err.Error()}, nil
	}
	view, _ := j.run.View(s.ID)
	// Asked first, so that nothing is looked at for a step that nobody approved.
	if _, held := x.cfg.Gate.Pass(ctx, p, s, view, s.Preview, x.cfg.Now()); held != nil {
		return ready{}, held, nil
	}
	if view.Result != nil && view.Result.State == action.PartlyMade && view.Order != nil {
		// The world is half as the order wants it. The same order applied again
		// does the rest; another look would take our own half for a change.
		by, held := x.cfg.Gate.Pass(ctx, p, s, view, s.Preview, x.cfg.Now())
		return ready{doer: doer, order: action.Order{Change: s.Change, Preview: view.Order.Preview, Resumes: true}, by: by}, held, nil
	}
	found, held := x.look(ctx, doer, s.Change)
	if held != nil {
		return ready{}, held, nil
	}
	if found.Already {
		return ready{}, &incident.Held{Reason: incident.HeldMoot, Text: "there is nothing to do: " + found.Summary}, nil
	}
	if stale := plan.Stale(s.Preview, found); stale != "" {
		return ready{}, &incident.Held{Reason: incident.HeldStale, Text: fmt.Sprintf("%s: make a new plan with `quell plan %s`", stale, p.Incident)}, nil
	}
	found = found.Among(s.Preview)
	if err := x.cfg.World.Verifiable(s); err != nil {
		return ready{}, &incident.Held{Reason: incident.HeldStale, Text: fmt.Sprintf("it could not be verified: %s: make a new plan with `quell plan %s`", err, p.Incident)}, nil
	}
	if held, err := x.baseline(ctx, j, s, view); held != nil || err != nil {
		return ready{}, held, err
	}
	if err := x.capture(ctx, j, s); err != nil {
		return ready{}, nil, err
	}
	// Asked again, since an approval may have run out meanwhile.
	view, _ = j.run.View(s.ID)
	by, held := x.cfg.Gate.Pass(ctx, p, s, view, found, x.cfg.Now())
	if held != nil {
		return ready{}, held, nil
	}
	order := action.Order{Change: s.Change, Preview: found}
	if len(by) > 0 {
		order.By = by[0]
	}
	return ready{doer: doer, order: order, by: by}, nil, nil
}

// baseline is how the world is before the act. Where what people felt has gone
// by itself, nothing is done, unless somebody asked for this very step.
func (x *Executor) baseline(ctx context.Context, j *journal, s plan.Step, v recovery.View) (*incident.Held, error) {
	if s.Continues && s.Verify == "" && len(s.Watch) == 0 || v.Before != nil {
		return nil, nil
	}
	sample, err := x.before(ctx, s, j.named(s.ID))
	if err != nil {
		return nil, err
	}
	if err := j.write(ctx, incident.KindMeasured, s.ID, incident.Measured{Before: true, Sample: sample}); err != nil {
		return nil, err
	}
	if sample.Felt == verification.No && !j.named(s.ID) {
		text := "what people felt has gone by itself"
		if sample.FeltWhy != "" {
			text += ": " + sample.FeltWhy
		}
		return &incident.Held{Reason: incident.HeldWell, Text: text}, nil
	}
	return nil, nil
}

// longestPause bounds the time between two looks before an act.
const longestPause = 5 * time.Second

// before is how the world is before the act. That all is well again is believed
// after as many looks as it takes to believe that something has helped: a symptom
// of counts per second comes and goes. once: one look is enough, since the step
// is begun whatever it shows.
func (x *Executor) before(ctx context.Context, s plan.Step, once bool) (verification.Sample, error) {
	pause := min(verification.Schedule{Within: s.Within}.Interval(), longestPause)
	for n := 1; ; n++ {
		sample := x.sample(ctx, s, time.Time{})
		if once || sample.Felt != verification.No || n == verification.Needed {
			return sample, nil
		}
		if err := x.wait(ctx, x.cfg.Now().Add(pause)); err != nil {
			return sample, err
		}
	}
}

func (x *Executor) capture(ctx context.Context, j *journal, s plan.Step) error {
	if len(s.Captures) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, x.cfg.Look)
	defer cancel()
	return j.write(ctx, incident.KindCaptured, s.ID, incident.Captured{Evidence: x.cfg.World.Capture(ctx, s)})
}

// readyToUndo finds what takes the step back, and whether somebody has changed
// it since.
func (x *Executor) readyToUndo(ctx context.Context, j *journal, s plan.Step, c recovery.Command) (ready, *incident.Held) {
	view, _ := j.run.View(s.ID)
	if view.Result == nil || view.Result.Done == nil || view.Result.Done.Inverse == nil {
		return ready{}, &incident.Held{Reason: incident.HeldRefused, Text: "nothing is known that takes it back"}
	}
	if held := x.cfg.Gate.MayUndo(ctx, s, x.cfg.Now()); held != nil {
		return ready{}, held
	}
	inverse := *view.Result.Done.Inverse
	doer, err := x.cfg.World.Doer(s.Target, inverse.Type)
	if err != nil {
		return ready{}, &incident.Held{Reason: incident.HeldBlind, Text: err.Error()}
	}
	found, held := x.look(ctx, doer, inverse)
	if held != nil {
		return ready{}, held
	}
	if found.Already {
		return ready{}, &incident.Held{Reason: incident.HeldMoot, Text: "it is as it was before: " + found.Summary}
	}
	if left := view.Result.Left; left != nil && !c.Anyway {
		if stale := plan.Stale(*left, found); stale != "" {
			return ready{}, &incident.Held{Reason: incident.HeldStale, Text: fmt.Sprintf("somebody has changed it since (%s): look, and then `quell undo %s --anyway`", stale, s.ID)}
		}
	}
	return ready{doer: doer, order: action.Order{Change: inverse, Preview: found}}, nil
}

// look takes a preview within its time.
func (x *Executor) look(ctx context.Context, doer action.Doer, c action.Change) (action.Preview, *incident.Held) {
	ctx, cancel := context.WithTimeout(ctx, x.cfg.Look)
	defer cancel()
	found, err := bounded(ctx, grace, func() (action.Preview, error) { return doer.Preview(ctx, c) })
	if err == nil {
		return found, nil
	}
	var refusal *action.Refusal
	if errors.As(err, &refusal) {
		return found, &incident.Held{Reason: incident.HeldRefused, Text: refusal.Error()}
	}
	return found, &incident.Held{Reason: incident.HeldBlind, Text: "the target cannot be asked: " + err.Error()}
}

// grace is how long past its deadline a connector may take to come back.
const grace = 2 * time.Second

// apply acts, and looks whether the world shows it.
func (x *Executor) apply(ctx context.Context, r ready) incident.Result {
	start := time.Now()
	acting, cancel := context.WithTimeout(ctx, x.cfg.Act)
	defer cancel()
	done, err := bounded(acting, grace, func() (action.Done, error) { return r.doer.Apply(acting, r.order) })
	took := time.Since(start)
	var failure *action.Failure
	var refusal *action.Refusal
	var result incident.Result
	switch {
	case errors.Is(err, errNotBack):
		// It may still be at it: what the world shows now says nothing.
		result = incident.Result{State: action.CannotTell, Text: err.Error()}
	case errors.As(err, &failure) && failure.State != action.CannotTell:
		result = incident.Result{State: failure.State, Text: failure.Text, Done: failure.Done, Temporary: failure.Temporary}
	case errors.As(err, &refusal):
		result = incident.Result{State: action.NotMade, Text: refusal.Error()}
	default:
		if err == nil {
			r.order.Done = &done
		}
		result = x.stands(ctx, r, err)
	}
	result.Took = took
	return result
}

// stands asks the world what came of an act that returned err.
func (x *Executor) stands(ctx context.Context, r ready, err error) incident.Result {
	s, unasked := x.ask(ctx, r.doer, r.order)
	done := r.order.Done
	if s.Done != nil && done == nil {
		done = s.Done
	}
	switch {
	case err == nil && (unasked != nil || s.State == action.CannotTell):
		text := s.Text
		if unasked != nil {
			text = unasked.Error()
		}
		return incident.Result{State: action.Made, Text: fmt.Sprintf("%s; the world could not be asked for it: %s", done.Summary, text), Done: done}
	case err == nil && s.State == action.Made:
		return incident.Result{State: action.Made, Text: done.Summary, Done: done}
	case err == nil:
		return incident.Result{State: s.State, Text: fmt.Sprintf("it reported success (%s), and the world shows otherwise: %s", done.Summary, s.Text), Done: done}
	case unasked != nil:
		return incident.Result{State: action.CannotTell, Text: fmt.Sprintf("%s; and the world could not be asked: %s", err, unasked)}
	}
	return incident.Result{State: s.State, Text: fmt.Sprintf("%s (it had ended with: %s)", s.Text, err), Done: done}
}

// ask asks the world whether an order stands, again and again as long as it
// says that it may still be under way, and no longer than an act may take.
func (x *Executor) ask(ctx context.Context, doer action.Doer, o action.Order) (action.Standing, error) {
	deadline := time.Now().Add(x.cfg.Act)
	for {
		s, err := x.askOnce(ctx, doer, o)
		if err != nil || s.State != action.CannotTell || s.Again <= 0 || time.Now().Add(s.Again).After(deadline) {
			return s, err
		}
		timer := time.NewTimer(s.Again)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return s, nil
		}
	}
}

func (x *Executor) askOnce(ctx context.Context, doer action.Doer, o action.Order) (action.Standing, error) {
	ctx, cancel := context.WithTimeout(ctx, x.cfg.Look)
	defer cancel()
	return bounded(ctx, grace, func() (action.Standing, error) { return doer.Standing(ctx, o) })
}

// aftermath notes how a step that was made is taken back, and when.
func (x *Executor) aftermath(ctx context.Context, s plan.Step, r *incident.Result) {
	if r.State != action.Made || r.Done == nil || r.Done.Inverse == nil {
		return
	}
	if lasts := s.Preview.Lasts; lasts > 0 {
		r.Ends = x.cfg.Now().UTC().Add(lasts)
	}
	doer, err := x.cfg.World.Doer(s.Target, r.Done.Inverse.Type)
	if err != nil {
		return
	}
	if left, held := x.look(ctx, doer, *r.Done.Inverse); held == nil {
		r.Left = &left
	}
}

// errNotBack is a call that did not return when its time was over.
var errNotBack = errors.New("it did not come back when its time was over")

// bounded calls f and waits for it until ctx ends and then as long as grace;
// a panic is an error.
func bounded[T any](ctx context.Context, grace time.Duration, f func() (T, error)) (T, error) {
	type answer struct {
		v   T
		err error
	}
	answers := make(chan answer, 1)
	go func() {
		var a answer
		defer func() {
			if r := recover(); r != nil {
				a.err = fmt.Errorf("a bug in the connector: %v\n%s", r, debug.Stack())
			}
			answers <- a
		}()
		a.v, a.err = f()
	}()
	select {
	case a := <-answers:
		return a.v, a.err
	case <-ctx.Done():
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case a := <-answers:
		return a.v, a.err
	case <-timer.C:
		var none T
		return none, errNotBack
	}
}
