package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// wholeExports is a release that builds exports in memory instead of streaming them.
func wholeExports() Fault {
	return Fault{
		Name: "exports-in-memory", Group: "Memory", Cause: "C-large-response-buffering",
		About:      "a release builds whole exports in memory before it sends them, and customers ask for many",
		Truth:      one("app/memory#large-answers-are-held-in-memory"),
		LookAlikes: []string{"C-app-memory-leak", "C-dataset-in-memory", "C-large-payload"},
		Settle:     50 * time.Second,
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			edit := stack.Edit{File: "orders/purchases.py", Old: "    return StreamingResponse(lines(), media_type=\"text/csv\")\n", New: fmt.Sprintf(
				"    page = \"\".join([line async for line in lines()]).encode()\n"+
					"    return Response(page * (%d_000_000 // max(len(page), 1)), media_type=\"text/csv\")\n", between(r, 50, 80))}
			heal, err := released(ctx, s, "Exports with a length", []stack.Edit{
				edit, {File: "orders/purchases.py", Old: "from fastapi import APIRouter, HTTPException, Request\n", New: "from fastapi import APIRouter, HTTPException, Request, Response\n"},
			})
			s.Customers.Also(stack.Visit{Name: "export", Weight: between(r, 4, 7), Do: func(ctx context.Context, c *stack.Customer) error {
				return c.Get(ctx, "/export?rows=2000")
			}})
			return heal, err
		},
	}
}
