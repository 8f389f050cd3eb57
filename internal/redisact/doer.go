package redisact

import (
	"context"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/redisapi"
)

// doer does one type of change on one target.
type doer struct {
	t      Target
	change Change
}

// Preview implements action.Doer.
func (d doer) Preview(ctx context.Context, c action.Change) (action.Preview, error) {
	s, err := d.open(ctx)
	if err != nil {
		return action.Preview{}, d.t.unavailable(err)
	}
	defer s.Close()
	p, err := d.look(ctx, s, c)
	if err != nil {
		return action.Preview{}, d.t.unavailable(err)
	}
	return p, nil
}

func (d doer) open(ctx context.Context) (*redisapi.Session, error) {
	at := d.t.At
	at.Lenient = d.change.Lenient
	return d.t.Open(ctx, at)
}

func (d doer) look(ctx context.Context, s *redisapi.Session, c action.Change) (action.Preview, error) {
	if c.Type != d.change.Spec.Name {
		return action.Preview{}, action.Refuse("", "%s was asked to do %s", d.change.Spec.Name, c.Type)
	}
	who, err := d.identity(ctx, s)
	if err == nil && d.change.Keys {
		err = who.writable()
	}
	if err != nil {
		return action.Preview{}, err
	}
	p, err := d.change.Look(ctx, s, c.Args)
	if err != nil {
		return action.Preview{}, err
	}
	p.Identity, p.Lasts = who.String(), c.Args.Duration("for")
	if p.Already {
		p.Items = nil
	} else if p.Undo == "" {
		p.Undo = d.change.Spec.Undo
	}
	return d.t.redacted(p), nil
}

// Apply implements action.Doer.
func (d doer) Apply(ctx context.Context, o action.Order) (action.Done, error) {
	s, err := d.open(ctx)
	if err != nil {
		return action.Done{}, d.t.notBegun(err)
	}
	defer s.Close()
	items, done, err := d.rest(ctx, s, o)
	switch {
	case err != nil:
		return action.Done{}, d.t.notBegun(err)
	case done != nil:
		return *done, nil
	}
	made, err := d.change.Make(ctx, s, o, items)
	if err != nil {
		return action.Done{}, d.t.outcome(err)
	}
	return d.t.redactedDone(made), nil
}

// rest finds what is left to do of an order, after all its guards were asked
// again in the session that will act; or what was done, where nothing is left.
// Its errors mean that nothing happened.
func (d doer) rest(ctx context.Context, s *redisapi.Session, o action.Order) ([]action.Item, *action.Done, error) {
	found := o
	found.Done = nil
	standing, err := d.stands(ctx, s, found)
	switch {
	case err != nil:
		return nil, nil, err
	case standing.State == action.Made:
		return nil, standing.Done, nil
	case standing.State == action.CannotTell:
		return nil, nil, action.Not("%s", standing.Text)
	case standing.State == action.PartlyMade && d.change.Resumes:
		return o.Preview.Items, nil, nil
	}
	now, err := d.look(ctx, s, o.Change)
	if err != nil {
		return nil, nil, err
	}
	items, err := stillSo(o.Preview, now)
	return items, nil, err
}

// Standing implements action.Doer.
func (d doer) Standing(ctx context.Context, o action.Order) (action.Standing, error) {
	s, err := d.open(ctx)
	if err != nil {
		return action.Standing{}, d.t.unknown(err)
	}
	defer s.Close()
	standing, err := d.stands(ctx, s, o)
	if err != nil {
		return action.Standing{}, d.t.unknown(err)
	}
	return standing, nil
}

func (d doer) stands(ctx context.Context, s *redisapi.Session, o action.Order) (action.Standing, error) {
	who, err := d.identity(ctx, s)
	if err != nil {
		return action.Standing{}, err
	}
	if now := who.String(); now != o.Preview.Identity {
		return Standing(action.CannotTell, nil, "the target is no longer what it was: it was %s and is %s", o.Preview.Identity, now), nil
	}
	standing, err := d.change.Stands(ctx, s, o)
	if err != nil {
		return action.Standing{}, err
	}
	standing.Text = d.t.Redact(standing.Text)
	if standing.Done != nil {
		done := d.t.redactedDone(*standing.Done)
		standing.Done = &done
	}
	return standing, nil
}

var _ action.Doer = doer{}
