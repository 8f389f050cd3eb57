package fault

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/quellhq/quell/lab/stack"
)

// rollingRestart restarts one instance after the other, as each deployment does.
func rollingRestart() Fault {
	return Fault{
		Name: "rolling-restart", Group: "healthy", Kind: Healthy,
		About: "both instances were restarted one after the other; the gateway was refused for a moment",
		Inject: func(_ context.Context, s *stack.Stack, _ *rand.Rand) (Heal, error) {
			return nil, s.Restart(s.WebA, s.WebB)
		},
	}
}

// gatewayEdited loads a harmless change, and leaves another one on disk.
func gatewayEdited() Fault {
	return Fault{
		Name: "gateway-edited", Group: "healthy", Kind: Healthy,
		About: "the gateway's configuration was changed and loaded, a little more than an even share of weight and another keep-alive",
		Inject: func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			if _, err := editFront(s, "keepalive 16;", fmt.Sprintf("keepalive %d;", between(r, 8, 40))); err != nil {
				return nil, err
			}
			_, err := editFront(s, "proxy_connect_timeout 2s;", "proxy_connect_timeout 3s;")
			return nil, err
		},
	}
}

// busyEvening is a third more than usual, and some who ask for what is not there.
func busyEvening() Fault {
	return Fault{
		Name: "busy-evening", Group: "healthy", Kind: Healthy,
		About: "a third more customers than before, one of them a crawler that meets pages that are gone",
		Inject: func(_ context.Context, s *stack.Stack, _ *rand.Rand) (Heal, error) {
			s.Customers.Rate(stack.OrdinaryRate * 4 / 3)
			s.Customers.Also(stack.Visit{Name: "crawl", Weight: 3, Do: func(ctx context.Context, c *stack.Customer) error {
				return c.Get(ctx, fmt.Sprintf("/old/%d", c.Rand.IntN(1000)))
			}})
			return nil, nil
		},
	}
}
