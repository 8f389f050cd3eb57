// Package execution carries plans out. It alone may change a system: it drives
// the pure run of package recovery over the incident's journal, asks policy,
// approvals and the world before each act, writes the intent before it and the
// result after it, and finds out afterwards, from the world, what a crash left
// open.
package execution

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/plan"
	"github.com/quellhq/quell/internal/recovery"
	"github.com/quellhq/quell/internal/secret"
	"github.com/quellhq/quell/internal/verification"
)

// Config is what an executor needs. Store, World and Gate are needed.
type Config struct {
	Store incident.Store
	World World
	Gate  Gate
	// Now is the clock of events, expiries and samples; nil: time.Now.
	Now func() time.Time
	// Owner names this process among all that may hold a lease; empty: Self().
	Owner string
	// Lease is how long a lease lasts without being prolonged: 30 s.
	Lease time.Duration
	// Act bounds one act, 2 minutes; Look one preview, standing or sample, 20 s.
	Act, Look time.Duration
	Redact    *secret.Redactor
	// Say tells what happens, as it does; called from one goroutine. Nil: nobody.
	Say func(Progress)
}

// World is the systems that a plan is about.
type World interface {
	// Doer returns what does a type of action on a target.
	Doer(target, action string) (action.Doer, error)
	// Sample asks again whether a step's check holds, and what people feel; changed
	// is when the change was made, zero where it was not made yet.
	Sample(ctx context.Context, s plan.Step, changed time.Time) verification.Sample
	// Verifiable says why a step could not be verified whatever the world
	// answers: its playbook is another one now.
	Verifiable(s plan.Step) error
	// Capture asks the questions whose answers the step destroys.
	Capture(ctx context.Context, s plan.Step) []evidence.Evidence
}

// Gate is policy and approval together.
type Gate interface {
	// Pass says whether a step may be carried out now: who approved it, or what
	// holds it. found is what its preview shows now.
	Pass(ctx context.Context, p plan.Plan, s plan.Step, v recovery.View, found action.Preview, now time.Time) (by []string, held *incident.Held)
	// MayUndo says whether a step may be taken back now.
	MayUndo(ctx context.Context, s plan.Step, now time.Time) *incident.Held
}

// Progress is one thing that happened, for a person who watches.
type Progress struct {
	Step  plan.Step
	Undo  bool
	Point Point
	Text  string
	// Sample is set at Sampled, with the number of it.
	Sample *verification.Sample
	Number int
}

// Point is where a run has got to.
type Point string

// The points of a run, in their usual order.
const (
	Settling Point = "settling" // asking the world about what a crash left open
	Checking Point = "checking"
	Holding  Point = "held"
	Acting   Point = "acting" // the intent is written
	Acted    Point = "acted"  // the result is written
	Sampled  Point = "sampled"
	Judged   Point = "judged"
	Ended    Point = "ended"
)

// Executor carries plans out, one at a time.
type Executor struct{ cfg Config }

// New returns an executor.
func New(cfg Config) (*Executor, error) {
	switch {
	case cfg.Store == nil:
		return nil, errors.New("an executor needs a store")
	case cfg.World == nil || cfg.Gate == nil:
		return nil, errors.New("an executor needs a world and a gate")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Owner == "" {
		cfg.Owner = Self()
	}
	if cfg.Say == nil {
		cfg.Say = func(Progress) {}
	}
	fill := func(d *time.Duration, usual time.Duration) {
		if *d <= 0 {
			*d = usual
		}
	}
	fill(&cfg.Lease, 30*time.Second)
	fill(&cfg.Act, 2*time.Minute)
	fill(&cfg.Look, 20*time.Second)
	return &Executor{cfg}, nil
}

// Run carries a plan on from where its events end until there is nothing more
// to do by itself. begin, where not nil, is appended first: who starts, undoes
// or stops it. A run that was interrupted (ctx) or lost its store returns an
// error and can be run again; nothing is done twice.
func (x *Executor) Run(ctx context.Context, p plan.Plan, begin *incident.Event) (incident.Finished, error) {
	return x.run(ctx, p, begin, true)
}

// Settle is Run without new steps: what a crash left open is found out, what
// was applied is verified, and what somebody asked back is taken back.
func (x *Executor) Settle(ctx context.Context, p plan.Plan, begin *incident.Event) (incident.Finished, error) {
	return x.run(ctx, p, begin, false)
}

func (x *Executor) run(ctx context.Context, p plan.Plan, begin *incident.Event, steps bool) (incident.Finished, error) {
	leases, err := x.take(ctx, p)
	if err != nil {
		return incident.Finished{}, err
	}
	defer leases.release()
	j, err := x.open(leases.ctx, p)
	if err != nil {
		return incident.Finished{}, err
	}
	if leases.open() != "" && j.run.Unsettled() == "" {
		// Its result was written, and its owner died before it could say so.
		if err := leases.mark(leases.ctx, ""); err != nil {
			return incident.Finished{}, err
		}
	}
	if begin != nil {
		if err := j.append(leases.ctx, *begin); err != nil {
			return incident.Finished{}, err
		}
	}
	if step, intent, open := j.run.Unknown(); open {
		// Asked again even where nobody could tell before: the target may speak now.
		again := recovery.Command{Kind: recovery.Settle, Step: step.ID, Attempt: intent.Attempt, Undo: intent.Undo}
		if err := x.settle(leases.ctx, j, leases, step, again); err != nil {
			return incident.Finished{}, err
		}
	}
	end, err := x.drive(j, leases, p, steps)
	if err != nil && ctx.Err() == nil && leases.ctx.Err() != nil {
		return end, fmt.Errorf("%w: %w", context.Cause(leases.ctx), err)
	}
	return end, err
}

// drive does one command after the other.
func (x *Executor) drive(j *journal, leases *leases, p plan.Plan, steps bool) (incident.Finished, error) {
	ctx := leases.ctx
	for {
		if err := ctx.Err(); err != nil {
			return incident.Finished{}, fmt.Errorf("interrupted: %w", err)
		}
		c := j.run.Next()
		step, _ := p.Step(c.Step)
		err := leases.clear(ctx, c.Kind)
		if err != nil {
			return incident.Finished{}, err
		}
		switch c.Kind {
		case recovery.Stop:
			return x.stop(ctx, j, p, c)
		case recovery.Act:
			if !steps && !c.Undo {
				return incident.Finished{Plan: p.ID, Outcome: incident.Waiting, Text: "step " + c.Step + " is not begun: `quell apply " + p.ID + "` goes on"}, nil
			}
			if err = x.wait(ctx, c.At); err == nil {
				err = x.act(ctx, j, leases, p, step, c)
			}
		case recovery.Settle:
			err = x.settle(ctx, j, leases, step, c)
		case recovery.Measure:
			err = x.measure(ctx, j, step, c)
		case recovery.Judge:
			err = j.write(ctx, incident.KindJudged, step.ID, incident.Judged{Judgement: c.Judgement})
			x.cfg.Say(Progress{Step: step, Point: Judged, Text: fmt.Sprintf("%s: %s", c.Judgement.Verdict, c.Judgement.Why)})
		}
		if err != nil && !errors.Is(err, errAgain) {
			return incident.Finished{}, err
		}
	}
}

// stop writes how the run ended, once.
func (x *Executor) stop(ctx context.Context, j *journal, p plan.Plan, c recovery.Command) (incident.Finished, error) {
	end := incident.Finished{Plan: p.ID, Outcome: c.Outcome, Text: c.Text}
	if j.run.Finished() == nil {
		if err := j.write(ctx, incident.KindFinished, "", end); err != nil {
			return end, err
		}
	}
	x.cfg.Say(Progress{Point: Ended, Text: c.Text})
	return end, nil
}

// wait until a time by the clock of events, or the end of ctx.
func (x *Executor) wait(ctx context.Context, until time.Time) error {
	d := until.Sub(x.cfg.Now())
	if until.IsZero() || d <= 0 {
		return nil
	}
	// A clock that jumped back must not make the run sleep for hours.
	timer := time.NewTimer(min(d, longestWait))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("interrupted: %w", ctx.Err())
	}
}

// longestWait is the longest that a run ever waits for its next command.
const longestWait = time.Minute

func (x *Executor) measure(ctx context.Context, j *journal, s plan.Step, c recovery.Command) error {
	if err := x.wait(ctx, c.At); err != nil {
		return err
	}
	view, _ := j.run.View(s.ID)
	sample := x.sample(ctx, s, view.At)
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("interrupted: %w", err)
	}
	x.cfg.Say(Progress{Step: s, Point: Sampled, Sample: &sample, Number: len(view.After) + 1})
	return j.write(ctx, incident.KindMeasured, s.ID, incident.Measured{Sample: sample})
}

// sample never takes longer than Look, whatever the world does.
func (x *Executor) sample(ctx context.Context, s plan.Step, changed time.Time) verification.Sample {
	ctx, cancel := context.WithTimeout(ctx, x.cfg.Look)
	defer cancel()
	got := make(chan verification.Sample, 1)
	go func() { got <- x.cfg.World.Sample(ctx, s, changed) }()
	select {
	case sample := <-got:
		sample.At = x.cfg.Now().UTC()
		return sample
	case <-ctx.Done():
	}
	why := fmt.Sprintf("no answer within %s", x.cfg.Look)
	return verification.Sample{At: x.cfg.Now().UTC(), Check: verification.Unknown, CheckWhy: why, Felt: verification.Unknown, FeltWhy: why}
}
