package drivertest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/plan"
	"github.com/quellhq/quell/internal/recovery"
	"github.com/quellhq/quell/internal/verification"
)

// World is a small world of named values that steps set, and that counts how
// often each was set. It stays when a driver dies.
type World struct {
	mu sync.Mutex
	// Values are what the steps change, by target.
	Values map[string]string
	// Effects counts the changes, by target and value: "db=fast".
	Effects map[string]int
	// Cure is the value, as target=value, that makes people feel well; empty:
	// nothing does.
	Cure string
	// Blind says that nothing can be measured.
	Blind bool
	// Failures are answers of Apply still to come, by target: nothing is done.
	Failures map[string][]error
	// Silent targets cannot be asked whether something happened.
	Silent map[string]bool
	// Approved says whether the gate lets a step pass.
	Approved bool
}

// NewWorld returns a world in which every target is slow and nobody is well.
func NewWorld(targets ...string) *World {
	w := &World{Values: map[string]string{}, Effects: map[string]int{}, Failures: map[string][]error{}, Silent: map[string]bool{}, Approved: true}
	for _, t := range targets {
		w.Values[t] = "slow"
	}
	return w
}

// setter sets the value of a target.
type setter struct {
	w      *World
	target string
}

// Doer implements execution.World.
func (w *World) Doer(target, _ string) (action.Doer, error) { return setter{w, target}, nil }

// Preview implements action.Doer.
func (s setter) Preview(ctx context.Context, c action.Change) (action.Preview, error) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return action.Preview{}, &action.Unavailable{Text: err.Error()}
	}
	now, want := s.w.Values[s.target], c.Args.Text("value")
	return action.Preview{
		Identity: s.target, Summary: fmt.Sprintf("sets %s to %s", s.target, want), Already: now == want,
		Items: []action.Item{{ID: s.target, Now: now, Then: want, Guard: now}},
	}, nil
}

// Apply implements action.Doer.
func (s setter) Apply(_ context.Context, o action.Order) (action.Done, error) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	if list := s.w.Failures[s.target]; len(list) > 0 {
		s.w.Failures[s.target] = list[1:]
		return action.Done{}, list[0]
	}
	now, want := s.w.Values[s.target], o.Args.Text("value")
	if now == want {
		return s.done(o), nil
	}
	if now != o.Preview.Items[0].Guard {
		return action.Done{}, action.Not("%s is %s and was %s", s.target, now, o.Preview.Items[0].Guard)
	}
	s.w.Values[s.target] = want
	s.w.Effects[s.target+"="+want]++
	return s.done(o), nil
}

// Standing implements action.Doer.
func (s setter) Standing(_ context.Context, o action.Order) (action.Standing, error) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	if s.w.Silent[s.target] {
		return action.Standing{State: action.CannotTell, Text: s.target + " does not say"}, nil
	}
	if s.w.Values[s.target] == o.Args.Text("value") {
		done := s.done(o)
		return action.Standing{State: action.Made, Text: "it is so", Done: &done}, nil
	}
	return action.Standing{State: action.NotMade, Text: "it is not so"}, nil
}

func (s setter) done(o action.Order) action.Done {
	inverse := action.Change{Type: o.Type, Args: action.Args{"value": o.Preview.Items[0].Guard}}
	return action.Done{Summary: s.target + " set to " + o.Args.Text("value"), Inverse: &inverse}
}

// Sample implements execution.World.
func (w *World) Sample(context.Context, plan.Step, time.Time) verification.Sample {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.Blind:
		return verification.Sample{Check: verification.None, Felt: verification.Unknown, FeltWhy: "nobody answers"}
	case w.well():
		return verification.Sample{Check: verification.None, Felt: verification.No}
	}
	return verification.Sample{Check: verification.None, Felt: verification.Yes, FeltWhy: "all is slow", Level: 0.9}
}

func (w *World) well() bool {
	for target, value := range w.Values {
		if w.Cure != "" && target+"="+value == w.Cure {
			return true
		}
	}
	return false
}

// Verifiable implements execution.World.
func (w *World) Verifiable(plan.Step) error { return nil }

// Capture implements execution.World.
func (w *World) Capture(context.Context, plan.Step) []evidence.Evidence { return nil }

// Pass implements execution.Gate.
func (w *World) Pass(context.Context, plan.Plan, plan.Step, recovery.View, action.Preview, time.Time) ([]string, *incident.Held) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.Approved {
		return nil, &incident.Held{Reason: incident.HeldUnapproved, Text: "nobody has approved it"}
	}
	return []string{"ann"}, nil
}

// MayUndo implements execution.Gate.
func (w *World) MayUndo(context.Context, plan.Step, time.Time) *incident.Held { return nil }
