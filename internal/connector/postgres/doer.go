package postgres

import (
	"context"
	"time"

	"github.com/quellhq/quell/internal/action"
)

// change is one type of change, as its file states it.
type change struct {
	spec action.Spec
	// look says what the change would do now; it only asks.
	look func(ctx context.Context, ask asker, a action.Args) (action.Preview, error)
	// stands tells from the world alone whether an order was carried out, and
	// what was done; o.Done may be nil.
	stands func(ctx context.Context, ask asker, o action.Order) (action.Standing, error)
	// make carries out the items that are still as they were approved. Where
	// it returns an error of the server, nothing happened.
	make func(ctx context.Context, v *visit, o action.Order, items []action.Item) (action.Done, error)
	// finish, where set, does the rest of an order that is partly made.
	finish func(ctx context.Context, v *visit, o action.Order) (action.Done, error)
	// patient changes read whole tables: they may take long.
	patient bool
	// bare changes are about settings: they look in sessions without any of ours,
	// and make sees to its own bounds.
	bare bool
	// rolePath runs the statements with the role's own search path.
	rolePath bool
}

// Doer implements action.Changer.
func (t *Target) Doer(name string) (action.Doer, bool) {
	for _, c := range changes() {
		if c.spec.Name == name {
			return doer{t: t, change: c}, true
		}
	}
	return nil, false
}

// doer does one type of change on one target.
type doer struct {
	t      *Target
	change change
}

// Preview implements action.Doer.
func (d doer) Preview(ctx context.Context, c action.Change) (action.Preview, error) {
	v, err := d.t.visit(ctx, nil)
	if err != nil {
		return action.Preview{}, d.t.unavailable(err)
	}
	defer v.close()
	p, err := d.look(ctx, v, c)
	if err != nil {
		return action.Preview{}, d.t.unavailable(err)
	}
	return p, nil
}

func (d doer) look(ctx context.Context, v *visit, c action.Change) (action.Preview, error) {
	if c.Type != d.change.spec.Name {
		return action.Preview{}, action.Refuse("", "%s was asked to do %s", d.change.spec.Name, c.Type)
	}
	identity, err := identity(ctx, v.ask)
	if err != nil {
		return action.Preview{}, err
	}
	p, err := d.change.look(ctx, d.asker(v), c.Args)
	if err != nil {
		return action.Preview{}, err
	}
	p.Identity, p.Lasts = identity, c.Args.Duration("for")
	if p.Already {
		p.Items = nil
	} else {
		p.Undo = d.change.spec.Undo
	}
	return d.t.redacted(p), nil
}

// Apply implements action.Doer.
func (d doer) Apply(ctx context.Context, o action.Order) (action.Done, error) {
	settings := d.settings(ctx, o.Args)
	v, err := d.t.visit(ctx, settings)
	if err != nil {
		return action.Done{}, d.t.notBegun(err)
	}
	defer v.close()
	rest, err := d.rest(ctx, v, o, settings)
	if err != nil {
		return action.Done{}, d.t.notBegun(err)
	}
	done, err := rest(ctx)
	if err != nil {
		return action.Done{}, d.t.outcome(err)
	}
	return d.t.redactedDone(done), nil
}

func (d doer) asker(v *visit) asker {
	if d.change.bare {
		return v.askBare
	}
	return v.ask
}

// settings are what the session of an Apply starts with.
func (d doer) settings(ctx context.Context, a action.Args) map[string]string {
	if d.change.bare {
		return map[string]string{ownSetting: "1"}
	}
	return changing(d.bounds(ctx, a), d.change.rolePath)
}

// bounds are the longest waits of an Apply. A brief change waits for a lock
// only shortly, since others queue behind the one who waits; a patient one takes
// locks that let reads and writes through meanwhile.
func (d doer) bounds(ctx context.Context, a action.Args) bounds {
	b := bounds{lock: 2 * time.Second, statement: 30 * time.Second}
	if d.change.patient {
		b = bounds{lock: time.Minute, statement: 12 * time.Hour}
		if wait := a.Duration("lock_timeout"); wait > 0 {
			b.lock = wait
		}
	}
	if deadline, ok := ctx.Deadline(); ok {
		// The server gives up first: then we know that nothing happened.
		b.statement = min(b.statement, max(time.Until(deadline)-2*margin, margin))
		b.lock = min(b.lock, b.statement*3/4)
	}
	return b
}

// rest finds what is left to do of an order, after all its guards were asked
// again in the session that will act. Its errors mean that nothing happened.
func (d doer) rest(ctx context.Context, v *visit, o action.Order, settings map[string]string) (func(context.Context) (action.Done, error), error) {
	if err := v.heeded(ctx, settings); err != nil {
		return nil, err
	}
	if err := v.claim(ctx, o); err != nil {
		return nil, err
	}
	found := o
	found.Done = nil
	standing, err := d.stands(ctx, v, found)
	switch {
	case err != nil:
		return nil, err
	case standing.State == action.Made:
		return func(context.Context) (action.Done, error) { return *standing.Done, nil }, nil
	case standing.State == action.CannotTell:
		return nil, action.Not("%s", standing.Text)
	case standing.State == action.PartlyMade && d.change.finish != nil:
		return func(ctx context.Context) (action.Done, error) { return d.change.finish(ctx, v, o) }, nil
	}
	now, err := d.look(ctx, v, o.Change)
	if err != nil {
		return nil, err
	}
	items, err := stillSo(o.Preview, now)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (action.Done, error) { return d.change.make(ctx, v, o, items) }, nil
}

// Standing implements action.Doer.
func (d doer) Standing(ctx context.Context, o action.Order) (action.Standing, error) {
	v, err := d.t.visit(ctx, nil)
	if err != nil {
		return action.Standing{}, d.t.unknown(err)
	}
	defer v.close()
	working, err := v.ask(ctx, underwaySQL(o))
	if err != nil {
		return action.Standing{}, d.t.unknown(err)
	}
	if len(working.rows) > 0 {
		s := cannotTell("session %.0f of the server still works on it", num(working.first(), "pid"))
		s.Again = 2 * time.Second
		return s, nil
	}
	s, err := d.stands(ctx, v, o)
	if err != nil {
		return action.Standing{}, d.t.unknown(err)
	}
	return s, nil
}

func (d doer) stands(ctx context.Context, v *visit, o action.Order) (action.Standing, error) {
	now, err := identity(ctx, v.ask)
	if err != nil {
		return action.Standing{}, err
	}
	if now != o.Preview.Identity {
		return cannotTell("the target is no longer what it was: it was %s and is %s", o.Preview.Identity, now), nil
	}
	s, err := d.change.stands(ctx, d.asker(v), o)
	if err != nil {
		return action.Standing{}, err
	}
	s.Text = d.t.redact(s.Text)
	if s.Done != nil {
		done := d.t.redactedDone(*s.Done)
		s.Done = &done
	}
	return s, nil
}

func cannotTell(format string, args ...any) action.Standing {
	return standing(action.CannotTell, nil, format, args...)
}

var (
	_ action.Changer = (*Target)(nil)
	_ action.Doer    = doer{}
)
