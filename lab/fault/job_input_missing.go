package fault

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/quellhq/quell/lab/stack"
)

// jobInputMissing lets jobs name orders that are not there.
func jobInputMissing() Fault {
	return Fault{
		Name: "rq-input-missing", Group: "jobs", Cause: "C-job-input-missing", Alert: "JobFailuresHigh",
		About:      "a release enqueues receipts by a number that is no order's",
		Truth:      one("jobs/rq#jobs-of-rq-name-what-is-not-there", "app/jobs#jobs-that-cannot-succeed-are-tried-again-and-again"),
		LookAlikes: []string{"C-job-timeout", "C-job-error-swallowed", "C-bad-deploy"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			edits := []stack.Edit{{File: "orders/purchases.py", Old: "    jobs.receipt(order)\n", New: fmt.Sprintf("    jobs.receipt(order + %d)\n", 1000*between(r, 100, 900))}}
			if err := s.Release(ctx, "Number receipts by year", edits, s.WebA, s.WebB); err != nil {
				return nil, err
			}
			return func(ctx context.Context) error { return s.Back(ctx, s.WebA, s.WebB) }, nil
		},
	}
}
