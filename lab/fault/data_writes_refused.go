package fault

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// writesRefused makes the database refuse what customers buy; whoever looks on
// is served as ever.
func writesRefused() Fault {
	return Fault{
		Name: "writes-refused", Group: "data", Cause: "C-failed-writes", Alert: "WriteErrorsHigh",
		About:      "the database refuses orders: a sequence behind its table, a right that was taken away, or a check that does not fit",
		Truth:      one("data/writes#writes-are-refused"),
		LookAlikes: []string{"C-tx-rolled-back", "C-race-condition", "C-bad-deploy"},
		Settle:     30 * time.Second,
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			wrong := [][2]string{
				{"SELECT setval('orders_id_seq', 1)", "SELECT setval('orders_id_seq', (SELECT max(id) FROM orders))"},
				{"ALTER TABLE order_lines OWNER TO postgres; GRANT SELECT, UPDATE, DELETE ON order_lines TO orders", "ALTER TABLE order_lines OWNER TO orders; GRANT ALL ON order_lines TO orders"},
				{"ALTER TABLE orders ADD CONSTRAINT small CHECK (customer_id < 0) NOT VALID", "ALTER TABLE orders DROP CONSTRAINT small"},
			}[between(r, 0, 2)]
			if err := s.SQL(ctx, "orders", wrong[0]); err != nil {
				return nil, err
			}
			return func(ctx context.Context) error { return s.SQL(ctx, "orders", wrong[1]) }, nil
		},
	}
}
