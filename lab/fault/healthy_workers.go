package fault

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/quellhq/quell/lab/stack"
)

// workersRecycled are workers that end after so many requests, as they were told.
func workersRecycled() Fault {
	return Fault{
		Name: "workers-recycled", Group: "healthy", Kind: Healthy,
		About: "the master preloads the application and replaces its workers after some hundred requests, as it was told",
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			told := fmt.Sprintf("max_requests = %d\nmax_requests_jitter = 60\npreload_app = True\n", between(r, 120, 200))
			return released(ctx, s, "Replace workers now and then", []stack.Edit{{File: "gunicorn.conf.py", Old: "max_requests = 0\n", New: told}})
		},
	}
}

// idleWorkers are more workers than the processors, with little to do.
func idleWorkers() Fault {
	return Fault{
		Name: "idle-workers", Group: "healthy", Kind: Healthy,
		About: "more workers than usual for these processors, and few customers",
		Inject: func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			n := between(r, 4, 5)
			for _, p := range []*stack.Process{s.WebA, s.WebB} {
				if err := p.Rewrite("set -e\n", fmt.Sprintf("set -e\nexport WEB_CONCURRENCY=%d\n", n)); err != nil {
					return nil, err
				}
			}
			s.Customers.Rate(6)
			return nil, s.Restart(s.WebA, s.WebB)
		},
	}
}
