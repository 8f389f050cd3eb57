package process

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/pid"
)

// doer does one type of change on one service.
type doer struct {
	t   *target
	act act
}

// Preview implements action.Doer.
func (d doer) Preview(ctx context.Context, c action.Change) (action.Preview, error) {
	found, err := d.look(ctx, c)
	if err != nil {
		return action.Preview{}, err
	}
	p := action.Preview{Identity: d.t.identity(), Lasts: c.Args.Duration("for")}
	var on []instance
	for _, i := range found {
		if i.runs() == (d.act.verb != start) {
			on = append(on, i)
		}
	}
	if len(on) == 0 {
		return d.nothing(p, found)
	}
	if moving := firstMoving(on); moving != nil {
		p.Warnings = append(p.Warnings, fmt.Sprintf("%s is %s: its manager is busy with it, and it is waited for", moving.name, moving.state))
	}
	if why := d.t.manager.can(ctx, d.act.verb, on); why != "" {
		return p, action.Refuse("", "%s", d.t.redact(why))
	}
	for _, i := range on {
		if err := i.signalable(); err != nil && d.act.verb != start {
			return p, action.Refuse("run quell as the service's user or as root", "process %d of %s: %s", i.main, i.name, err)
		}
		p.Items = append(p.Items, action.Item{ID: i.name, Now: i.now(), Then: d.act.then, Guard: i.guard()})
	}
	p.Summary = fmt.Sprintf("%s %s (%s)", d.act.verb, strings.Join(names(on), ", "), d.t.manager)
	p.Warnings = append(p.Warnings, d.warnings(ctx, c, found, on)...)
	if c.Args.Bool("kill") {
		p.Risk = action.R3
	}
	if d.act.inverse != "" {
		p.Undo = d.act.spec.Undo
	}
	return p, nil
}

// nothing is a preview where no instance is as the verb needs it.
func (d doer) nothing(p action.Preview, found []instance) (action.Preview, error) {
	switch d.act.verb {
	case start:
		p.Already, p.Summary = true, "it runs already: "+listed(found)
	case stop:
		p.Already, p.Summary = true, "nothing of it runs: "+listed(found)
	default:
		return p, action.Refuse("process.start starts it", "cannot %s what does not run: %s", d.act.verb, listed(found))
	}
	return p, nil
}

// look asks the manager, and picks the instances that are asked for.
func (d doer) look(ctx context.Context, c action.Change) ([]instance, error) {
	if c.Type != d.act.spec.Name {
		return nil, action.Refuse("", "%s was asked to do %s", d.act.spec.Name, c.Type)
	}
	found, err := d.found(ctx)
	if err != nil {
		return nil, err
	}
	wanted := c.Args.List("only")
	if len(wanted) == 0 {
		return found, nil
	}
	var out []instance
	for _, w := range wanted {
		at := slices.IndexFunc(found, func(i instance) bool { return i.name == w })
		if at < 0 {
			return nil, action.Refuse("", "%s has no instance %v: there are %s", d.t.manager, w, strings.Join(names(found), ", "))
		}
		out = append(out, found[at])
	}
	return out, nil
}

// found asks the manager. What is no refusal says that it could not be asked.
func (d doer) found(ctx context.Context) ([]instance, error) {
	if d.t.closed.Load() {
		return nil, &action.Unavailable{Text: "the target is closed"}
	}
	found, err := d.t.manager.look(ctx)
	var refusal *action.Refusal
	switch {
	case ctx.Err() != nil:
		return nil, &action.Unavailable{Text: fmt.Sprintf("%s did not answer in time", d.t.manager)}
	case errors.As(err, &refusal):
		return nil, &action.Refusal{Text: d.t.redact(refusal.Text), Hint: refusal.Hint}
	case err != nil:
		return nil, &action.Unavailable{Text: d.t.redact(err.Error())}
	}
	return found, nil
}

func firstMoving(all []instance) *instance {
	for _, i := range all {
		if i.moving {
			return &i
		}
	}
	return nil
}

// warnings say what the change costs, where it can be known.
func (d doer) warnings(ctx context.Context, c action.Change, found, on []instance) []string {
	var out []string
	if d.act.verb == restart && len(on) < len(found) {
		out = append(out, fmt.Sprintf("%d of its %d instances do not run and are left alone: process.start starts them", len(found)-len(on), len(found)))
	}
	if d.act.verb == start || d.act.verb == reload {
		return out
	}
	out = append(out, "it loses what it holds in memory")
	if n, known := d.t.connections(ctx, on); known && n > 0 {
		out = append(out, fmt.Sprintf("it has %d open TCP connections now, which break", n))
	}
	if c.Args.Bool("kill") {
		out = append(out, fmt.Sprintf("what has not ended after %s is killed, and cannot save anything", d.t.config.StopTimeout.Duration))
	}
	return out
}

// turnTime is how long one waits for another who changes the same service.
const turnTime = 5 * time.Second

// Apply implements action.Doer.
func (d doer) Apply(ctx context.Context, o action.Order) (action.Done, error) {
	release, err := pid.Turn(ctx, turnTime, d.t.identity())
	if err != nil {
		return action.Done{}, action.NotYet("%s: %s", d.t.manager, err)
	}
	defer release()
	f, err := d.approved(ctx, o)
	if err != nil {
		return action.Done{}, err
	}
	if f.standing(d.act).State == action.Made {
		return d.done(o, f, ""), nil
	}
	verb, on := d.act.verb, f.instances()
	if stopped := f.halfDone(); verb == restart && o.Resumes && len(stopped) > 0 {
		// Whoever restarted it died between the two halves: the rest is a start.
		if left := leftOf(ctx, o); len(left) > 0 {
			return action.Done{}, &action.Failure{State: action.PartlyMade, Text: fmt.Sprintf(
				"it is stopped, and not started beside process %d (%s), which is left of it: end that first", left[0].PID, left[0].Line())}
		}
		verb, on = start, stopped
	} else if err := f.stillSo(); err != nil {
		return action.Done{}, err
	}
	err = d.t.manager.do(ctx, verb, on, manner{kill: o.Args.Bool("kill")})
	var failure *action.Failure
	if errors.As(err, &failure) {
		return action.Done{}, &action.Failure{State: failure.State, Temporary: failure.Temporary, Text: d.t.redact(failure.Text)}
	}
	return d.outcome(ctx, o, err)
}

// approved finds what has become of the instances of an order before it is
// carried out. Its errors mean that nothing happened.
func (d doer) approved(ctx context.Context, o action.Order) (fates, error) {
	if now := d.t.identity(); o.Preview.Identity != now {
		return fates{}, action.Not("the target is another one: it was %s and is %s", o.Preview.Identity, now)
	}
	found, err := d.found(ctx)
	var refusal *action.Refusal
	if errors.As(err, &refusal) {
		return fates{}, action.Not("%s", refusal)
	}
	if err != nil {
		return fates{}, action.NotYet("%s", err)
	}
	return d.fates(o, found), nil
}

// outcome looks at the service after the manager was told: what it shows
// counts, and not what the manager has answered.
func (d doer) outcome(ctx context.Context, o action.Order, told error) (action.Done, error) {
	patience := d.t.config.StartTimeout.Duration
	if told != nil {
		patience = 0
	}
	f, err := d.await(ctx, o, patience)
	if err != nil {
		return action.Done{}, fmt.Errorf("it is unknown whether it was %s: %w", d.act.past, errors.Join(told, err))
	}
	s := f.standing(d.act)
	switch {
	case s.State == action.Made, d.act.verb == reload && told == nil && f.same():
		ill := ""
		if d.act.verb != stop {
			ill = d.t.config.awaitHealth(ctx, patience)
		}
		return d.done(o, f, ill), nil
	case told == nil:
		told = errors.New(s.Text)
	}
	text := d.t.redact(told.Error())
	switch s.State {
	case action.NotMade:
		return action.Done{}, action.Not("%s; %s", text, s.Text)
	case action.PartlyMade:
		done := d.done(o, f, "")
		return action.Done{}, &action.Failure{State: action.PartlyMade, Text: text + "; " + s.Text, Done: &done}
	}
	return action.Done{}, fmt.Errorf("%s; %s", text, s.Text)
}

// lastLook bounds the look at a service after its time is over.
const lastLook = 3 * time.Second

// await looks until the change shows everywhere, at most for the patience.
func (d doer) await(ctx context.Context, o action.Order, patience time.Duration) (fates, error) {
	wait, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if d.act.verb == reload { // many services show nothing of it
		wait, cancel = context.WithTimeout(wait, lastLook)
		defer cancel()
	}
	for {
		look, stop := context.WithTimeout(context.WithoutCancel(ctx), lastLook)
		found, err := d.found(look)
		stop()
		if err != nil {
			return fates{}, err
		}
		f := d.fates(o, found)
		if f.standing(d.act).State == action.Made || !pause(wait) {
			return f, nil
		}
	}
}

// Standing implements action.Doer.
func (d doer) Standing(ctx context.Context, o action.Order) (action.Standing, error) {
	if now := d.t.identity(); o.Preview.Identity != now {
		return action.Standing{State: action.CannotTell, Text: fmt.Sprintf("the target is another one: it was %s and is %s", o.Preview.Identity, now)}, nil
	}
	found, err := d.found(ctx)
	if err != nil {
		return action.Standing{}, err
	}
	if m := firstMoving(found); m != nil {
		return action.Standing{State: action.CannotTell, Text: fmt.Sprintf("%s is %s: ask again", m.name, m.state)}, nil
	}
	f := d.fates(o, found)
	s := f.standing(d.act)
	// A reload that was reported as done, and of which nothing shows, still
	// counts as long as the service has survived it.
	if d.act.verb == reload && o.Done != nil && s.State == action.CannotTell && f.same() {
		s.State, s.Text = action.Made, "the signal was delivered and the same process runs; what it read cannot be seen"
	}
	if s.State == action.Made || s.State == action.PartlyMade {
		done := d.done(o, f, "")
		s.Done = &done
	}
	return s, nil
}

// done says what was done, and how it is taken back.
func (d doer) done(o action.Order, f fates, ill string) action.Done {
	out := action.Done{Items: f.results()}
	over := f.over()
	out.Summary = fmt.Sprintf("%s %s", strings.Join(over, ", "), d.act.past)
	if ill != "" {
		out.Summary += ", and is not healthy yet: " + d.t.redact(ill)
	}
	if d.act.inverse != "" && len(over) > 0 {
		only := make([]any, len(over))
		for n, name := range over {
			only[n] = name
		}
		out.Inverse = inverse(d.act.inverse, only)
	}
	return out
}

// inverse is a change of its own, with all its arguments.
func inverse(name string, only []any) *action.Change {
	for _, a := range acts() {
		if a.spec.Name == name {
			args, err := a.spec.Complete(map[string]any{"only": only})
			if err == nil {
				return &action.Change{Type: name, Args: args}
			}
		}
	}
	return nil
}

var _ action.Doer = doer{}
