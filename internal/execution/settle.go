package execution

import (
	"context"
	"fmt"
	"time"

	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/plan"
	"github.com/quellhq/quell/internal/recovery"
)

// calm is how long after an intent the world is asked at the earliest: what a
// process that died had sent may still be under way to the server.
const calm = time.Second

// settle asks the world about an intent that has no result, and writes down
// what it shows. It never acts.
func (x *Executor) settle(ctx context.Context, j *journal, leases *leases, s plan.Step, c recovery.Command) error {
	_, intent, open := j.run.Unknown()
	if !open {
		return errAgain
	}
	// Who wrote the intent has no lease any more, and has ended or had its time.
	until := intent.Order.Intended.Add(calm)
	if intent.Owner != x.cfg.Owner && !ended(intent.Owner) {
		until = intent.Until
	}
	x.cfg.Say(Progress{Step: s, Undo: c.Undo, Point: Settling})
	for x.cfg.Now().Before(until) {
		if err := x.wait(ctx, until); err != nil {
			return err
		}
	}
	doer, err := x.cfg.World.Doer(s.Target, intent.Order.Type)
	if err != nil {
		return fmt.Errorf("step %s may have happened, and cannot be asked about: %w", s.ID, err)
	}
	standing, err := x.ask(ctx, doer, intent.Order)
	if err != nil {
		return fmt.Errorf("step %s may have happened, and its target cannot be asked (try `quell reconcile` again later): %w", s.ID, err)
	}
	result := incident.Result{
		Attempt: c.Attempt, Undo: c.Undo, State: standing.State, Text: standing.Text, Done: standing.Done, Settled: true,
	}
	if !c.Undo {
		x.aftermath(ctx, s, &result)
	}
	return x.conclude(context.WithoutCancel(ctx), j, leases, s, result)
}
