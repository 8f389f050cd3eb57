package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// searchLine is the statement of the search, before which releases put their mistakes.
const searchLine = "    async with database.transaction() as db:\n        rows = await db.execute(\n            text(\"SELECT id, name, price FROM items WHERE category"

// inSearch is a release that does something at the beginning of each search,
// with what it needs at the top of the module.
func inSearch(top, body string) []stack.Edit {
	return []stack.Edit{
		{File: "orders/catalogue.py", Old: "routes = APIRouter()\n", New: "routes = APIRouter()\n" + top},
		{File: "orders/catalogue.py", Old: searchLine, New: body + searchLine},
	}
}

// released is the injection of a release of both instances.
func released(ctx context.Context, s *stack.Stack, message string, edits []stack.Edit) (Heal, error) {
	if err := s.Release(ctx, message, edits, s.WebA, s.WebB); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error { return s.Back(ctx, s.WebA, s.WebB) }, nil
}

// memoryLeak is a release that keeps something of every search.
func memoryLeak() Fault {
	return Fault{
		Name: "memory-leak", Group: "Memory", Cause: "C-app-memory-leak",
		About:      "a release keeps a history of searches, with their results, that nobody ever empties",
		Truth:      one("app/memory#memory-is-never-given-back"),
		LookAlikes: []string{"C-unbounded-cache", "C-large-response-buffering", "C-dataset-in-memory", "C-library-leak"},
		Settle:     70 * time.Second,
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			s.Customers.Rate(float64(between(r, 14, 20)))
			size := between(r, 6, 9)
			return released(ctx, s, "Remember what was searched for", inSearch("history = []\n", fmt.Sprintf("    history.append(bytearray(%d_000_000))\n", size)))
		},
	}
}
