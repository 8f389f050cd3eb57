package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// hotCode is a release that computes far too much for each search.
func hotCode() Fault {
	return Fault{
		Name: "hot-code", Group: "CPU", Cause: "C-hot-code",
		About:      "a release compares every result of a search with every other, letter by letter",
		Truth:      one("app/cpu#each-request-costs-more-than-before"),
		LookAlikes: []string{"C-under-provisioned", "C-traffic-spike", "C-blocking-in-async", "C-gil-bound"},
		Settle:     40 * time.Second,
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			return released(ctx, s, "Sort by likeness", inSearch(
				"\n\ndef likeness(a, b):\n    return sum(x == y for x in a for y in b)\n\n",
				fmt.Sprintf("    names = [f\"{category} {n} item\" for n in range(%d)]\n    sorted(names, key=lambda a: sum(likeness(a, b) for b in names))\n", between(r, 38, 50))))
		},
	}
}

// underProvisioned is a load that has grown beyond what the instances may use.
func underProvisioned() Fault {
	return Fault{
		Name: "under-provisioned", Group: "Capacity", Cause: "C-under-provisioned",
		About:      "the load has grown to what both instances can carry with their share of the processors, and beyond",
		Truth:      one("app/cpu#there-is-too-little-capacity-for-the-load", "startup/limits#the-service-is-held-back-by-its-cpu-limit", "startup/limits#the-processors-are-overloaded"),
		LookAlikes: []string{"C-hot-code", "C-traffic-spike"},
		Needs:      []string{"root"}, Settle: 40 * time.Second,
		Inject: func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			for _, p := range []*stack.Process{s.WebA, s.WebB} {
				if _, err := fenced(s, p, "cpu", map[string]string{"cpu.cfs_quota_us": "14000"}); err != nil {
					return nil, err
				}
			}
			s.Customers.Rate(float64(between(r, 24, 30)))
			return nil, nil
		},
	}
}

// trafficSpike is a crowd.
func trafficSpike() Fault {
	return Fault{
		Name: "traffic-spike", Group: "Capacity", Cause: "C-traffic-spike", Alone: true,
		About:      "far more customers come than on any day",
		Truth:      one("app/release#far-more-requests-than-usual"),
		LookAlikes: []string{"C-under-provisioned", "C-hot-code", "C-brute-force", "C-bad-deploy"},
		Settle:     40 * time.Second,
		Inject: func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			s.Customers.Rate(float64(between(r, 250, 350)))
			return func(context.Context) error { s.Customers.Rate(stack.OrdinaryRate); return nil }, nil
		},
	}
}
