package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/quellhq/quell/internal/demo"
	"github.com/quellhq/quell/internal/execution"
)

// How long the demo's shop runs well before a fault is let in, and how long
// with the fault before it is looked at. The playbooks compare the recent past
// with the time before, so both must be long enough to see.
const (
	demoWell = 9 * time.Second
	demoSick = 9 * time.Second
	// demoSince is how far back the demo's questions look: all that there is.
	demoSince = time.Minute
)

// HealthyFault is the name of letting no fault in.
const HealthyFault = "none"

// DemoOptions say what is to happen. Fault and Command are needed.
type DemoOptions struct {
	Fault   string
	Command []string // the program that runs ServeDemo with one argument more
	Seed    uint64
	Keep    string                   // directory for the record, which must not exist; empty: one that goes with Close
	Say     func(string)             // told what happens, as it does; may be nil
	Watch   func(execution.Progress) // told what a run does; may be nil
}

// Demo is a small shop with a fault, and a desk to work on it: the same as for
// any other service, with a record of its own.
type Demo struct {
	*Desk
	Fault demo.Fault
	// What came of it so far.
	Incident string
	Outcome  Outcome
	Rank     int // of the true cause among the ranked causes, from 1; 0: it is not among them
	RootRank int // of the true cause among the roots, from 1; 0: it is none

	shop *demo.Shop
	dir  string
	keep bool
	say  func(string)
}

// DemoFaults lists the faults that the shop knows.
func DemoFaults() []demo.Fault { return demo.Faults() }

// ServeDemo is the shop's process.
func ServeDemo(ctx context.Context, dir string) error { return demo.Serve(ctx, dir) }

// OpenDemo opens the shop, and a desk as its quell.yaml says.
func OpenDemo(ctx context.Context, o DemoOptions) (*Demo, error) {
	fault, err := demoFault(o.Fault)
	if err != nil {
		return nil, err
	}
	d := &Demo{Fault: fault, dir: o.Keep, keep: o.Keep != "", say: o.Say}
	if d.say == nil {
		d.say = func(string) {}
	}
	if err := d.open(ctx, o); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func (d *Demo) open(ctx context.Context, o DemoOptions) error {
	var err error
	if d.keep {
		err = os.Mkdir(d.dir, 0o700)
	} else {
		d.dir, err = os.MkdirTemp("", "quell-demo-")
	}
	if err != nil {
		return fmt.Errorf("make a directory for the demo: %w", err)
	}
	shopDir := filepath.Join(d.dir, "shop")
	if err := os.Mkdir(shopDir, 0o700); err != nil {
		return fmt.Errorf("make a directory for the demo: %w", err)
	}
	if d.shop, err = demo.Start(ctx, demo.Options{Command: o.Command, Seed: o.Seed, Dir: shopDir}); err != nil {
		return fmt.Errorf("open the shop: %w", err)
	}
	file := filepath.Join(d.dir, "quell.yaml")
	if err := os.WriteFile(file, []byte(d.shop.YAML()), 0o600); err != nil {
		return fmt.Errorf("write the shop's quell.yaml: %w", err)
	}
	setup, err := LoadSetup(file)
	if err != nil {
		return err
	}
	if d.Desk, err = OpenDesk(ctx, setup, DeskOptions{State: filepath.Join(d.dir, "state"), Say: o.Watch}); err != nil {
		return err
	}
	if len(d.Unopened) > 0 {
		return d.Unopened[0].Err
	}
	_, url := d.shop.Service()
	d.say(fmt.Sprintf("a small shop is open at %s: an API, a database behind a pool, a cache, jobs, logs and metrics", url))
	return nil
}

// Close closes the shop, and removes what was not to be kept.
func (d *Demo) Close() error {
	if d.Desk != nil {
		d.Desk.Close()
	}
	var problems []error
	if d.shop != nil {
		problems = append(problems, d.shop.Close())
	}
	if !d.keep && d.dir != "" {
		problems = append(problems, os.RemoveAll(d.dir))
	}
	return errors.Join(problems...)
}

// Break lets the fault in after a while in which all is well, and gives it time
// to be felt.
func (d *Demo) Break(ctx context.Context) error {
	if err := pause(ctx, demoWell); err != nil {
		return err
	}
	if d.Fault.Name != HealthyFault {
		if err := d.shop.Break(ctx, d.Fault.Name); err != nil {
			return err
		}
		d.say("something happens that the diagnosis is not told: " + d.Fault.Title)
	}
	return pause(ctx, demoSick)
}

// Examine puts the same questions to the shop that a real service gets, and
// opens an incident where something is wrong.
func (d *Demo) Examine(ctx context.Context) error {
	d.say("what is wrong? asking the shop's metrics, logs and pages")
	request := Request{Since: demoSince}
	out, err := d.Diagnose(ctx, request)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	d.Outcome = out
	for i, r := range out.Page.Diagnosis.Roots {
		if d.RootRank == 0 && slices.Contains(d.Fault.Truth, r.ID) {
			d.RootRank = i + 1
		}
	}
	for i, f := range out.Page.Diagnosis.Causes {
		if d.Rank == 0 && slices.Contains(d.Fault.Truth, f.ID) {
			d.Rank = i + 1
		}
	}
	if len(out.Page.Diagnosis.Roots) > 0 {
		d.Incident, err = d.Save(ctx, request, out)
	}
	return err
}

// Trouble says what visitors and the shop itself still feel of the fault, empty
// where nothing: the truth that a verdict is held against. It is what three of
// five looks say, since anything else on the machine may hold visitors up once.
func (d *Demo) Trouble(ctx context.Context) (string, error) {
	calm, felt := 0, 0
	for {
		trouble, err := d.shop.Trouble(ctx)
		if err != nil {
			return "", err
		}
		if trouble == "" {
			calm++
		} else {
			felt++
		}
		if calm == 3 || felt == 3 {
			return trouble, nil
		}
		if err := pause(ctx, time.Second); err != nil {
			return "", err
		}
	}
}

// Kept writes the reports beside the record, and returns their paths; none
// where nothing is kept.
func (d *Demo) Kept(ctx context.Context) ([]string, error) {
	if !d.keep || d.Incident == "" {
		return nil, nil
	}
	var paths []string
	for name, html := range map[string]bool{"report.md": false, "report.html": true} {
		text, err := d.Report(ctx, d.Incident, html)
		if err != nil {
			return nil, err
		}
		path := filepath.Join(d.dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return nil, fmt.Errorf("write the report: %w", err)
		}
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return paths, nil
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
