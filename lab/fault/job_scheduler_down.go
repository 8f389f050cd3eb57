package fault

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

const endsWithin = 8 * time.Second

// beatDown ends the beat: periodic tasks are sent no more.
func beatDown() Fault {
	return Fault{
		Name: "beat-down", Group: "jobs", Cause: "C-job-scheduler-down", Alert: "ScheduledJobsOverdue",
		About:      "the beat is killed, or stopped and not started again",
		Truth:      one("jobs/celery#the-beat-does-not-beat", "app/jobs#the-scheduler-does-not-run"),
		LookAlikes: []string{"C-job-worker-down"},
		Settle:     30 * time.Second,
		Inject: func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			if between(r, 0, 1) == 0 {
				s.Beat.Kill()
			} else {
				s.Beat.End(endsWithin)
			}
			return func(context.Context) error { return s.Beat.Restart() }, nil
		},
	}
}

// schedulerOff is a worker that is started without its scheduler: jobs for a
// later time stay where they are.
func schedulerOff() Fault {
	return Fault{
		Name: "rq-scheduler-off", Group: "jobs", Cause: "C-job-scheduler-down", Alert: "ScheduledJobsOverdue",
		About:      "a release starts the RQ worker without its scheduler, and reminders are never put in",
		Truth:      one("jobs/rq#the-scheduler-of-rq-does-not-run", "app/jobs#the-scheduler-does-not-run"),
		LookAlikes: []string{"C-job-worker-down"},
		Settle:     90 * time.Second, // a reminder is due after five seconds, and overdue after a minute more
		Inject: func(ctx context.Context, s *stack.Stack, _ *rand.Rand) (Heal, error) {
			edits := []stack.Edit{{File: "orders/worker.py", Old: "with_scheduler=True", New: "with_scheduler=False"}}
			if err := s.Release(ctx, "Simpler start of the worker", edits, s.Receipts); err != nil {
				return nil, err
			}
			return func(ctx context.Context) error { return s.Back(ctx, s.Receipts) }, nil
		},
	}
}
