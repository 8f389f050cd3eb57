//go:build crash

// This file is in no binary that is given to anybody: the crash test builds
// quell with the tag to have it killed at an exact point.

package app

import (
	"context"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/incident"
)

// QUELL_CRASH is N:before, N:after, or N:DURATION for that long into the call
// numbered N, from 1. Without it nothing happens; the number of calls is
// written to the file QUELL_CRASH_COUNT when the store is closed.
var calls atomic.Int64

func reach(call func()) {
	number, when, _ := strings.Cut(os.Getenv("QUELL_CRASH"), ":")
	at, _ := strconv.ParseInt(number, 10, 64)
	if calls.Add(1) != at {
		call()
		return
	}
	die := func() { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL); select {} }
	switch when {
	case "before":
		die()
	case "after":
		call()
		die()
	}
	d, err := time.ParseDuration(when)
	if err != nil {
		panic("QUELL_CRASH: " + when)
	}
	time.AfterFunc(d, die)
	call()
	die()
}

func outsideStore(s incident.Store) incident.Store { return mortalStore{s} }

func unwrapped(s incident.Store) incident.Store { return s.(mortalStore).Store }

type mortalStore struct{ incident.Store }

func (m mortalStore) Create(ctx context.Context, h incident.Header, first ...incident.Event) (id string, err error) {
	reach(func() { id, err = m.Store.Create(ctx, h, first...) })
	return id, err
}

func (m mortalStore) Append(ctx context.Context, id string, after int64, events ...incident.Event) (last int64, err error) {
	reach(func() { last, err = m.Store.Append(ctx, id, after, events...) })
	return last, err
}

func (m mortalStore) Acquire(ctx context.Context, key, owner string, ttl time.Duration) (l incident.Lease, err error) {
	reach(func() { l, err = m.Store.Acquire(ctx, key, owner, ttl) })
	return l, err
}

func (m mortalStore) MarkAll(ctx context.Context, keys []string, owner, work string, ttl time.Duration) (err error) {
	reach(func() { err = m.Store.MarkAll(ctx, keys, owner, work, ttl) })
	return err
}

func (m mortalStore) Release(ctx context.Context, key, owner string) (err error) {
	reach(func() { err = m.Store.Release(ctx, key, owner) })
	return err
}

func (m mortalStore) Close() error {
	if file := os.Getenv("QUELL_CRASH_COUNT"); file != "" {
		_ = os.WriteFile(file, []byte(strconv.FormatInt(calls.Load(), 10)), 0o600)
	}
	return m.Store.Close()
}

func outsideDoer(d action.Doer) action.Doer { return mortalDoer{d} }

type mortalDoer struct{ action.Doer }

func (m mortalDoer) Preview(ctx context.Context, c action.Change) (p action.Preview, err error) {
	reach(func() { p, err = m.Doer.Preview(ctx, c) })
	return p, err
}

func (m mortalDoer) Apply(ctx context.Context, o action.Order) (d action.Done, err error) {
	reach(func() { d, err = m.Doer.Apply(ctx, o) })
	return d, err
}

func (m mortalDoer) Standing(ctx context.Context, o action.Order) (s action.Standing, err error) {
	reach(func() { s, err = m.Doer.Standing(ctx, o) })
	return s, err
}
