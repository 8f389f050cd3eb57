package fault

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// takenBack answers well, and takes back what was written.
func takenBack() Fault {
	return Fault{
		Name: "writes-taken-back", Group: "data", Cause: "C-tx-rolled-back", Alert: "DataMissing",
		About:      "a release writes in a connection whose transaction is never committed; the answer says that it went well",
		Truth:      one("data/writes#writes-are-taken-back-after-they-were-reported-as-done"),
		LookAlikes: []string{"C-failed-writes", "C-race-condition"},
		Settle:     30 * time.Second,
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			edits := []stack.Edit{
				{File: "orders/database.py", Old: "@contextlib.asynccontextmanager\n", New: "@contextlib.asynccontextmanager\nasync def connection():\n    \"\"\"A connection, given back on every path.\"\"\"\n    taken = await engine.connect()\n    try:\n        yield taken\n    finally:\n        await taken.close()\n\n\n@contextlib.asynccontextmanager\n"},
			}
			paid := "    async with database.transaction() as db:\n        await db.execute(text(\"UPDATE orders SET state = 'paid'"
			price := "    async with database.transaction() as db:\n        await db.execute(text(\"UPDATE items SET price"
			if between(r, 0, 1) == 0 {
				edits = append(edits, stack.Edit{File: "orders/purchases.py", Old: paid, New: "    async with database.connection() as db:\n        await db.execute(text(\"UPDATE orders SET state = 'paid'"})
			} else {
				edits = append(edits,
					stack.Edit{File: "orders/catalogue.py", Old: price, New: "    async with database.connection() as db:\n        await db.execute(text(\"UPDATE items SET price"},
					stack.Edit{File: "orders/purchases.py", Old: paid, New: "    async with database.connection() as db:\n        await db.execute(text(\"UPDATE orders SET state = 'paid'"})
			}
			if err := s.Release(ctx, "Connections without a block around them", edits, s.WebA, s.WebB); err != nil {
				return nil, err
			}
			return func(ctx context.Context) error { return s.Back(ctx, s.WebA, s.WebB) }, nil
		},
	}
}
