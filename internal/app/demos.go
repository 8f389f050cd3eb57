package app

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/quellhq/quell/internal/demo"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/plan"
)

// DemoResult is what came of one fault.
type DemoResult struct {
	Fault    demo.Fault
	Outcome  Outcome
	Rank     int // as in Demo
	RootRank int
	// Of the recovery, where one was asked for.
	Plan    plan.Plan
	Applied []AppliedStep
	End     incident.Finished
	Trouble string        // what was still felt at the end
	Took    time.Duration // from the first question to the end
}

// shopsAtOnce is how many shops run beside each other: three, with their
// visitors, leave two processors some room.
const shopsAtOnce = 3

// RunDemos runs the healthy shop and every fault, and gives each to done in the
// order of `quell demo --list`. With heal each is planned for, approved,
// applied and verified. Faults that other shops would feel run alone, after the
// others.
func RunDemos(ctx context.Context, o DemoOptions, heal bool, done func(*DemoResult)) error {
	list := append([]demo.Fault{{Name: HealthyFault}}, demo.Faults()...)
	results := make([]chan *DemoResult, len(list))
	failed := make(chan error, len(list))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	one := func(i int) {
		of := o
		of.Fault, of.Keep = list[i].Name, ""
		r, err := runDemo(ctx, of, heal)
		if err != nil {
			failed <- fmt.Errorf("%s: %w", list[i].Name, err)
			return
		}
		results[i] <- r
	}
	for i := range list {
		results[i] = make(chan *DemoResult, 1)
	}
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() {
		slots := make(chan struct{}, shopsAtOnce)
		var together sync.WaitGroup
		for i, f := range list {
			if !f.Alone {
				slots <- struct{}{}
				together.Go(func() { one(i); <-slots })
			}
		}
		together.Wait()
		for i, f := range list {
			if f.Alone {
				one(i)
			}
		}
	})
	for i := range list {
		select {
		case r := <-results[i]:
			done(r)
		case err := <-failed:
			cancel()
			return err
		}
	}
	return nil
}

// runDemo is one fault from the healthy shop to the end.
func runDemo(ctx context.Context, o DemoOptions, heal bool) (*DemoResult, error) {
	d, err := OpenDemo(ctx, o)
	if err != nil {
		return nil, err
	}
	// A shop that does not close cleanly is gone with the process.
	defer func() { _ = d.Close() }()
	if err := d.Break(ctx); err != nil {
		return nil, err
	}
	begun := time.Now()
	if err := d.Examine(ctx); err != nil {
		return nil, err
	}
	r := &DemoResult{Fault: d.Fault, Outcome: d.Outcome, Rank: d.Rank, RootRank: d.RootRank}
	if heal && d.Incident != "" {
		if err := d.heal(ctx, r); err != nil {
			return nil, err
		}
	}
	r.Took = time.Since(begun)
	return r, nil
}

func (d *Demo) heal(ctx context.Context, r *DemoResult) error {
	var err error
	if r.Plan, err = d.MakePlan(ctx, d.Incident, PlanOptions{}); err != nil {
		return err
	}
	if r.End, err = d.Climb(ctx, r.Plan, func(plan.Step) bool { return true }); err != nil {
		return err
	}
	if r.Applied, err = d.Desk.Applied(ctx, r.Plan); err != nil {
		return err
	}
	r.Trouble, err = d.Trouble(ctx)
	return err
}
