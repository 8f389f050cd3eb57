package fault

import (
	"context"
	"math/rand/v2"
	"syscall"

	"github.com/quellhq/quell/lab/stack"
)

// noWorkerOfRQ and the lists below are the conditions that say a cause of jobs.
var (
	noWorkerOfRQ     = []string{"jobs/rq#no-worker-of-rq-is-alive", "app/jobs#no-worker-is-alive"}
	noWorkerOfCelery = []string{"jobs/celery#no-worker-of-celery-is-alive", "app/jobs#no-worker-is-alive"}
)

// receiptsWorkerDown ends the RQ worker in one of the ways in which workers end.
func receiptsWorkerDown() Fault {
	return Fault{
		Name: "rq-worker-down", Group: "jobs", Cause: "C-job-worker-down", Alert: "WorkerDown",
		About:      "the RQ worker is killed with all of its children, or alone, or stopped and not started again",
		Truth:      one(noWorkerOfRQ...),
		LookAlikes: []string{"C-job-scheduler-down", "C-job-orphaned", "C-event-loss"},
		Inject: func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			switch between(r, 0, 2) {
			case 0:
				s.Receipts.Kill()
			case 1: // its scheduler outlives it, and keeps its connections
				if err := s.Receipts.Signal(syscall.SIGKILL); err != nil {
					return nil, err
				}
			default:
				s.Receipts.End(endsWithin)
			}
			return func(context.Context) error { return s.Receipts.Restart() }, nil
		},
	}
}

// tasksWorkerDown ends the Celery worker; the beat goes on sending.
func tasksWorkerDown() Fault {
	return Fault{
		Name: "celery-worker-down", Group: "jobs", Cause: "C-job-worker-down", Alert: "CeleryWorkerDown",
		About:      "the Celery worker is killed, or stopped and not started again",
		Truth:      one(noWorkerOfCelery...),
		LookAlikes: []string{"C-job-scheduler-down", "C-job-orphaned"},
		Inject: func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			if between(r, 0, 1) == 0 {
				s.Tasks.Kill()
			} else {
				s.Tasks.End(endsWithin)
			}
			return func(context.Context) error { return s.Tasks.Restart() }, nil
		},
	}
}
