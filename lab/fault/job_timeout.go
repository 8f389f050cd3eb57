package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// jobTimeout makes some jobs of RQ slower than they may be.
func jobTimeout() Fault {
	return Fault{
		Name: "rq-job-timeout", Group: "jobs", Cause: "C-job-timeout", Alert: "JobFailuresHigh",
		About:      "receipts of every second order wait for a slow archive, longer than a job may run",
		Truth:      one("jobs/rq#jobs-of-rq-run-out-of-time", "app/jobs#jobs-run-out-of-time"),
		LookAlikes: []string{"C-job-orphaned", "C-job-input-missing"},
		Settle:     30 * time.Second,
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			limit := between(r, 2, 3)
			edits := []stack.Edit{{File: "orders/jobs.py", Old: "    time.sleep(0.02)\n", New: fmt.Sprintf("    time.sleep(%d if order %% 2 else 0.02)\n", limit*3)}}
			if err := s.Configure(map[string]string{"JOB_TIMEOUT": fmt.Sprint(limit)}); err != nil {
				return nil, err
			}
			if err := s.Release(ctx, "Keep receipts in the archive", edits, s.Receipts, s.WebA, s.WebB); err != nil {
				return nil, err
			}
			return func(ctx context.Context) error {
				if err := s.Configure(map[string]string{"JOB_TIMEOUT": ""}); err != nil {
					return err
				}
				return s.Back(ctx, s.Receipts, s.WebA, s.WebB)
			}, nil
		},
	}
}

// taskTimeout does it to tasks of Celery.
func taskTimeout() Fault {
	return Fault{
		Name: "celery-task-timeout", Group: "jobs", Cause: "C-job-timeout", Alert: "CeleryTaskFailuresHigh",
		About:      "the periodic task became slower than it may be",
		Truth:      one("jobs/celery#tasks-of-celery-run-out-of-time", "app/jobs#jobs-run-out-of-time"),
		LookAlikes: []string{"C-job-orphaned", "C-job-worker-down"},
		Settle:     30 * time.Second,
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			limit := between(r, 2, 4)
			edits := []stack.Edit{{File: "orders/tasks.py", Old: "time.sleep(0.05)", New: fmt.Sprintf("time.sleep(%d)", limit+4)}}
			if err := s.Configure(map[string]string{"JOB_TIMEOUT": fmt.Sprint(limit)}); err != nil {
				return nil, err
			}
			if err := s.Release(ctx, "Refresh everything", edits, s.Tasks); err != nil {
				return nil, err
			}
			return func(ctx context.Context) error {
				if err := s.Configure(map[string]string{"JOB_TIMEOUT": ""}); err != nil {
					return err
				}
				return s.Back(ctx, s.Tasks)
			}, nil
		},
	}
}
