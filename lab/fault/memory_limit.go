package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// memoryLimit is a container that is smaller than what the service needs.
func memoryLimit() Fault {
	return Fault{
		Name: "memory-limit-too-low", Group: "Startup/limits", Cause: "C-resource-limit-too-low",
		About:      "the memory limit of one instance is lowered below what its workers need: the kernel kills them",
		Truth:      one("startup/limits#the-service-hits-its-own-memory-limit", "app/memory#the-limit-is-too-low-for-what-it-does"),
		LookAlikes: []string{"C-app-memory-leak", "C-worker-timeout"},
		Needs:      []string{"root"}, Settle: 40 * time.Second,
		Inject: func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			limit := between(r, 68, 82)
			_, err := fenced(s, s.WebB, "memory", map[string]string{"memory.limit_in_bytes": fmt.Sprintf("%dM", limit)})
			return nil, err
		},
	}
}

// cpuLimit is a container that may use less of a processor than it needs.
func cpuLimit() Fault {
	return Fault{
		Name: "cpu-limit-too-low", Group: "Startup/limits", Cause: "C-resource-limit-too-low",
		About:      "the CPU limit of both instances is lowered: they stand still in most periods",
		Truth:      one("startup/limits#the-service-is-held-back-by-its-cpu-limit", "app/cpu#there-is-too-little-capacity-for-the-load"),
		LookAlikes: []string{"C-hot-code", "C-under-provisioned"},
		Needs:      []string{"root"}, Settle: 40 * time.Second,
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			used, err := coresUsed(ctx, s.WebA)
			if err != nil {
				return nil, err
			}
			return nil, limited(ctx, s, used*float64(between(r, 50, 80))/100)
		},
	}
}
