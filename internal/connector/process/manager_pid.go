package process

import (
	"context"
	"fmt"

	"github.com/quellhq/quell/internal/action"
)

// bare is a service that nobody looks after: there is a pidfile, a signal that
// ends it, and a program that starts it.
type bare struct{ pidfile }

func (b bare) String() string { return "process of " + b.Pidfile }

// can implements manager.
func (b bare) can(ctx context.Context, v verb, on []instance) string {
	if (v == start || v == restart) && len(b.Start) == 0 {
		return "the target has no setting start: the program of the service, with its arguments"
	}
	if v == reload {
		return uncaught(on, b.reloadSignal)
	}
	return protectedOf(ctx, on)
}

// do implements manager.
func (b bare) do(ctx context.Context, v verb, on []instance, how manner) error {
	switch v {
	case reload:
		return signalAll(on, b.reloadSignal)
	case stop:
		return b.end(ctx, on[0], how)
	case restart:
		if why := b.unready(); why != "" { // before anything is stopped
			return action.Not("it was not stopped, since it could not be started again: %s", why)
		}
		if err := b.end(ctx, on[0], how); err != nil {
			return err
		}
	default:
		if why := b.unready(); why != "" {
			return action.Not("%s", why)
		}
	}
	if err := b.launch(ctx); err != nil {
		return fmt.Errorf("start %s: %w", on[0].name, err)
	}
	return nil
}
