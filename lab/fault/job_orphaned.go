package fault

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// jobOrphaned kills the worker with a job in hand; whoever looks after it starts
// it again, and the job stays started for ever.
func jobOrphaned() Fault {
	return Fault{
		Name: "rq-job-orphaned", Group: "jobs", Cause: "C-job-orphaned", Alert: "JobsNotProcessed",
		About:      "the RQ worker is killed in the middle of a long receipt and started again",
		Truth:      one("jobs/rq#a-worker-of-rq-was-killed-with-a-job-in-hand"),
		LookAlikes: []string{"C-job-timeout", "C-job-worker-down"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			edits := []stack.Edit{{File: "orders/jobs.py", Old: "    time.sleep(0.02)\n", New: "    journal.info(\"long receipt begun\")\n    time.sleep(45)\n"}}
			if err := s.Release(ctx, "Receipts with pictures", edits, s.Receipts); err != nil {
				return nil, err
			}
			if err := said(ctx, s.Receipts.Log, "long receipt begun"); err != nil {
				return nil, err
			}
			time.Sleep(time.Duration(between(r, 200, 900)) * time.Millisecond)
			s.Receipts.Kill()
			return nil, s.Back(ctx, s.Receipts)
		},
	}
}

// taskOrphaned kills the Celery worker with a task in hand.
func taskOrphaned() Fault {
	return Fault{
		Name: "celery-task-orphaned", Group: "jobs", Cause: "C-job-orphaned", Alert: "JobsNotProcessed",
		About:      "the Celery worker is killed in the middle of long tasks and started again: they stay taken",
		Truth:      one("jobs/celery#a-worker-of-celery-was-killed-with-tasks-in-hand"),
		LookAlikes: []string{"C-job-timeout", "C-job-worker-down"},
		Settle:     30 * time.Second,
		Inject: func(ctx context.Context, s *stack.Stack, _ *rand.Rand) (Heal, error) {
			edits := []stack.Edit{{File: "orders/tasks.py", Old: "    time.sleep(0.05)\n", New: "    journal.info(\"long task begun\")\n    time.sleep(45)\n"}}
			if err := s.Release(ctx, "Refresh everything", edits, s.Tasks); err != nil {
				return nil, err
			}
			if err := said(ctx, s.Tasks.Log, "long task begun"); err != nil {
				return nil, err
			}
			time.Sleep(time.Second)
			s.Tasks.Kill()
			time.Sleep(5 * time.Second) // as long as supervisors wait
			return nil, s.Back(ctx, s.Tasks)
		},
	}
}
