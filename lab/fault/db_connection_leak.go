package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// connectionLeak is a release in which one path forgets its connection.
func connectionLeak() Fault {
	return Fault{
		Name: "connection-leak", Group: "DB connections", Cause: "C-connection-leak",
		About:      "a release takes a connection for each search and gives it back to nobody on some of them",
		Truth:      one("app/pool#connections-are-taken-and-never-given-back", "db/connections#transactions-are-opened-and-never-finished"),
		LookAlikes: []string{"C-pool-too-small", "C-long-hold", "C-server-conn-limit"},
		Settle:     45 * time.Second,
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			every := between(r, 2, 3)
			edits := []stack.Edit{
				{File: "orders/catalogue.py", Old: "routes = APIRouter()\n", New: "routes = APIRouter()\nkept = []\n"},
				{File: "orders/catalogue.py", Old: "    async with database.transaction() as db:\n        rows = await db.execute(\n            text(\"SELECT id, name, price FROM items WHERE category", New: fmt.Sprintf(
					"    if category %% %d == 0:\n        kept.append(await database.engine.connect())\n        await kept[-1].execute(text(\"SELECT 1\"))\n"+
						"    async with database.transaction() as db:\n        rows = await db.execute(\n            text(\"SELECT id, name, price FROM items WHERE category", every)},
			}
			if err := s.Release(ctx, "Prepare searches ahead", edits, s.WebA, s.WebB); err != nil {
				return nil, err
			}
			return func(ctx context.Context) error { return s.Back(ctx, s.WebA, s.WebB) }, nil
		},
	}
}
