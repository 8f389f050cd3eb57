package fault

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/quellhq/quell/lab/stack"
)

// herringSpare is a slow partner beside a spare server that is not running, which
// it never was.
func herringSpare() Fault {
	f := partnerSlow()
	inject := f.Inject
	f.Name, f.Kind, f.Group = "slow-partner-and-a-spare", Herring, "red herrings"
	f.About = "the payment partner is slow; beside it the gateway has a spare server that has never run"
	f.Inject = func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
		if _, err := editFront(s, "    keepalive 16;", fmt.Sprintf("    server 127.0.0.1:%d backup;\n    keepalive 16;", between(r, 2, 9))); err != nil {
			return nil, err
		}
		return inject(ctx, s, r)
	}
	return f
}

// herringCrawler is a dead server beside a crawler that meets missing pages.
func herringCrawler() Fault {
	f := serverDead()
	inject := f.Inject
	f.Name, f.Kind, f.Group = "dead-server-and-a-crawler", Herring, "red herrings"
	f.About = "one of two instances is dead; beside it a crawler asks for pages that are gone"
	f.Inject = func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
		s.Customers.Also(stack.Visit{Name: "crawl", Weight: 12, Do: func(ctx context.Context, c *stack.Customer) error {
			return c.Get(ctx, fmt.Sprintf("/old/%d", c.Rand.IntN(1000)))
		}})
		return inject(ctx, s, r)
	}
	return f
}
