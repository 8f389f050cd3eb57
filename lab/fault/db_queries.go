package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// indexDropped loses an index that a frequent statement needs.
func indexDropped() Fault {
	return Fault{
		Name: "index-dropped", Group: "DB queries", Cause: "C-missing-index",
		About:      "a clean-up drops an index that looked unused, on a table of many rows",
		Truth:      one(missingIndex...),
		LookAlikes: []string{"C-inefficient-query", "C-db-server-saturated", "C-n-plus-one"},
		Warm:       2 * time.Second,
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			if err := history(ctx, s); err != nil {
				return nil, err
			}
			if err := meanwhile(ctx, 25*time.Second); err != nil {
				return nil, err
			}
			index, table, columns := "lines_order", "order_lines", "order_id"
			if r.IntN(3) == 0 {
				// The other one: orders of a customer, in a table grown as well.
				if err := s.SQL(ctx, "orders", "SET ROLE orders; INSERT INTO orders (customer_id, state) SELECT 301 + g % 90000, 'paid' FROM generate_series(1, 900000) g; ANALYZE orders"); err != nil {
					return nil, err
				}
				index, table, columns = "orders_customer", "orders", "customer_id, id"
			}
			if err := s.SQL(ctx, "orders", "DROP INDEX "+index); err != nil {
				return nil, err
			}
			return func(ctx context.Context) error {
				return s.SQL(ctx, "orders", fmt.Sprintf("SET ROLE orders; CREATE INDEX %s ON %s (%s)", index, table, columns))
			}, nil
		},
	}
}

// wastefulSearch counts what nobody asked for.
func wastefulSearch() Fault {
	return Fault{
		Name: "wasteful-search", Group: "DB queries", Cause: "C-inefficient-query",
		About: "a release adds to each search a statement that goes through all lines of all orders for a number on the page",
		Truth: one("db/queries#one-statement-does-far-more-work-than-its-answer-needs", "db/queries#a-statement-that-was-not-there-before-takes-the-server",
			"app/slow#one-statement-became-slow"),
		LookAlikes: []string{"C-missing-index", "C-n-plus-one", "C-db-server-saturated"},
		Warm:       2 * time.Second,
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			if err := history(ctx, s); err != nil {
				return nil, err
			}
			if err := meanwhile(ctx, 25*time.Second); err != nil {
				return nil, err
			}
			wasteful := pick(r,
				"SELECT i.category, count(*) FROM order_lines l JOIN items i ON i.id = l.item_id GROUP BY i.category",
				"SELECT count(DISTINCT item_id) FROM order_lines WHERE item_id IN (SELECT id FROM items WHERE category = :category)",
				"SELECT item_id, count(*) AS n FROM order_lines GROUP BY item_id ORDER BY n DESC LIMIT 3")
			old := "    async with database.transaction() as db:\n        rows = await db.execute(\n            text(\"SELECT id, name, price FROM items WHERE category"
			edits := []stack.Edit{{File: "orders/catalogue.py", Old: old,
				New: "    async with database.transaction() as db:\n        await db.execute(text(\"" + wasteful + "\"), {\"category\": category})\n" +
					"        rows = await db.execute(\n            text(\"SELECT id, name, price FROM items WHERE category"}}
			if wasteful[len(wasteful)-1] != ')' { // it takes no parameter
				edits[0].New = "    async with database.transaction() as db:\n        await db.execute(text(\"" + wasteful + "\"))\n" +
					"        rows = await db.execute(\n            text(\"SELECT id, name, price FROM items WHERE category"
			}
			if err := s.Release(ctx, "Show how popular a category is", edits, pool(s)...); err != nil {
				return nil, err
			}
			return func(ctx context.Context) error { return s.Back(ctx, pool(s)...) }, nil
		},
	}
}

// oneByOne loads the lines of each order with a statement of its own.
func oneByOne() Fault {
	return Fault{
		Name: "one-by-one", Group: "DB queries", Cause: "C-n-plus-one",
		About:      "a release loads the lines of each order in a list, and the item of each line, with statements of their own",
		Truth:      one("app/slow#one-request-sends-many-statements", "db/queries#rows-are-fetched-one-by-one"),
		LookAlikes: []string{"C-missing-index", "C-inefficient-query", "C-pool-too-small"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			limit := between(r, 30, 50)
			edits := []stack.Edit{
				{File: "orders/purchases.py", Old: "async def mine(request: Request, limit: int = 10):", New: fmt.Sprintf("async def mine(request: Request, limit: int = %d):", limit)},
				{File: "orders/purchases.py", Old: "        return [dict(row._mapping) for row in orders]", New: `        found = []
        for order in orders.fetchall():
            lines = await db.execute(text("SELECT item_id, amount FROM order_lines WHERE order_id = :id"), {"id": order.id})
            names = []
            for line in lines.fetchall():
                names.append((await db.execute(text("SELECT name FROM items WHERE id = :id"), {"id": line.item_id})).scalar())
            found.append({**order._mapping, "items": names})
        return found`},
			}
			if err := s.Release(ctx, "Name the items in the list of orders", edits, pool(s)...); err != nil {
				return nil, err
			}
			return func(ctx context.Context) error { return s.Back(ctx, pool(s)...) }, nil
		},
	}
}
