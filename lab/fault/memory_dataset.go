package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// datasetInMemory is a release in which every worker loads a table whole.
func datasetInMemory() Fault {
	return Fault{
		Name: "dataset-in-memory", Group: "Memory", Cause: "C-dataset-in-memory",
		About:      "a release loads the whole table of orders into every worker when it is first asked",
		Truth:      one("app/memory#a-whole-data-set-is-held-in-memory"),
		LookAlikes: []string{"C-app-memory-leak", "C-large-response-buffering"},
		Settle:     60 * time.Second,
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			return released(ctx, s, "Suggest what others bought", inSearch("everything = []\n", fmt.Sprintf(
				"    if not everything:\n        async with database.transaction() as db:\n"+
					"            rows = (await db.execute(text(\"SELECT id, customer_id, state FROM orders LIMIT 20000\"))).all()\n"+
					"        everything.extend((row, bytearray(%d_000)) for row in rows)\n", between(r, 28, 36))))
		},
	}
}
