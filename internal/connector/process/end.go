package process

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/pid"
)

// killTime is how long the kernel may take to end what was killed.
const killTime = 5 * time.Second

// end ends one run: its main process by the stop signal, and then what is left
// of its children. It returns when nothing of it is left; an error that is no
// Failure says what is.
func (c config) end(ctx context.Context, i instance, how manner) error {
	tree, err := pid.All(ctx)
	if err != nil {
		return action.NotYet("%s", err)
	}
	main, ok := tree.Of(i.main)
	if !ok || i.proc == nil || main.ID != *i.proc {
		return action.Not("%s has ended meanwhile", i.name)
	}
	var children []pid.ID
	for _, p := range tree.Family(i.main) {
		if why := tree.Protected(p); why != "" {
			return action.Not("it is left alone: %s", why)
		}
		if p.PID != i.main {
			children = append(children, p.ID)
		}
	}
	if err := pid.Signal(main.ID, c.stopSignal); err != nil && !errors.Is(err, pid.ErrGone) {
		return action.Not("signal process %d: %s", i.main, err)
	}
	over := time.Now().Add(c.StopTimeout.Duration)
	left := pid.AwaitEnd(ctx, c.StopTimeout.Duration, main.ID)
	if len(left) > 0 && how.kill {
		left = killed(ctx, left)
	}
	if len(left) > 0 {
		return fmt.Errorf("process %d has not ended within %s of %s, and may still (kill: true ends it by force)", i.main, c.StopTimeout.Duration, signalName(c.stopSignal))
	}
	return c.endRest(ctx, children, time.Until(over), how)
}

// endRest sees to the children: they have what is left of the time to end by
// themselves, then get the signal too.
func (c config) endRest(ctx context.Context, children []pid.ID, rest time.Duration, how manner) error {
	left := pid.AwaitEnd(ctx, max(rest, 0), children...)
	for _, id := range left {
		_ = pid.Signal(id, syscall.SIGTERM)
	}
	left = pid.AwaitEnd(ctx, 2*time.Second, left...)
	if len(left) > 0 && how.kill {
		left = killed(ctx, left)
	}
	if len(left) > 0 {
		return fmt.Errorf("its main process has ended, and %d of its children have not, process %d first (kill: true ends them by force)", len(left), left[0].PID)
	}
	return nil
}

// killed kills, and returns what still lives: a process that waits for a disk
// may take long.
func killed(ctx context.Context, ids []pid.ID) []pid.ID {
	for _, id := range ids {
		_ = pid.Signal(id, syscall.SIGKILL)
	}
	return pid.AwaitEnd(ctx, killTime, ids...)
}

// signalAll sends a signal to the main process of each.
func signalAll(on []instance, sig syscall.Signal) error {
	for n, i := range on {
		if i.proc == nil {
			return action.Not("%s has no process that we can signal", i.name)
		}
		err := pid.Signal(*i.proc, sig)
		switch {
		case err != nil && n == 0:
			return action.Not("signal process %d: %s", i.main, err)
		case err != nil:
			return fmt.Errorf("signal process %d of %s: %w", i.main, i.name, err)
		}
	}
	return nil
}

// uncaught says which of them a signal would end, because it does not catch it.
func uncaught(on []instance, sig syscall.Signal) string {
	for _, i := range on {
		if catches, known := pid.Catches(i.main, sig); i.main > 0 && known && !catches {
			return fmt.Sprintf("process %d of %s does not catch %s: the signal would end it, or do nothing", i.main, i.name, signalName(sig))
		}
	}
	return ""
}

// protectedOf says why one of them must be left alone: we run in it.
func protectedOf(ctx context.Context, on []instance) string {
	tree, err := pid.All(ctx)
	if err != nil {
		return ""
	}
	for _, i := range on {
		for _, p := range tree.Family(i.main) {
			if why := tree.Protected(p); why != "" {
				return "it is left alone: " + why
			}
		}
	}
	return ""
}
