package fault

import (
	"context"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// The conditions that say a cause of the database, from the server's side and
// from the service's.
var (
	poolTooSmall  = []string{"app/pool#the-pool-is-smaller-than-the-traffic-needs", "db/connections#the-pool-is-smaller-than-the-load-needs"}
	longHold      = []string{"app/pool#connections-are-held-while-something-else-is-waited-for", "db/connections#requests-keep-their-connection-while-they-wait-for-something-else"}
	missingIndex  = []string{"db/queries#an-index-is-missing"}
	lockHolders   = []string{"db/locks#an-idle-transaction-holds-locks-that-others-need", "db/locks#a-running-statement-holds-locks-that-others-need"}
	schemaChanges = []string{"db/locks#a-schema-change-waits-and-everyone-queues-behind-it", "db/locks#a-schema-change-holds-a-table"}
)

// pool is all of the service that has a pool of database connections.
func pool(s *stack.Stack) []*stack.Process { return []*stack.Process{s.WebA, s.WebB} }

// meanwhile is the time for which what was prepared is the ordinary state.
func meanwhile(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// history lets the table of lines be as long as that of an older shop.
func history(ctx context.Context, s *stack.Stack) error {
	return s.SQL(ctx, "orders", "SET ROLE orders; INSERT INTO order_lines (order_id, item_id, amount) SELECT 1 + g % 60000, 1 + g::bigint * 7919 % 20000, 1 FROM generate_series(1, 700000) g; ANALYZE order_lines")
}
