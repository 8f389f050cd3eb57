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
		Warm:       60 * time.Second, // what is usual needs some samples of 15 s
		Settle:     40 * time.Second,
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			names, err := comparedIn(ctx, s, time.Duration(between(r, 250, 400))*time.Millisecond)
			if err != nil {
				return nil, err
			}
			return released(ctx, s, "Sort by likeness", inSearch(
				"\n\ndef likeness(a, b):\n    return sum(x == y for x in a for y in b)\n\n",
				fmt.Sprintf("    names = [f\"category {category:02} item\" for n in range(%d)]\n    sorted(names, key=lambda a: sum(likeness(a, b) for b in names))\n", names)))
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
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			rate := float64(between(r, 24, 30))
			used, err := coresUsed(ctx, s.WebA)
			if err != nil {
				return nil, err
			}
			s.Customers.Rate(rate)
			return nil, limited(ctx, s, 0.8*used*rate/stack.OrdinaryRate)
		},
	}
}

// trafficSpike is a crowd.
func trafficSpike() Fault {
	return Fault{
		Name: "traffic-spike", Group: "Capacity", Cause: "C-traffic-spike", Alone: true,
		About:      "far more customers come than on any day",
		Truth:      one("app/release#far-more-requests-than-usual", "gateway/traffic#a-crowd-has-come"),
		LookAlikes: []string{"C-under-provisioned", "C-hot-code", "C-brute-force", "C-bad-deploy"},
		Settle:     40 * time.Second,
		Inject: func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			s.Customers.Rate(float64(between(r, 450, 600)))
			return func(context.Context) error { s.Customers.Rate(stack.OrdinaryRate); return nil }, nil
		},
	}
}
