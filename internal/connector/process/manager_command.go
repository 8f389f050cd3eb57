package process

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/child"
	"github.com/quellhq/quell/internal/pid"
)

// command is a service that an operator's own commands look after. What runs
// is told by its pidfile all the same.
type command struct{ pidfile }

func (c command) String() string { return "commands for " + c.Pidfile }

// argv is the command for a verb.
func (c command) argv(v verb) []string {
	return map[verb][]string{start: c.Start, stop: c.Stop, restart: c.Restart, reload: c.Reload}[v]
}

// can implements manager.
func (c command) can(ctx context.Context, v verb, on []instance) string {
	if len(c.argv(v)) > 0 || v == restart && len(c.Stop) > 0 && len(c.Start) > 0 {
		return protectedOf(ctx, on)
	}
	return fmt.Sprintf("the target has no setting %s: the command that does it", v)
}

// do implements manager.
func (c command) do(ctx context.Context, v verb, on []instance, how manner) error {
	if v == restart && len(c.Restart) == 0 {
		if err := c.do(ctx, stop, on, how); err != nil {
			return err
		}
		return c.do(ctx, start, on, how)
	}
	if err := runProgram(ctx, child.Command{Argv: c.argv(v), Dir: c.Dir, Env: child.Environment(c.environment()), Leaves: v != stop}); err != nil {
		return err
	}
	if v == stop {
		return c.awaitStopped(ctx, on[0], how)
	}
	if v == reload {
		return nil
	}
	return c.awaitSteady(ctx, time.Now(), nil)
}

// awaitStopped waits for the end of what the command was to end.
func (c command) awaitStopped(ctx context.Context, i instance, how manner) error {
	left := pid.AwaitEnd(ctx, c.StopTimeout.Duration, *i.proc)
	if len(left) > 0 && how.kill {
		left = killed(ctx, left)
	}
	if len(left) > 0 {
		return fmt.Errorf("process %d has not ended %s after the command for it, and may still", i.main, c.StopTimeout.Duration)
	}
	return nil
}

// runProgram runs a program to its end. What could not be started is a
// Failure of which nothing happened.
func runProgram(ctx context.Context, c child.Command) error {
	r, err := child.Run(ctx, c)
	if errors.Is(err, child.ErrNotStarted) {
		return action.Not("%s", err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", c.Argv[0], err)
	}
	if r.Code != 0 {
		line := pid.Process{Args: c.Argv}.Line() // without secrets
		return fmt.Errorf("%s ended with status %d: %s", line, r.Code, lastLine(r))
	}
	return nil
}

// lastLine is what a program said last, to say why it failed.
func lastLine(r child.Result) string {
	for _, out := range [][]byte{r.Stderr, r.Stdout} {
		lines := strings.Split(strings.TrimSpace(strings.ToValidUTF8(string(out), "?")), "\n")
		if last := lines[len(lines)-1]; last != "" {
			return last[:min(len(last), 300)]
		}
	}
	return "it said nothing"
}
