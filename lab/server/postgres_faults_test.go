package server_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// postgresFaults lists what goes wrong in and around a Postgres server.
func postgresFaults() []Fault {
	var all []Fault
	for _, group := range [][]Fault{sessionFaults(), lockFaults(), queryFaults(), vacuumFaults(), serverFaults(), logFaults(), schemaFaults(), postgresHealthy()} {
		all = append(all, group...)
	}
	return all
}

// with is a variant on a stage of its own.
func with(name string, settings map[string]string, do func(s stage)) Variant {
	return Variant{Name: name, Inject: func(t testing.TB, env *Env) { do(newStage(t, env, settings)) }}
}

func sessionFaults() []Fault {
	return []Fault{
		{
			Name:  "postgres: transactions leak",
			Truth: []string{"db/connections#transactions-are-opened-and-never-finished"},
			Variants: []Variant{
				with("10 of 10, one path", nil, func(s stage) {
					for i := range 10 {
						s.session("shop", "shop-api", "BEGIN", fmt.Sprintf("SELECT * FROM orders WHERE id = %d", i+1))
						settle(100 * time.Millisecond)
					}
					settle(lost)
				}),
				with("25, written, mixed paths", nil, func(s stage) {
					s.crowd(15, "shop", "shop-api", "BEGIN", "UPDATE customers SET visits = visits + 1 WHERE id = %d + 1")
					s.crowd(10, "shop", "shop-api", "BEGIN", "INSERT INTO orders (customer_id, state, total) VALUES (%d, 'new', 1)", "SELECT 1")
					s.busy(2, "worker", "jobs", 20*time.Millisecond, script("SELECT * FROM orders WHERE id = %d"))
					settle(lost)
				}),
			},
		},
		{
			Name:  "postgres: failed transactions stay open",
			Truth: []string{"db/connections#failed-transactions-are-never-rolled-back"},
			Variants: []Variant{
				with("6 sessions", nil, func(s stage) { failedTransactions(s, 6) }),
				with("20 sessions beside a load", nil, func(s stage) {
					failedTransactions(s, 20)
					s.busy(2, "worker", "jobs", 20*time.Millisecond, script("SELECT * FROM orders WHERE id = %d"))
				}),
			},
		},
		{
			Name:  "postgres: server full",
			Truth: []string{"db/connections#the-server-has-no-slot-left"},
			Variants: []Variant{
				with("one pool too large", map[string]string{"max_connections": "20"}, func(s stage) { s.crowd(17, "shop", "shop-api", "SELECT 1") }),
				with("two places left", map[string]string{"max_connections": "60"}, func(s stage) {
					s.crowd(30, "shop", "shop-api", "SELECT 1")
					s.crowd(25, "worker", "", "SELECT 1")
				}),
				with("many instances", map[string]string{"max_connections": "40", "superuser_reserved_connections": "5"}, func(s stage) {
					for i := range 7 {
						s.crowd(5, "shop", fmt.Sprintf("shop-api-%d", i), "SELECT 1")
					}
				}),
			},
		},
		{
			Name:  "postgres: role limit",
			Truth: []string{"db/connections#the-role-is-at-its-own-limit"},
			Variants: []Variant{
				with("5 of 5", nil, func(s stage) {
					s.run("ALTER ROLE shop CONNECTION LIMIT 5")
					s.crowd(5, "shop", "shop-api", "SELECT 1")
				}),
				with("20 of 20, our own role", nil, func(s stage) {
					s.run("ALTER ROLE quell CONNECTION LIMIT 20")
					s.crowd(20, "quell", "dashboards", "SELECT 1")
				}),
			},
		},
		{
			Name:  "postgres: database limit",
			Truth: []string{"db/connections#the-database-is-at-its-own-limit"},
			Variants: []Variant{
				with("4 of 4", nil, func(s stage) {
					s.run("ALTER DATABASE app CONNECTION LIMIT 4")
					s.crowd(4, "shop", "shop-api", "SELECT 1")
				}),
				with("15 of 15, two roles", nil, func(s stage) {
					s.run("ALTER DATABASE app CONNECTION LIMIT 15")
					s.crowd(10, "shop", "shop-api", "SELECT 1")
					s.crowd(5, "worker", "jobs", "SELECT 1")
				}),
			},
		},
	}
}

// lost is how old a transaction must be to count as lost rather than paused;
// the playbook's own bound is 10 s.
const lost = 10500 * time.Millisecond

func failedTransactions(s stage, n int) {
	for range n {
		conn := s.session("shop", "shop-api", "BEGIN", "SELECT 1")
		_, _ = conn.Exec(context.Background(), "SELECT no_such_column FROM orders")
	}
	settle(lost)
}

func lockFaults() []Fault {
	return []Fault{
		{
			Name:  "postgres: idle transaction holds a lock",
			Truth: []string{"db/locks#an-idle-transaction-holds-locks-that-others-need"},
			Variants: []Variant{
				with("5 victims on rows", nil, func(s stage) {
					s.session("shop", "shop-api", "BEGIN", "UPDATE orders SET state = 'x' WHERE id < 100")
					s.stuck(5, "shop", "checkout", "UPDATE orders SET total = 0 WHERE id = 10 + %d")
					settle(time.Second)
				}),
				with("a table, 12 readers", nil, func(s stage) {
					s.session("worker", "psql", "BEGIN", "LOCK TABLE customers IN ACCESS EXCLUSIVE MODE", "SELECT 1")
					s.stuck(12, "shop", "shop-api", "SELECT * FROM customers WHERE id = %d")
					settle(time.Second)
				}),
			},
		},
		{
			Name:  "postgres: running statement holds a lock",
			Truth: []string{"db/locks#a-running-statement-holds-locks-that-others-need"},
			Variants: []Variant{
				with("a batch update", nil, func(s stage) {
					s.stuck(1, "worker", "nightly", "BEGIN", "WITH u AS (UPDATE orders SET note = 'y' WHERE id < 5000 RETURNING id) SELECT count(*), (SELECT pg_sleep(60)) FROM u")
					settle(300 * time.Millisecond)
					s.stuck(4, "shop", "shop-api", "UPDATE orders SET state = 'paid' WHERE id = 100 + %d")
					settle(time.Second)
				}),
				with("a load that locks a table", nil, func(s stage) {
					s.stuck(1, "worker", "loader", "BEGIN", "LOCK TABLE customers IN ACCESS EXCLUSIVE MODE", "SELECT pg_sleep(60)")
					s.stuck(6, "shop", "shop-api", "SELECT * FROM customers WHERE id = %d")
					settle(1500 * time.Millisecond)
				}),
				with("a report that locks", nil, func(s stage) {
					s.stuck(1, "worker", "report", "BEGIN", "SELECT * FROM customers WHERE id = 7 FOR UPDATE", "SELECT count(*) FROM orders a, orders b, orders c WHERE a.total < b.total + c.total")
					s.stuck(8, "shop", "shop-api", "UPDATE customers SET visits = %d WHERE id = 7")
					settle(time.Second)
				}),
			},
		},
		{
			Name: "postgres: schema change queues everyone",
			// The session at the head of the queue is as true a cause as the change
			// that queues behind it: which one is ended is a choice.
			Truth: []string{"db/locks#a-schema-change-waits-and-everyone-queues-behind-it", "db/locks#a-running-statement-holds-locks-that-others-need",
				"db/locks#an-idle-transaction-holds-locks-that-others-need"},
			Variants: []Variant{
				with("ALTER behind a report", nil, func(s stage) {
					s.stuck(1, "worker", "report", "SELECT count(*) FROM orders, pg_sleep(60)")
					s.stuck(1, "postgres", "alembic", "ALTER TABLE orders ADD COLUMN gift bool")
					s.stuck(6, "shop", "shop-api", "SELECT * FROM orders WHERE id = %d")
					settle(time.Second)
				}),
				with("CREATE INDEX behind a writer", nil, func(s stage) {
					s.session("worker", "import", "BEGIN", "INSERT INTO orders (customer_id, state, total) VALUES (1, 'new', 1)")
					s.stuck(1, "postgres", "migrate", "CREATE INDEX ON orders (state)")
					s.stuck(10, "shop", "shop-api", "INSERT INTO orders (customer_id, state, total) VALUES (%d, 'new', 1)")
					settle(time.Second)
				}),
			},
		},
		{
			Name:  "postgres: schema change holds a table",
			Truth: []string{"db/locks#a-schema-change-holds-a-table"},
			Variants: []Variant{
				with("ALTER that runs", nil, func(s stage) {
					s.stuck(1, "postgres", "alembic", "ALTER TABLE customers ALTER COLUMN email TYPE text USING email || pg_sleep(1)::text")
					s.stuck(5, "shop", "shop-api", "SELECT * FROM customers WHERE id = %d")
					settle(time.Second)
				}),
				with("migration left open", nil, func(s stage) {
					s.session("postgres", "alembic", "BEGIN", "ALTER TABLE orders ADD COLUMN gift bool")
					s.stuck(9, "shop", "shop-api", "SELECT * FROM orders WHERE id = %d")
					settle(time.Second)
				}),
			},
		},
		{
			Name:  "postgres: row hot spot",
			Alone: true,
			Truth: []string{"db/locks#many-sessions-update-the-same-row"},
			Variants: []Variant{
				with("a counter, 8 clients", nil, func(s stage) { hotRow(s, 8, 50*time.Millisecond) }),
				with("a counter, 20 clients", nil, func(s stage) { hotRow(s, 20, 20*time.Millisecond) }),
			},
		},
		{
			Name:  "postgres: advisory lock",
			Truth: []string{"db/locks#sessions-wait-for-a-lock-that-the-application-made"},
			Variants: []Variant{
				with("migration runners", nil, func(s stage) {
					s.session("shop", "migrate-1", "SELECT pg_advisory_lock(4242)")
					s.stuck(3, "shop", "migrate", "SELECT pg_advisory_lock(4242)")
					settle(time.Second)
				}),
				with("a job mutex, 10 workers", nil, func(s stage) {
					s.stuck(1, "worker", "job", "BEGIN", "SELECT pg_advisory_xact_lock(1, 9)", "SELECT pg_sleep(60)")
					s.stuck(10, "worker", "jobs", "BEGIN", "SELECT pg_advisory_xact_lock(1, 9)")
					settle(time.Second)
				}),
			},
		},
		{
			Name:  "postgres: deadlocks",
			Truth: []string{"db/locks#transactions-take-the-same-rows-in-different-order"},
			Variants: []Variant{
				with("pairs of rows", map[string]string{"deadlock_timeout": "50ms"}, func(s stage) { deadlocks(s, 4) }),
				with("many pairs", map[string]string{"deadlock_timeout": "200ms"}, func(s stage) { deadlocks(s, 10) }),
			},
		},
		{
			Name:  "postgres: prepared transaction holds a lock",
			Truth: []string{"db/locks#a-prepared-transaction-holds-locks"},
			Variants: []Variant{
				with("3 victims", nil, func(s stage) { preparedLock(s, 3, "UPDATE orders SET state = 'x' WHERE id < 50") }),
				with("9 victims", nil, func(s stage) { preparedLock(s, 9, "DELETE FROM orders WHERE id BETWEEN 1 AND 20") }),
			},
		},
		{
			Name:  "postgres: lock table nearly full",
			Truth: []string{"db/locks#the-lock-table-is-full"},
			Variants: []Variant{
				with("advisory locks", nil, func(s stage) {
					s.session("worker", "jobs", "SELECT count(pg_advisory_lock(g)) FROM generate_series(1, 4300) g")
				}),
				with("locks on many keys", map[string]string{"max_locks_per_transaction": "32"}, func(s stage) {
					s.session("worker", "jobs", "BEGIN", "SELECT count(pg_advisory_xact_lock(g)) FROM generate_series(1, 2200) g")
				}),
			},
		},
	}
}

func hotRow(s stage, clients int, hold time.Duration) {
	s.busy(clients, "shop", "shop-api", 0, script("BEGIN", "UPDATE customers SET visits = visits + 1 WHERE id = 1",
		fmt.Sprintf("SELECT pg_sleep(%f)", hold.Seconds()), "COMMIT"))
	settle(1500 * time.Millisecond)
}

func deadlocks(s stage, clients int) {
	s.busy(clients, "shop", "shop-api", 0, func(ctx context.Context, conn *pgx.Conn, client, round int) error {
		first, second := 1, 2
		if client%2 == 1 {
			first, second = 2, 1
		}
		return script("BEGIN", fmt.Sprintf("UPDATE customers SET visits = visits + 1 WHERE id = %d", first), "SELECT pg_sleep(0.01)",
			fmt.Sprintf("UPDATE customers SET visits = visits + 1 WHERE id = %d", second), "COMMIT")(ctx, conn, client, round)
	})
	s.await("SELECT deadlocks >= 8 FROM pg_stat_database WHERE datname = 'app'")
}

func preparedLock(s stage, victims int, change string) {
	conn := s.session("shop", "shop-api", "BEGIN", change, "PREPARE TRANSACTION 'order-17'")
	_ = conn
	s.stuck(victims, "shop", "checkout", "UPDATE orders SET total = 0 WHERE id = 2 + %d")
	settle(time.Second)
}
