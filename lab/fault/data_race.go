package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// race lets two orders meet: a number that is read and then written, or rows
// that are taken in another order.
func race() Fault {
	return Fault{
		Name: "writes-race", Group: "data", Cause: "C-race-condition", Alert: "WriteErrorsHigh",
		About:      "a release numbers orders by reading the highest one first, or waits between two rows that customers take in any order, while many buy the same",
		Truth:      one("data/writes#writes-meet-and-one-of-them-loses", "db/locks#transactions-take-the-same-rows-in-different-order"),
		LookAlikes: []string{"C-failed-writes", "C-tx-rolled-back", "C-lock-contention"},
		Settle:     40 * time.Second,
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			edits := []stack.Edit{{File: "orders/purchases.py", Old: "from fastapi import APIRouter", New: "import asyncio\n\nfrom fastapi import APIRouter"}}
			if between(r, 0, 1) == 1 {
				edits = append(edits, stack.Edit{File: "orders/purchases.py", Old: "SET stock = stock - 1 WHERE id = :i\"), {\"i\": item})\n", New: fmt.Sprintf("SET stock = stock - 1 WHERE id = :i\"), {\"i\": item})\n            await asyncio.sleep(0.%02d)\n", between(r, 5, 15))})
			} else {
				edits = append(edits, stack.Edit{
					File: "orders/purchases.py", Old: "        order = (await db.execute(text(\"INSERT INTO orders (customer_id, state) VALUES (:c, 'new') RETURNING id\"), {\"c\": customer})).scalar()\n",
					New: fmt.Sprintf("        order = (await db.execute(text(\"SELECT max(id) + 1 FROM orders\"))).scalar()\n        await asyncio.sleep(0.%02d)\n", between(r, 3, 9)) +
						"        await db.execute(text(\"INSERT INTO orders (id, customer_id, state) VALUES (:o, :c, 'new')\"), {\"o\": order, \"c\": customer})\n",
				})
			}
			if err := s.Release(ctx, "Orders without gaps", edits, s.WebA, s.WebB); err != nil {
				return nil, err
			}
			s.Customers.Also(stack.Visit{Name: "buy what everybody buys", Weight: 25, Do: func(ctx context.Context, c *stack.Customer) error {
				return c.Post(ctx, "/orders", map[string]any{"items": []int{1 + c.Rand.IntN(4), 1 + c.Rand.IntN(4)}})
			}})
			return func(ctx context.Context) error {
				s.Customers.Also()
				return s.Back(ctx, s.WebA, s.WebB)
			}, nil
		},
	}
}
