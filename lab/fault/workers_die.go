package fault

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/quellhq/quell/lab/stack"
)

// workersDie is a release that kills its worker on some requests.
func workersDie() Fault {
	return Fault{
		Name: "workers-die", Group: "LB/network", Cause: "C-app-crash-overload",
		About: "a release crashes the worker on some searches, in the middle of the request",
		// What ends them, and what the gateway sees of it.
		Truth:      one("startup/deaths#workers-crash", "gateway/backends#servers-hang-up-before-they-answer"),
		LookAlikes: []string{"C-worker-timeout", "C-resource-limit-too-low"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			old := "async def search(category: int = 1, skip: int = 0, limit: int = 20):\n"
			edits := []stack.Edit{{File: "orders/catalogue.py", Old: old, New: old + fmt.Sprintf("    if category %% %d == 0:\n        os.kill(os.getpid(), %d)\n", between(r, 3, 6), pick(r, 11, 6))}, {File: "orders/catalogue.py", Old: "from fastapi import APIRouter", New: "import os\n\nfrom fastapi import APIRouter"}}
			if err := s.Release(ctx, "Search by tree", edits, s.WebA, s.WebB); err != nil {
				return nil, err
			}
			return func(ctx context.Context) error { return s.Back(ctx, s.WebA, s.WebB) }, nil
		},
	}
}
