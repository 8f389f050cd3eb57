package fault

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/quellhq/quell/lab/stack"
)

// largeAnswers is a release whose search answers with everything.
func largeAnswers() Fault {
	return Fault{
		Name: "large-answers", Group: "HTTP", Cause: "C-large-payload",
		About:      "a release gives each found item a long description, and as many items as the category has",
		Truth:      one("gateway/payload#an-endpoint-answers-with-too-much"),
		LookAlikes: []string{"C-inefficient-query", "C-large-response-buffering", "C-n-plus-one"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			edits := []stack.Edit{
				{File: "orders/catalogue.py", Old: "\"skip\": skip, \"limit\": min(limit, 100)},\n        )\n        return [dict(row._mapping) for row in rows]", New: fmt.Sprintf(
					"\"skip\": skip, \"limit\": %d},\n        )\n        return [dict(row._mapping) | {\"about\": f\"All about {row.name}. \" * %d} for row in rows]", between(r, 300, 500), between(r, 40, 80))},
			}
			if err := s.Release(ctx, "Tell more about what was found", edits, s.WebA, s.WebB); err != nil {
				return nil, err
			}
			return func(ctx context.Context) error { return s.Back(ctx, s.WebA, s.WebB) }, nil
		},
	}
}

// heldInMemory is an export that is collected before it is sent.
func heldInMemory() Fault {
	return Fault{
		Name: "held-in-memory", Group: "Memory", Cause: "C-large-response-buffering",
		About:      "a release brings an export that is built in memory, and somebody uses it",
		Truth:      one("gateway/payload#large-answers-are-built-in-memory-before-they-are-sent", "app/memory#large-answers-are-held-in-memory"),
		LookAlikes: []string{"C-app-memory-leak", "C-large-payload"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			edits := []stack.Edit{{File: "orders/catalogue.py", Old: "@routes.get(\"/top\")\n", New: fmt.Sprintf(`@routes.get("/export")
async def export():
    async with database.transaction() as db:
        rows = (await db.execute(text("SELECT * FROM items ORDER BY id"))).all()
    lines = [",".join(str(value) for value in row) + "," + "x" * %d for row in rows]
    return {"lines": lines}


@routes.get("/top")
`, between(r, 300, 600))}}
			if err := s.Release(ctx, "An export of all items", edits, s.WebA, s.WebB); err != nil {
				return nil, err
			}
			s.Customers.Also(stack.Visit{Name: "export", Weight: 4, Do: func(ctx context.Context, c *stack.Customer) error { return c.Get(ctx, "/export") }})
			return func(ctx context.Context) error { s.Customers.Also(); return s.Back(ctx, s.WebA, s.WebB) }, nil
		},
	}
}
