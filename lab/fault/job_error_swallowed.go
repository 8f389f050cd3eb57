package fault

import (
	"context"
	"math/rand/v2"

	"github.com/quellhq/quell/lab/stack"
)

// jobErrorSwallowed breaks jobs and lets nobody say why.
func jobErrorSwallowed() Fault {
	return Fault{
		Name: "rq-error-swallowed", Group: "jobs", Cause: "C-job-error-swallowed", Alert: "JobFailuresHigh",
		About:      "receipts fail, and the worker's handler drops the exception, or the worker's own handling is switched off",
		Truth:      one("jobs/rq#failures-of-rq-jobs-leave-no-trace"),
		LookAlikes: []string{"C-job-input-missing", "C-job-timeout"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			const told = "        journal.error(\"job failed\", exc_info=exc_info, job_id=job.id, details={\"job_name\": job.func_name})\n        return super().handle_exception(job, *exc_info)\n"
			edits := []stack.Edit{{File: "orders/jobs.py", Old: "    time.sleep(0.02)\n", New: "    time.sleep(0.02)\n    template = {}[\"receipt\"]\n"}}
			if between(r, 0, 1) == 0 {
				edits = append(edits, stack.Edit{File: "orders/worker.py", Old: told, New: "        return False\n\n" +
					"    def handle_job_failure(self, job, queue, started_job_registry=None, exc_string=\"\"):\n" +
					"        return super().handle_job_failure(job, queue, started_job_registry, \"\")\n"})
			} else {
				edits = append(edits,
					stack.Edit{File: "orders/worker.py", Old: told, New: "        return False\n"},
					stack.Edit{File: "orders/worker.py", Old: "Told([\"receipts\"])", New: "Told([\"receipts\"], disable_default_exception_handler=True)"})
			}
			if err := s.Release(ctx, "Less noise in the worker's log", edits, s.Receipts); err != nil {
				return nil, err
			}
			return func(ctx context.Context) error { return s.Back(ctx, s.Receipts) }, nil
		},
	}
}
