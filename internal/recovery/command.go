// Package recovery is the run of a plan as a pure function: from a plan and
// the events so far to what is to be done next. It has no clock, no randomness
// and no I/O: time comes in with the events. Whoever drives it (a loop over the
// incident's journal here; a distributed engine one day) carries the commands
// out, appends what came of them, and asks again; stopped anywhere and started
// again it goes on where the events end.
package recovery

import (
	"time"

	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/plan"
	"github.com/quellhq/quell/internal/verification"
)

// Kind is what a driver is asked to do.
type Kind string

// The kinds of commands.
const (
	// Act checks everything that must hold for a step (policy, approval, the
	// world against the plan), and then either appends Held, or appends Intent,
	// acts, and appends Result. Between Intent and Result nothing else.
	Act Kind = "act"
	// Settle asks the world about an intent without a result, and appends the
	// Result. It never acts.
	Settle Kind = "settle"
	// Measure waits until At, takes a sample and appends Measured.
	Measure Kind = "measure"
	// Judge appends Judged.
	Judge Kind = "judge"
	// Stop appends Finished, unless the last event says so already; the run is
	// over until somebody starts it again.
	Stop Kind = "stop"
)

// Command is one thing to do. Commands are done one after the other.
type Command struct {
	Kind    Kind
	Step    string
	Attempt int  // of Act and Settle: 1, 2, 3
	Undo    bool // of Act and Settle: take the step back
	Anyway  bool // of an undo: although somebody has changed it since
	// At is the time before which it is not done; zero: at once.
	At        time.Time
	Judgement verification.Judgement // of Judge
	Outcome   incident.Outcome       // of Stop
	Text      string                 // of Stop: one line for a person
}

// Attempts is how often a step is tried whose failures are known to have done
// nothing, or only a part.
const Attempts = 3

// pauses are waited before the second and the third attempt.
var pauses = []time.Duration{2 * time.Second, 8 * time.Second}

// Next says what is to be done after events. It depends on nothing else.
func Next(p plan.Plan, events []incident.Event) (Command, error) {
	r := NewRun(p)
	for _, e := range events {
		if err := r.Add(e); err != nil {
			return Command{}, err
		}
	}
	return r.Next(), nil
}
