package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// paymentInTransaction is a release that charges the card before it commits,
// with a partner that always has taken its time.
func paymentInTransaction() Fault {
	return Fault{
		Name: "payment-in-transaction", Group: "DB connections", Cause: "C-long-hold",
		About:      "a release asks the payment partner inside of the transaction, so that each order holds a connection meanwhile",
		Truth:      one(longHold...),
		LookAlikes: []string{"C-pool-too-small", "C-connection-leak", "C-external-slow", "C-long-transaction"},
		Warm:       2 * time.Second,
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			if err := mood(s, 1.5+r.Float64(), 200); err != nil {
				return nil, err
			}
			s.Customers.Also(stack.Visit{Name: "buy more", Weight: between(r, 45, 60), Do: func(ctx context.Context, c *stack.Customer) error {
				return c.Post(ctx, "/orders", map[string]any{"items": []int{1 + c.Rand.IntN(20000)}})
			}})
			if err := s.Configure(map[string]string{"DB_POOL_SIZE": fmt.Sprint(between(r, 2, 3))}, pool(s)...); err != nil {
				return nil, err
			}
			if err := meanwhile(ctx, 35*time.Second); err != nil {
				return nil, err
			}
			edits := []stack.Edit{{File: "orders/purchases.py",
				Old: "    await payment.charge(order)\n    async with database.transaction() as db:\n        await db.execute(text(\"UPDATE orders SET state = 'paid'",
				New: "        await payment.charge(order)\n    async with database.transaction() as db:\n        await db.execute(text(\"UPDATE orders SET state = 'paid'"}}
			if err := s.Release(ctx, "Charge before the order is kept", edits, pool(s)...); err != nil {
				return nil, err
			}
			return func(ctx context.Context) error { return s.Back(ctx, pool(s)...) }, nil
		},
	}
}
