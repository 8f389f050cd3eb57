package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// rowsLocked is somebody who holds rows that customers need.
func rowsLocked() Fault {
	return Fault{
		Name: "rows-locked", Group: "DB locks", Cause: "C-lock-contention",
		About:      "a console with an open transaction, or a batch, holds the rows of items that customers buy and change",
		Truth:      one(append([]string{"app/pool#statements-wait-for-a-lock"}, lockHolders...)...),
		LookAlikes: []string{"C-pool-too-small", "C-long-transaction", "C-missing-index", "C-migration-lock-peak"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			mine, end := context.WithCancel(ctx)
			hold := "BEGIN; UPDATE items SET stock = stock WHERE id <= %d;" // and then: coffee
			if r.IntN(2) == 0 {
				hold = "BEGIN; UPDATE items SET stock = stock WHERE id <= %d; SELECT pg_sleep(600);"
			}
			if err := s.Session(mine, "orders", pick(r, "psql", "stock-keeping"), fmt.Sprintf(hold, between(r, 12000, 20000))); err != nil {
				end()
				return nil, err
			}
			return func(context.Context) error { end(); return nil }, nil
		},
	}
}

// transactionLeftOpen is a console that nobody waits for yet.
func transactionLeftOpen() Fault {
	return Fault{
		Name: "transaction-left-open", Group: "DB locks", Cause: "C-long-transaction",
		About: "somebody looked at data in a transaction and went home, while a table is written all the time: vacuum may remove nothing",
		Truth: one("db/locks#a-transaction-was-left-open", "db/vacuum#an-idle-transaction-keeps-dead-rows", "db/vacuum#a-long-transaction-keeps-dead-rows"),
		// Most of the time nobody feels it: dead rows are what is seen.
		LookAlikes: []string{"C-table-bloat", "C-lock-contention", "C-connection-leak"},
		Settle:     75 * time.Second,
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			mine, end := context.WithCancel(ctx)
			if err := s.Session(mine, "orders", pick(r, "psql", "DBeaver", "pgAdmin 4"), "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM items;"); err != nil {
				end()
				return nil, err
			}
			for range between(r, 2, 4) { // a price list is read in, again and again
				if err := s.SQL(ctx, "orders", "SET ROLE orders; UPDATE items SET price = price + 1"); err != nil {
					end()
					return nil, err
				}
			}
			return func(context.Context) error { end(); return nil }, nil
		},
	}
}

// migrationInTheQueue is a change of the schema that cannot have its lock.
func migrationInTheQueue() Fault {
	return Fault{
		Name: "migration-at-noon", Group: "DB locks", Cause: "C-migration-lock-peak",
		About: "a column is added at a busy time; it waits behind a long read, and everybody waits behind it",
		// Whom the change waits for is as true a cause: which of the two is ended is a choice.
		Truth:      one(append(append([]string{}, schemaChanges...), lockHolders...)...),
		LookAlikes: []string{"C-lock-contention", "C-long-transaction", "C-pool-too-small"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			mine, end := context.WithCancel(ctx)
			table := pick(r, "orders", "items", "order_lines")
			read := fmt.Sprintf("SELECT count(*), max(pg_sleep(0.02)::text) FROM (SELECT id FROM %s LIMIT 20000) AS slow;", table)
			if r.IntN(2) == 0 {
				read = fmt.Sprintf("BEGIN; SELECT count(*) FROM %s;", table)
			}
			for _, session := range []struct{ application, text string }{{"nightly-report", read}, {"alembic", fmt.Sprintf("ALTER TABLE %s ADD COLUMN note text;", table)}} {
				if err := s.Session(mine, "orders", session.application, session.text); err != nil {
					end()
					return nil, err
				}
				time.Sleep(500 * time.Millisecond)
			}
			return func(context.Context) error { end(); return nil }, nil
		},
	}
}
