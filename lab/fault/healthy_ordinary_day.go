package fault

import (
	"context"
	"math/rand/v2"

	"github.com/quellhq/quell/lab/stack"
)

func ordinaryDay() Fault {
	return Fault{
		Name: "ordinary-day", Group: "healthy", Kind: Healthy,
		About: "customers look, search, log in and buy; nothing is wrong",
		Inject: func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			s.Customers.Rate(float64(between(r, 6, 20)))
			return nil, nil
		},
	}
}
