package fault

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/quellhq/quell/lab/stack"
)

// resultsUnbounded keeps what jobs return for ever.
func resultsUnbounded() Fault {
	return Fault{
		Name: "rq-results-unbounded", Group: "jobs", Cause: "C-rq-results-unbounded", Alert: "RedisMemoryHigh",
		About:      "results of jobs are kept without an end, and a release makes them large",
		Truth:      one("jobs/results#results-of-rq-jobs-are-kept-for-ever"),
		LookAlikes: []string{"C-redis-memory-pressure", "C-app-memory-leak"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			edits := []stack.Edit{{File: "orders/jobs.py", Old: "    return order\n", New: fmt.Sprintf("    return \"%%0%dd\" %% order\n", 1000*between(r, 5, 60))}}
			if err := s.Configure(map[string]string{"JOB_RESULT_TTL": "-1"}); err != nil {
				return nil, err
			}
			if err := s.Release(ctx, "Keep receipts as results", edits, s.Receipts, s.WebA, s.WebB); err != nil {
				return nil, err
			}
			return func(ctx context.Context) error {
				if err := s.Configure(map[string]string{"JOB_RESULT_TTL": ""}); err != nil {
					return err
				}
				return s.Back(ctx, s.Receipts, s.WebA, s.WebB)
			}, nil
		},
	}
}
