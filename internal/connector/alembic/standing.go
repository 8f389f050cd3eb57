package alembic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/quellhq/quell/internal/action"
)

// Standing implements action.Doer.
func (m migration) Standing(ctx context.Context, o action.Order) (action.Standing, error) {
	g, s, err := m.t.where(ctx)
	var unknown *unknownRevision
	if errors.As(err, &unknown) {
		return action.Standing{State: action.CannotTell, Text: unknown.Error()}, nil
	}
	if err != nil {
		err = m.t.unavailable(err)
		var gone *action.Unavailable
		if !errors.As(err, &gone) {
			err = &action.Unavailable{Text: err.Error()}
		}
		return action.Standing{}, err
	}
	return m.standing(g, s, o), nil
}

// standing compares where the database stands with the steps of an order. A
// revision beyond the last one counts as made: somebody has gone on from there.
func (m migration) standing(g graph, s state, o action.Order) action.Standing {
	say := func(st action.State, format string, args ...any) action.Standing {
		return action.Standing{State: st, Text: fmt.Sprintf(format, args...)}
	}
	steps, err := stepsOf(o)
	switch {
	case err != nil:
		return say(action.CannotTell, "%s", err)
	case s.database != o.Preview.Identity:
		return say(action.CannotTell, "the target is no longer what it was: it was %s and is %s", o.Preview.Identity, s.database)
	case len(s.at) > 1:
		return say(action.CannotTell, "the database is at several revisions: %s", s.text())
	}
	at := ""
	if len(s.at) == 1 {
		at = s.at[0]
	}
	first, last := steps[0], steps[len(steps)-1]
	switch {
	case at == first.Before:
		return say(action.NotMade, "the database is still at %s", orBase(at))
	case at == last.After, m.verb == "upgrade" && g.upTo(at)[last.After]:
		done := m.done(o, first.Before, at, len(steps))
		return action.Standing{State: action.Made, Text: done.Summary, Done: &done}
	}
	for i, step := range steps[:len(steps)-1] {
		if at == step.After {
			done := m.done(o, first.Before, at, i+1)
			return action.Standing{State: action.PartlyMade, Text: fmt.Sprintf("%s, and %s is not reached", done.Summary, orBase(last.After)), Done: &done}
		}
	}
	return say(action.CannotTell, "the database is at %s, which is on neither end of this change", orBase(at))
}

// stepsOf reads the guards of an order.
func stepsOf(o action.Order) ([]stepGuard, error) {
	var steps []stepGuard
	for _, i := range o.Preview.Items {
		var g stepGuard
		if err := json.Unmarshal([]byte(i.Guard), &g); err != nil {
			return nil, fmt.Errorf("the guard of %s cannot be read: plan it again", i.ID)
		}
		steps = append(steps, g)
	}
	if len(steps) == 0 {
		return nil, errors.New("the order has no steps: plan it again")
	}
	return steps, nil
}

// done is what was done after n of the steps.
func (m migration) done(o action.Order, from, at string, n int) action.Done {
	d := action.Done{Summary: fmt.Sprintf("the database is at %s, from %s", orBase(at), orBase(from))}
	for i, item := range o.Preview.Items {
		r := action.Result{ID: item.ID, OK: i < n, Text: "done"}
		if !r.OK {
			r.Text = "not done"
		}
		d.Items = append(d.Items, r)
	}
	if o.Preview.Undo != "" {
		d.Inverse = &action.Change{Type: "alembic." + m.back, Args: action.Args{"revision": orBase(from), "code": "", "lock_timeout": o.Args.Text("lock_timeout")}}
	}
	return d
}
