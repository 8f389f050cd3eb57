package execution

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/plan"
	"github.com/quellhq/quell/internal/recovery"
)

// leases are what a run holds while it goes on: every service and target of
// its steps, so that there is one change at a time for each.
type leases struct {
	x    *Executor
	keys []string
	// ctx ends when a lease is lost; its cause says to whom.
	ctx    context.Context
	cancel context.CancelCauseFunc

	settled bool // the work is, and its mark may go
	mu      sync.Mutex
	work    string
	beat    sync.WaitGroup
}

// Keys lists what a plan holds while it runs, sorted so that two runs never
// wait for each other.
func Keys(p plan.Plan) []string {
	keys := []string{"incident/" + p.Incident}
	for _, s := range p.Steps {
		keys = append(keys, "target/"+s.Target)
		for _, service := range s.Services {
			keys = append(keys, "service/"+service)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// take gets all leases of a plan, or none.
func (x *Executor) take(ctx context.Context, p plan.Plan) (*leases, error) {
	l := &leases{x: x}
	l.ctx, l.cancel = context.WithCancelCause(ctx)
	for _, key := range Keys(p) {
		lease, err := x.acquire(ctx, key)
		if err != nil {
			l.give()
			return nil, err
		}
		l.keys = append(l.keys, key)
		if lease.Work != "" && lease.Work != l.work {
			if _, mine := p.Step(lease.Work); !mine {
				l.give()
				return nil, fmt.Errorf("%w: step %s was begun on %s and never settled: `quell reconcile` finds out what became of it", incident.ErrHeld, lease.Work, key)
			}
			l.work = lease.Work // settled before anything else
		}
	}
	l.beat.Go(l.prolong)
	return l, nil
}

// acquire takes one lease, also from an owner on this machine that has died.
func (x *Executor) acquire(ctx context.Context, key string) (incident.Lease, error) {
	for range 2 {
		lease, err := x.cfg.Store.Acquire(ctx, key, x.cfg.Owner, x.cfg.Lease)
		switch {
		case err == nil:
			return lease, nil
		case !errors.Is(err, incident.ErrHeld):
			return lease, fmt.Errorf("take %s: %w", key, err)
		case !ended(lease.Owner):
			return lease, fmt.Errorf("%w: %s is held by %s until %s", incident.ErrHeld, key, lease.Owner, lease.Until.Format(time.TimeOnly))
		}
		if err := x.cfg.Store.Release(ctx, key, lease.Owner); err != nil {
			return lease, fmt.Errorf("take %s from a process that has ended: %w", key, err)
		}
	}
	return incident.Lease{}, fmt.Errorf("%w: %s was taken by somebody else just now", incident.ErrHeld, key)
}

// mark writes what is begun into every lease; "" says that it is settled.
func (l *leases) mark(ctx context.Context, work string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.work = work
	return l.write(ctx)
}

// clear takes the mark of what is settled away, before anything but another act,
// which puts its own in its place.
func (l *leases) clear(ctx context.Context, next recovery.Kind) error {
	if !l.settled || next == recovery.Act {
		return nil
	}
	l.settled = false
	return l.mark(ctx, "")
}

// open is what is begun and not settled.
func (l *leases) open() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.work
}

// write prolongs every lease with the work as it stands. The caller holds mu,
// so that an older work is never written over a newer one.
func (l *leases) write(ctx context.Context) error {
	if err := l.x.cfg.Store.MarkAll(ctx, l.keys, l.x.cfg.Owner, l.work, l.x.cfg.Lease); err != nil {
		return fmt.Errorf("keep %s: %w", strings.Join(l.keys, ", "), err)
	}
	return nil
}

// prolong keeps the leases until the run ends.
func (l *leases) prolong() {
	tick := time.NewTicker(l.x.cfg.Lease / 3)
	defer tick.Stop()
	for {
		select {
		case <-l.ctx.Done():
			return
		case <-tick.C:
		}
		l.mu.Lock()
		err := l.write(l.ctx)
		l.mu.Unlock()
		if errors.Is(err, incident.ErrHeld) {
			l.cancel(err)
			return
		}
		// A store that is away for a moment may be back before the lease passes.
	}
}

// release ends the run's hold.
func (l *leases) release() {
	l.cancel(nil)
	l.beat.Wait()
	l.give()
}

// give returns the leases. What could not be returned passes by itself.
func (l *leases) give() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.ctx), 2*time.Second)
	defer cancel()
	for _, key := range l.keys {
		_ = l.x.cfg.Store.Release(ctx, key, l.x.cfg.Owner)
	}
}
