package fault

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/quellhq/quell/lab/stack"
)

// serverFull is a tool that takes the server's places.
func serverFull() Fault {
	return Fault{
		Name: "server-full", Group: "DB connections", Cause: "C-server-conn-limit",
		About:      "a report tool opens session after session until the server has no slot left for the service's new ones",
		Truth:      one("db/connections#the-server-has-no-slot-left"),
		LookAlikes: []string{"C-role-conn-limit", "C-connection-leak", "C-pool-too-small"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			if err := s.SQL(ctx, "postgres", "CREATE ROLE reports LOGIN PASSWORD 'orders-secret'"); err != nil {
				return nil, err
			}
			mine, end := context.WithCancel(ctx)
			for i := range 60 {
				_ = s.Session(mine, "reports", fmt.Sprintf("reports-%d", i%between(r, 1, 3)), "SELECT 1;") // the last ones are refused
			}
			// A deploy, when nobody gets in any more.
			return func(context.Context) error { end(); return nil }, s.Restart(s.WebA)
		},
	}
}

// roleLimited is a limit on the service's own role.
func roleLimited() Fault {
	return Fault{
		Name: "role-limited", Group: "DB connections", Cause: "C-role-conn-limit",
		About:      "the service's role may hold only a few connections, as somebody set it in a hurry; the service is restarted",
		Truth:      one("db/connections#the-role-is-at-its-own-limit"),
		LookAlikes: []string{"C-server-conn-limit", "C-pool-too-small"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			s.Customers.Rate(float64(between(r, 20, 30)))
			if err := s.SQL(ctx, "postgres", fmt.Sprintf("ALTER ROLE orders CONNECTION LIMIT %d", between(r, 2, 3))); err != nil {
				return nil, err
			}
			s.Database.Break()
			return func(ctx context.Context) error {
				return s.SQL(ctx, "postgres", "ALTER ROLE orders CONNECTION LIMIT -1")
			}, nil
		},
	}
}
