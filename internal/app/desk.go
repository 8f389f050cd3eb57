package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/quellhq/quell/internal/execution"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/keyring"
	"github.com/quellhq/quell/internal/plan"
	"github.com/quellhq/quell/internal/recovery"
)

// Desk is where incidents are worked on: the open targets, the record, and the
// person who sits there.
type Desk struct {
	*Session
	store incident.Store
	ring  *keyring.Ring
	who   string // the person, by name
	now   func() time.Time
	say   func(execution.Progress)
	note  func(string)
	// lease and act are the executor's; zero: its own.
	lease, act time.Duration
}

// DeskOptions say who sits at the desk, and who watches.
type DeskOptions struct {
	Who   string                   // empty: the user of this process
	State string                   // directory of incidents and keys; empty: StateDir()
	Say   func(execution.Progress) // may be nil
	Note  func(string)             // remarks for a person; may be nil
}

// Incident reads an incident's events.
func (d *Desk) Incident(ctx context.Context, id string) ([]incident.Event, error) {
	events, err := d.store.Events(ctx, id, 0)
	if errors.Is(err, incident.ErrNotFound) {
		return nil, fmt.Errorf("there is no incident %s: `quell incident list` shows them", id)
	}
	return events, err
}

// Plan returns a plan with what happened to it: the one that ref names, or the
// latest of its incident.
func (d *Desk) Plan(ctx context.Context, ref incident.Ref) (plan.Plan, *recovery.Run, error) {
	id := incident.Ref{Incident: ref.Incident}.String()
	events, err := d.Incident(ctx, id)
	if err != nil {
		return plan.Plan{}, nil, err
	}
	var found *plan.Plan
	for _, e := range events {
		if e.Kind != incident.KindPlanned {
			continue
		}
		p, err := incident.Read[plan.Plan](e)
		if err != nil {
			return plan.Plan{}, nil, err
		}
		if ref.Plan == 0 || p.ID == (incident.Ref{Incident: ref.Incident, Plan: ref.Plan}).String() {
			found = &p
		}
	}
	switch {
	case found == nil && ref.Plan == 0:
		return plan.Plan{}, nil, fmt.Errorf("%s has no plan yet: `quell plan %s` makes one", id, id)
	case found == nil:
		return plan.Plan{}, nil, fmt.Errorf("%s has no plan %s: `quell incident show %s` lists them", id, ref, id)
	}
	run, err := runOf(*found, events)
	if err != nil {
		return plan.Plan{}, nil, err
	}
	return *found, run, nil
}

// runOf is how far a plan has come, by the record of its incident.
func runOf(p plan.Plan, events []incident.Event) (*recovery.Run, error) {
	run := recovery.NewRun(p)
	for _, e := range events {
		if err := run.Add(e); err != nil {
			return nil, err
		}
	}
	return run, nil
}

// stillOpen refuses to work on an incident that is over.
func (d *Desk) stillOpen(ctx context.Context, p plan.Plan) error {
	events, err := d.Incident(ctx, p.Incident)
	if err == nil && isResolved(events) {
		return fmt.Errorf("%s is resolved: `quell incident reopen %s WHY` opens it again", p.Incident, p.Incident)
	}
	return err
}

// steps turns numbers or ids of steps into ids, refusing what the plan has not.
func steps(p plan.Plan, numbers []int) ([]string, error) {
	var out []string
	for _, n := range numbers {
		if n < 1 || n > len(p.Steps) {
			return nil, fmt.Errorf("plan %s has no step %d: it has %d", p.ID, n, len(p.Steps))
		}
		if id := p.Steps[n-1].ID; !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out, nil
}
