package server_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/realserver"
)

// bigOrders makes the orders large enough for a scan to hurt, and ages the
// statistics so that the shop's statements are old acquaintances.
func bigOrders(s stage, rows int) {
	s.run(fmt.Sprintf("INSERT INTO orders (customer_id, state, total, note) SELECT g %% 2000 + 1, 'done', g %% 97, md5(g::text) FROM generate_series(1, %d) g", rows), "VACUUM ANALYZE orders")
}

func queryFaults() []Fault {
	return []Fault{
		{
			Name:  "postgres: index missing",
			Alone: true,
			Truth: []string{"db/queries#an-index-is-missing"},
			Variants: []Variant{
				with("equality, 2 clients", nil, func(s stage) {
					bigOrders(s, 200000)
					s.run("DROP INDEX orders_customer_id_idx")
					s.busy(2, "shop", "shop-api", 5*time.Millisecond, script("SELECT * FROM orders WHERE customer_id = %d % 2000"))
					settle(time.Second)
				}),
				with("the last rows of a customer, 3 clients", nil, func(s stage) {
					bigOrders(s, 300000)
					s.run("DROP INDEX orders_customer_id_idx")
					s.busy(3, "shop", "shop-api", 5*time.Millisecond, script("SELECT id, note FROM orders WHERE customer_id = %d ORDER BY id DESC LIMIT 10"))
					settle(time.Second)
				}),
				with("two columns, 3 clients", nil, func(s stage) {
					bigOrders(s, 300000)
					s.busy(3, "shop", "shop-api", 5*time.Millisecond, script("SELECT id FROM orders WHERE note = md5('%d') AND state = 'done'"))
					settle(time.Second)
				}),
			},
		},
		{
			Name:  "postgres: more work than the answer needs",
			Alone: true,
			Truth: []string{"db/queries#one-statement-does-far-more-work-than-its-answer-needs"},
			Variants: []Variant{
				with("deep OFFSET", nil, func(s stage) {
					bigOrders(s, 200000)
					s.busy(3, "shop", "shop-api", 5*time.Millisecond, script("SELECT * FROM orders ORDER BY id LIMIT 20 OFFSET 180000"))
					settle(2 * time.Second)
				}),
				with("OFFSET, 5 clients", nil, func(s stage) {
					bigOrders(s, 300000)
					s.busy(5, "worker", "", 10*time.Millisecond, script("SELECT id, note FROM orders ORDER BY id LIMIT 50 OFFSET 250000"))
					settle(2 * time.Second)
				}),
			},
		},
		{
			Name:  "postgres: sort spills to disk",
			Alone: true,
			Truth: []string{"db/queries#a-statement-sorts-or-joins-more-than-fits-in-memory"},
			Variants: []Variant{
				with("small work_mem", map[string]string{"work_mem": "64kB"}, func(s stage) {
					bigOrders(s, 60000)
					s.busy(2, "shop", "report", 10*time.Millisecond, script("SELECT o.id FROM orders o ORDER BY o.note, o.total OFFSET 79000"))
					settle(time.Second)
				}),
				with("hash join", map[string]string{"work_mem": "256kB", "hash_mem_multiplier": "1"}, func(s stage) {
					bigOrders(s, 150000)
					s.busy(2, "worker", "report", 10*time.Millisecond, script("SELECT count(*) FROM (SELECT note, count(*) AS n FROM orders GROUP BY note HAVING count(*) > 5) x"))
					settle(time.Second)
				}),
			},
		},
		{
			Name:  "postgres: processors saturated",
			Alone: true,
			Truth: []string{"db/server#the-servers-processors-are-saturated"},
			Variants: []Variant{
				with("12 sessions compute", nil, func(s stage) { computing(s, 12, 2000) }),
				with("24 sessions compute", nil, func(s stage) { computing(s, 24, 800) }),
			},
		},
		{
			Name:  "postgres: rows fetched one by one",
			Alone: true,
			Truth: []string{"db/queries#rows-are-fetched-one-by-one"},
			Variants: []Variant{
				with("60 per transaction", nil, func(s stage) { onePlusN(s, 2, 60) }),
				with("250 per transaction", nil, func(s stage) { onePlusN(s, 4, 250) }),
			},
		},
	}
}

func computing(s stage, sessions, numbers int) {
	s.busy(sessions, "shop", "shop-api", 0, script(fmt.Sprintf("SELECT sum(sqrt(a.id * b.id)) FROM customers a, customers b WHERE a.id <= 50 AND b.id <= %d", numbers)))
	settle(time.Second)
}

func onePlusN(s stage, clients, n int) {
	s.busy(clients, "shop", "shop-api", 20*time.Millisecond, func(ctx context.Context, conn *pgx.Conn, client, round int) error {
		tx, err := conn.Begin(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback(ctx) }()
		for i := range n {
			if _, err := tx.Exec(ctx, "SELECT email FROM customers WHERE id = $1", (round*n+i)%2000+1); err != nil {
				return err
			}
		}
		return tx.Commit(ctx)
	})
	settle(time.Second)
}

func vacuumFaults() []Fault {
	return []Fault{
		{
			Name:  "postgres: autovacuum off",
			Truth: []string{"db/vacuum#autovacuum-is-switched-off", "db/vacuum#tables-are-bloated-with-dead-rows"},
			Variants: []Variant{
				with("on one table", nil, func(s stage) {
					s.run("ALTER TABLE orders SET (autovacuum_enabled = false)")
					deadRows(s, 4)
				}),
				with("on the server", map[string]string{"autovacuum": "off"}, func(s stage) { deadRows(s, 6) }),
			},
		},
		{
			Name:  "postgres: idle transaction holds the horizon",
			Truth: []string{"db/vacuum#an-idle-transaction-keeps-dead-rows"},
			Variants: []Variant{
				with("a snapshot", nil, func(s stage) {
					s.session("worker", "export", "BEGIN ISOLATION LEVEL REPEATABLE READ", "SELECT count(*) FROM customers")
					settle(2 * time.Second)
					deadRows(s, 4)
					s.run("VACUUM orders")
				}),
				with("a writer", nil, func(s stage) {
					s.session("worker", "import", "BEGIN", "UPDATE customers SET visits = 1 WHERE id = 1")
					settle(2 * time.Second)
					deadRows(s, 5)
					s.run("VACUUM orders")
				}),
			},
		},
		{
			Name:  "postgres: prepared transaction holds the horizon",
			Truth: []string{"db/vacuum#a-prepared-transaction-keeps-dead-rows"},
			Variants: []Variant{
				with("one", nil, func(s stage) { preparedHorizon(s, 1, 4) }),
				with("three", nil, func(s stage) { preparedHorizon(s, 3, 6) }),
			},
		},
	}
}

// deadRows leaves dead rows in orders: each round updates all of them.
func deadRows(s stage, rounds int) {
	for range rounds {
		s.run("UPDATE orders SET total = total + 1")
	}
	s.await("SELECT n_dead_tup >= 10000 FROM pg_stat_user_tables WHERE relname = 'orders'")
}

func preparedHorizon(s stage, transactions, rounds int) {
	for i := range transactions {
		s.session("worker", "payments", "BEGIN", fmt.Sprintf("UPDATE customers SET visits = 1 WHERE id = %d", i+1), fmt.Sprintf("PREPARE TRANSACTION 'payment-%d'", i))
	}
	settle(time.Second)
	deadRows(s, rounds)
	s.run("VACUUM orders")
}

func logFaults() []Fault {
	return []Fault{
		{
			Name:  "postgres: slot without a reader",
			Truth: []string{"db/server#a-slot-that-nobody-reads-pins-the-log"},
			Variants: []Variant{
				with("physical, 200 MB", map[string]string{"max_wal_size": "64MB", "wal_keep_size": "0"}, func(s stage) {
					s.run("SELECT pg_create_physical_replication_slot('old_replica', true)")
					writeLog(s, 13)
				}),
				with("logical, 300 MB", map[string]string{"max_wal_size": "64MB", "wal_level": "logical"}, func(s stage) {
					s.run("SELECT pg_create_logical_replication_slot('cdc', 'test_decoding')")
					writeLog(s, 19)
				}),
			},
		},
		{
			Name:  "postgres: archiver fails",
			Truth: []string{"db/server#the-archiver-fails"},
			Variants: []Variant{
				with("command refused", map[string]string{"archive_mode": "on", "archive_command": "false"}, func(s stage) { writeLog(s, 6); archiverFailed(s) }),
				with("no such directory", map[string]string{"archive_mode": "on", "archive_command": "cp %p /nonexistent/%f"}, func(s stage) { writeLog(s, 14); archiverFailed(s) }),
			},
		},
		{
			Name:  "postgres: replay paused",
			Truth: []string{"db/replication#someone-paused-replay"},
			Variants: []Variant{
				withStandby("no load", func(s stage, standby *realserver.Postgres) {
					standby.Exec(s.t, "app", "SELECT pg_wal_replay_pause()")
					writeLog(s, 2)
				}),
				withStandby("under load", func(s stage, standby *realserver.Postgres) {
					s.busy(2, "shop", "shop-api", 5*time.Millisecond, script("UPDATE orders SET total = total + 1 WHERE id = %d % 20000"))
					standby.Exec(s.t, "app", "SELECT pg_wal_replay_pause()")
					settle(1500 * time.Millisecond)
				}),
			},
		},
		{
			Name:  "postgres: standby receives nothing",
			Truth: []string{"db/replication#the-standby-receives-nothing"},
			Variants: []Variant{
				withStandby("primary gone", func(s stage, standby *realserver.Postgres) {
					s.Stop()
					awaitAt(s.t, standby, "SELECT NOT EXISTS (SELECT 1 FROM pg_stat_wal_receiver)")
				}),
				withStandby("wrong address", func(s stage, standby *realserver.Postgres) {
					standby.Exec(s.t, "app", "ALTER SYSTEM SET primary_conninfo = 'host=127.0.0.1 port=1'", "SELECT pg_reload_conf()")
					awaitAt(s.t, standby, "SELECT NOT EXISTS (SELECT 1 FROM pg_stat_wal_receiver)")
				}),
			},
		},
		{
			Name:  "postgres: synchronous standby missing",
			Truth: []string{"db/replication#commits-wait-for-a-synchronous-standby-that-is-not-there"},
			Variants: []Variant{
				with("4 commits hang", nil, func(s stage) { syncMissing(s, 4) }),
				with("15 commits hang", nil, func(s stage) { syncMissing(s, 15) }),
			},
		},
	}
}

// writeLog writes about n log segments of 16 MB each.
func writeLog(s stage, segments int) {
	for range segments {
		s.run("SELECT pg_logical_emit_message(false, 'lab', repeat('x', 15000000))", "SELECT pg_switch_wal()")
	}
	s.run("CHECKPOINT")
}

func archiverFailed(s stage) { s.await("SELECT failed_count > 0 FROM pg_stat_archiver") }

func syncMissing(s stage, clients int) {
	s.run("ALTER SYSTEM SET synchronous_standby_names = 'replica1'", "SELECT pg_reload_conf()")
	s.await("SELECT current_setting('synchronous_standby_names') = 'replica1'")
	s.stuck(clients, "shop", "shop-api", "UPDATE customers SET visits = 1 WHERE id = 10 + %d")
	settle(time.Second)
}

// withStandby is a variant in which the service reads from a standby.
func withStandby(name string, do func(s stage, standby *realserver.Postgres)) Variant {
	return Variant{Name: name, Inject: func(t testing.TB, env *Env) {
		primary := newStage(t, &Env{}, nil)
		standby := realserver.StartPostgres(t, realserver.PostgresConfig{Standby: primary.Postgres, Slot: "s1"})
		primary.await("SELECT count(*) = 1 FROM pg_stat_replication WHERE state = 'streaming'")
		primary.target(env, "db", standby.URL("quell", "app"))
		do(primary, standby)
	}}
}

func schemaFaults() []Fault {
	return []Fault{
		{
			Name:  "postgres: invalid index",
			Truth: []string{"db/schema#an-index-is-invalid"},
			Variants: []Variant{
				with("unique build failed", nil, func(s stage) {
					failing(s, "CREATE UNIQUE INDEX CONCURRENTLY orders_once ON orders (customer_id)")
				}),
				with("build failed, queried", nil, func(s stage) {
					bigOrders(s, 100000)
					failing(s, "CREATE UNIQUE INDEX CONCURRENTLY orders_note ON orders (note)")
					s.busy(2, "shop", "shop-api", 10*time.Millisecond, script("SELECT id FROM orders WHERE customer_id = %d % 2000"))
				}),
			},
		},
		{
			Name:  "postgres: key runs out",
			Truth: []string{"db/schema#a-key-runs-out-of-numbers"},
			Variants: []Variant{
				with("serial at 97 %", nil, func(s stage) { s.run("SELECT setval('customers_id_seq', 2083059138)") }),
				with("smallint at its end", nil, func(s stage) {
					s.run("CREATE TABLE events (id smallserial PRIMARY KEY, what text)", "SELECT setval('events_id_seq', 32767)")
				}),
			},
		},
		{
			Name:  "postgres: migration failed half way",
			Truth: []string{"db/schema#a-migration-failed-half-way"},
			Variants: []Variant{
				with("golang-migrate", nil, func(s stage) {
					s.run("CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty bool NOT NULL)", "INSERT INTO schema_migrations VALUES (42, true)")
				}),
				with("flyway", nil, func(s stage) {
					s.run("CREATE TABLE flyway_schema_history (installed_rank int PRIMARY KEY, version text, script text, installed_on timestamp DEFAULT now(), success bool)",
						"INSERT INTO flyway_schema_history VALUES (1, '1', 'V1.sql', now(), true), (2, '2', 'V2.sql', now(), false)")
				}),
			},
		},
		{
			Name:  "postgres: database is empty",
			Truth: []string{"db/schema#the-database-is-empty"},
			Variants: []Variant{
				emptyDatabase("never migrated", func(s stage) {}),
				emptyDatabase("only another schema's view", func(s stage) { s.Exec(s.t, "fresh", "CREATE VIEW nothing AS SELECT 1") }),
			},
		},
		{
			Name:  "postgres: writes to a read-only server",
			Truth: []string{"db/schema#writes-go-to-a-server-that-does-not-take-them"},
			Variants: []Variant{
				with("set read-only", nil, func(s stage) {
					s.run("ALTER DATABASE app SET default_transaction_read_only = on")
					s.busy(2, "shop", "shop-api", 10*time.Millisecond, script("UPDATE customers SET visits = 1 WHERE id = %d"))
					settle(time.Second)
				}),
				with("the whole server", nil, func(s stage) {
					s.run("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
					s.await("SELECT current_setting('default_transaction_read_only')::bool")
					s.busy(4, "shop", "shop-api", 10*time.Millisecond, script("INSERT INTO orders (customer_id, state, total) VALUES (1, 'new', %d)"))
					settle(time.Second)
				}),
			},
		},
	}
}

// failing runs a statement that must fail and leave its traces.
func failing(s stage, sql string) {
	s.t.Helper()
	conn := s.Connect(s.t, "app")
	_, err := conn.Exec(context.Background(), sql)
	require.Error(s.t, err, sql)
}

func emptyDatabase(name string, do func(s stage)) Variant {
	return Variant{Name: name, Inject: func(t testing.TB, env *Env) {
		s := newStage(t, &Env{}, nil)
		s.run("CREATE DATABASE fresh")
		do(s)
		s.target(env, "db", s.URL("quell", "fresh"))
	}}
}
