package drivertest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/plan"
	"github.com/quellhq/quell/internal/verification"
)

// errDead is what a dead process sees of everything outside of it.
var errDead = errors.New("this process is dead")

// Life is that of one process: it ends at a given call to the outside, before
// or after the call took effect, and from then on nothing it does reaches
// anything. That is what kill -9 does.
type Life struct {
	mu sync.Mutex
	// EndsAt is the number of the call, from 1; 0: it does not end.
	EndsAt int
	// After says that the call still takes effect, and its answer is lost.
	After bool
	calls int
	dead  bool
}

// Calls is how often the process has reached outside.
func (l *Life) Calls() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.calls
}

// Dead reports whether it has ended.
func (l *Life) Dead() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dead
}

// do makes one call to the outside, unless the process dies at it.
func (l *Life) do(call func()) error {
	l.mu.Lock()
	if l.dead {
		l.mu.Unlock()
		return errDead
	}
	l.calls++
	ends := l.calls == l.EndsAt
	l.dead = ends
	l.mu.Unlock()
	if !ends || l.After {
		call()
	}
	if ends {
		return errDead
	}
	return nil
}

// mortalStore is a store as a process sees it that may die.
type mortalStore struct {
	incident.Store
	life *Life
}

func (m mortalStore) Append(ctx context.Context, id string, after int64, events ...incident.Event) (last int64, err error) {
	if dead := m.life.do(func() { last, err = m.Store.Append(ctx, id, after, events...) }); dead != nil {
		return 0, dead
	}
	return last, err
}

func (m mortalStore) Events(ctx context.Context, id string, after int64) (events []incident.Event, err error) {
	if dead := m.life.do(func() { events, err = m.Store.Events(ctx, id, after) }); dead != nil {
		return nil, dead
	}
	return events, err
}

func (m mortalStore) Acquire(ctx context.Context, key, owner string, ttl time.Duration) (l incident.Lease, err error) {
	if dead := m.life.do(func() { l, err = m.Store.Acquire(ctx, key, owner, ttl) }); dead != nil {
		return incident.Lease{}, dead
	}
	return l, err
}

func (m mortalStore) MarkAll(ctx context.Context, keys []string, owner, work string, ttl time.Duration) (err error) {
	if dead := m.life.do(func() { err = m.Store.MarkAll(ctx, keys, owner, work, ttl) }); dead != nil {
		return dead
	}
	return err
}

func (m mortalStore) Release(ctx context.Context, key, owner string) (err error) {
	if dead := m.life.do(func() { err = m.Store.Release(ctx, key, owner) }); dead != nil {
		return dead
	}
	return err
}

// mortalWorld is the world as a process sees it that may die.
type mortalWorld struct {
	*World
	life *Life
}

func (m mortalWorld) Doer(target, name string) (action.Doer, error) {
	d, err := m.World.Doer(target, name)
	return mortalDoer{d, m.life}, err
}

func (m mortalWorld) Sample(ctx context.Context, s plan.Step, changed time.Time) (v verification.Sample) {
	_ = m.life.do(func() { v = m.World.Sample(ctx, s, changed) })
	return v
}

type mortalDoer struct {
	action.Doer
	life *Life
}

func (m mortalDoer) Preview(ctx context.Context, c action.Change) (p action.Preview, err error) {
	if dead := m.life.do(func() { p, err = m.Doer.Preview(ctx, c) }); dead != nil {
		return action.Preview{}, dead
	}
	return p, err
}

func (m mortalDoer) Apply(ctx context.Context, o action.Order) (d action.Done, err error) {
	if dead := m.life.do(func() { d, err = m.Doer.Apply(ctx, o) }); dead != nil {
		return action.Done{}, dead
	}
	return d, err
}

func (m mortalDoer) Standing(ctx context.Context, o action.Order) (s action.Standing, err error) {
	if dead := m.life.do(func() { s, err = m.Doer.Standing(ctx, o) }); dead != nil {
		return action.Standing{}, dead
	}
	return s, err
}
