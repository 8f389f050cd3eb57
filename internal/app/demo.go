package app

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/demo"
)

// How long the demo's shop runs well before a fault is let in, and how long
// with the fault before it is looked at. The playbooks compare the recent past
// with the time before, so both must be long enough to see.
const (
	demoWell = 9 * time.Second
	demoSick = 9 * time.Second
)

// HealthyFault is the name of letting no fault in.
const HealthyFault = "none"

// Demo is one run of the small shop.
type Demo struct {
	Fault    demo.Fault
	Outcome  Outcome
	Rank     int // of the true cause among the ranked causes, from 1; 0: it is not among them
	RootRank int // of the true cause among the roots, from 1; 0: it is none
}

// DemoFaults lists the faults that the shop knows.
func DemoFaults() []demo.Fault { return demo.Faults() }

// RunDemo opens the shop, lets a fault in, and puts the same questions to it
// that a real service gets, through the ordinary connectors. say tells what
// happens as it does.
func RunDemo(ctx context.Context, name string, seed uint64, say func(string)) (*Demo, error) {
	fault, err := demoFault(name)
	if err != nil {
		return nil, err
	}
	shop, err := demo.Start(ctx, demo.Options{Seed: seed})
	if err != nil {
		return nil, fmt.Errorf("open the shop: %w", err)
	}
	// A shop that does not close cleanly is gone with the process.
	defer func() { _ = shop.Close() }()
	c := shop.Config()
	session, err := Open(demoSetup(c))
	if err != nil {
		return nil, err
	}
	defer session.Close()
	if len(session.Unopened) > 0 {
		return nil, session.Unopened[0].Err
	}
	say(fmt.Sprintf("a small shop is open at %s: an API, a database behind a pool, a cache, jobs, logs and metrics", c.URL))
	if err := pause(ctx, demoWell); err != nil {
		return nil, err
	}
	if name != HealthyFault {
		if err := shop.Break(name); err != nil {
			return nil, fmt.Errorf("let %s in: %w", name, err)
		}
		say("something happens that the diagnosis is not told: " + fault.Title)
	}
	if err := pause(ctx, demoSick); err != nil {
		return nil, err
	}
	say("what is wrong? asking the shop's metrics, logs and pages")
	out, err := session.Diagnose(ctx, Request{Since: time.Minute})
	if err != nil {
		return nil, err
	}
	return demoResult(fault, out), nil
}

func demoFault(name string) (demo.Fault, error) {
	if name == HealthyFault {
		return demo.Fault{Name: HealthyFault, Title: "nothing is wrong"}, nil
	}
	for _, f := range demo.Faults() {
		if f.Name == name {
			return f, nil
		}
	}
	return demo.Fault{}, &UnknownFault{name}
}

// UnknownFault is the name of a fault that the shop does not know.
type UnknownFault struct{ Name string }

func (e *UnknownFault) Error() string {
	return fmt.Sprintf("there is no fault %q; `quell demo --list` lists them", e.Name)
}

// demoSetup is the configuration of the shop as its quell.yaml would have it.
func demoSetup(c demo.Config) Setup {
	params := map[string]any{}
	for name, v := range c.Params {
		params[name] = v
	}
	return Setup{
		Services: []ServiceSetup{{Name: c.Service, URL: c.URL, Health: c.Health, Targets: []string{"shop-metrics", "shop-logs"}}},
		Targets: []TargetSetup{
			{Name: "shop-metrics", Kind: "series", Settings: connector.Settings{"scrape": []any{c.Metrics}, "interval": c.Scrape.String()}},
			{Name: "shop-logs", Kind: "logs", Settings: connector.Settings{"paths": []any{c.Logs}}},
		},
		Params: map[string]map[string]any{"": params},
	}
}

func demoResult(fault demo.Fault, out Outcome) *Demo {
	d := &Demo{Fault: fault, Outcome: out}
	for i, r := range out.Page.Diagnosis.Roots {
		if d.RootRank == 0 && slices.Contains(fault.Truth, r.ID) {
			d.RootRank = i + 1
		}
	}
	for i, f := range out.Page.Diagnosis.Causes {
		if d.Rank == 0 && slices.Contains(fault.Truth, f.ID) {
			d.Rank = i + 1
		}
	}
	return d
}

// pause waits while the shop serves its visitors.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// shopsAtOnce is how many shops run beside each other: three, with their
// visitors, leave two processors some room.
const shopsAtOnce = 3

// RunDemos runs the healthy shop and every fault, and gives each to done in the
// order of `quell demo --list`. Faults that other shops in the process would
// feel run alone, after the others.
func RunDemos(ctx context.Context, seed uint64, done func(*Demo)) error {
	list := append([]demo.Fault{{Name: HealthyFault}}, demo.Faults()...)
	results := make([]chan *Demo, len(list))
	failed := make(chan error, len(list))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	one := func(i int) {
		d, err := RunDemo(ctx, list[i].Name, seed, func(string) {})
		if err != nil {
			failed <- fmt.Errorf("%s: %w", list[i].Name, err)
			return
		}
		results[i] <- d
	}
	for i := range list {
		results[i] = make(chan *Demo, 1)
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
		case d := <-results[i]:
			done(d)
		case err := <-failed:
			cancel()
			return err
		}
	}
	return nil
}
