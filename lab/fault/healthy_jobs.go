package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// enqueues runs a few lines of Python with the service's own queue.
func enqueues(ctx context.Context, s *stack.Stack, code string) error {
	_, err := s.Tool(ctx, []string{"ORDERS_ENV=" + s.Config, "PYTHONPATH=" + s.Source}, "/usr/bin/python3", "-c", "from orders import jobs\n"+code)
	return err
}

// nightlyBatch puts many jobs in at once; the worker goes through them.
func nightlyBatch() Fault {
	return Fault{
		Name: "nightly-batch", Group: "healthy", Kind: Healthy,
		About: "a batch puts many receipts in at once, and the worker goes through them",
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			code := fmt.Sprintf("for n in range(1, %d):\n    jobs.queue.enqueue(jobs.send_receipt, n, result_ttl=60)\n", between(r, 40, 90))
			return nil, enqueues(ctx, s, code)
		},
	}
}

// workersDeployed restarts all workers as a deployment does.
func workersDeployed() Fault {
	return Fault{
		Name: "workers-deployed", Group: "healthy", Kind: Healthy,
		About: "the workers and the beat were just restarted by a deployment without a fault",
		Inject: func(ctx context.Context, s *stack.Stack, _ *rand.Rand) (Heal, error) {
			edits := []stack.Edit{{File: "orders/jobs.py", Old: "    time.sleep(0.02)\n", New: "    time.sleep(0.03)\n"}}
			return nil, s.Release(ctx, "Receipts with a logo", edits, s.Receipts, s.Tasks, s.Beat)
		},
	}
}

// oldFailures lets failures of yesterday lie around while the beat is down.
func oldFailures() Fault {
	return Fault{
		Name: "beat-down-beside-old-failures", Group: "jobs", Kind: Herring, Cause: "C-job-scheduler-down", Alert: "ScheduledJobsOverdue",
		About:  "the beat was killed; beside it lie failed jobs of yesterday that nobody has cleared away",
		Truth:  one("jobs/celery#the-beat-does-not-beat", "app/jobs#the-scheduler-does-not-run"),
		Settle: 30 * time.Second,
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			code := fmt.Sprintf(`
import time
from rq.registry import FailedJobRegistry
for n in range(1, %d):
    jobs.queue.enqueue(jobs.send_receipt, -n, failure_ttl=3600)
time.sleep(6)
for id in FailedJobRegistry("receipts", connection=jobs._store).get_job_ids():
    for field in ("ended_at", "enqueued_at", "started_at"):
        jobs._store.hset("rq:job:" + id, field, "2026-01-01T00:00:00.000000Z")
`, between(r, 6, 14))
			if err := enqueues(ctx, s, code); err != nil {
				return nil, err
			}
			s.Beat.Kill()
			return func(context.Context) error { return s.Beat.Restart() }, nil
		},
	}
}

// jobsMendedAgain had its worker down for a while; it is back, and all is done.
func jobsMendedAgain() Fault {
	return Fault{
		Name: "rq-worker-was-down", Group: "jobs", Kind: Recovered, Alert: "WorkerDown",
		About: "the RQ worker was killed and started again; the alert is old",
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			s.Receipts.Kill()
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(time.Duration(between(r, 4, 10)) * time.Second):
			}
			return nil, s.Receipts.Start()
		},
	}
}
