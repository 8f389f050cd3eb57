package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// poolMadeTooSmall takes places from a pool that was large enough, in a service
// whose database is a few milliseconds away.
func poolMadeTooSmall() Fault {
	return Fault{
		Name: "pool-too-small", Group: "DB connections", Cause: "C-pool-too-small",
		About:      "a setting leaves the pool one or two connections a worker, at a busy time, with the database in another zone",
		Truth:      one(poolTooSmall...),
		LookAlikes: []string{"C-connection-leak", "C-long-hold", "C-traffic-spike"},
		Warm:       2 * time.Second,
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			s.Database.Delay(time.Duration(between(r, 14, 20)) * time.Millisecond)
			s.Customers.Rate(float64(between(r, 34, 42)))
			if err := meanwhile(ctx, 35*time.Second); err != nil {
				return nil, err
			}
			if err := s.Configure(map[string]string{"DB_POOL_SIZE": fmt.Sprint(1)}, pool(s)...); err != nil {
				return nil, err
			}
			return func(context.Context) error { return s.Configure(map[string]string{"DB_POOL_SIZE": ""}, pool(s)...) }, nil
		},
	}
}
