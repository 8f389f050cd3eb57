package server_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/realserver"
)

// stage is a Postgres server with a small shop in it, of which one diagnosis is
// made. Each fault has its own, so that none leaves anything behind.
type stage struct {
	*realserver.Postgres
	t testing.TB
}

// shopTables are the shop: small, with an index for everything it asks.
var shopTables = []string{
	"CREATE ROLE shop LOGIN", "CREATE ROLE worker LOGIN", "CREATE ROLE quell LOGIN", "GRANT pg_monitor, pg_read_all_data TO quell",
	"CREATE TABLE customers (id serial PRIMARY KEY, email text NOT NULL UNIQUE, visits int NOT NULL DEFAULT 0)",
	"CREATE TABLE orders (id bigserial PRIMARY KEY, customer_id int NOT NULL, state text NOT NULL, total numeric NOT NULL, note text)",
	"INSERT INTO customers (email) SELECT 'c' || g || '@example.org' FROM generate_series(1, 2000) g",
	"INSERT INTO orders (customer_id, state, total, note) SELECT g % 2000 + 1, 'done', g % 97, repeat('n', 60) FROM generate_series(1, 20000) g",
	"CREATE INDEX ON orders (customer_id)", "GRANT ALL ON ALL TABLES IN SCHEMA public TO shop, worker", "GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO shop, worker",
	"VACUUM ANALYZE",
}

// newStage starts a server with the shop, and gives the service its database.
func newStage(t testing.TB, env *Env, settings map[string]string) stage {
	t.Helper()
	s := stage{realserver.StartPostgres(t, realserver.PostgresConfig{Settings: settings}), t}
	s.Exec(t, "app", shopTables...)
	s.target(env, "db", s.URL("quell", "app"))
	return s
}

func (s stage) target(env *Env, name, url string) {
	env.Add(name, "postgres", connector.Settings{"url": url, "connect_timeout": "1s"})
}

// run runs statements as superuser in the shop's database.
func (s stage) run(statements ...string) { s.Exec(s.t, "app", statements...) }

// session opens one session of a client and runs statements in it, which must
// succeed; it stays open until the test ends.
func (s stage) session(role, application string, statements ...string) *pgx.Conn {
	s.t.Helper()
	conn := s.ConnectAs(s.t, role, "app", application)
	for _, sql := range statements {
		_, err := conn.Exec(context.Background(), sql)
		require.NoError(s.t, err, sql)
	}
	return conn
}

// crowd opens n sessions that run statements and then do nothing.
func (s stage) crowd(n int, role, application string, statements ...string) {
	for i := range n {
		s.session(role, application, replaced(statements, i)...)
	}
}

// stuck starts n sessions whose last statement is not expected to come back
// while the test runs, and waits until all of them are in it.
func (s stage) stuck(n int, role, application string, statements ...string) {
	s.t.Helper()
	last := statements[len(statements)-1]
	var wait sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	for i := range n {
		conn := s.session(role, application, replaced(statements[:len(statements)-1], i)...)
		wait.Add(1)
		go func() {
			defer wait.Done()
			_, _ = conn.Exec(ctx, replaced([]string{last}, i)[0])
		}()
	}
	s.t.Cleanup(func() { cancel(); wait.Wait() })
	s.await(fmt.Sprintf("SELECT count(*) >= %d FROM pg_stat_activity WHERE application_name = '%s' AND state = 'active'", n, application))
}

// busy runs a script over and over in n sessions until the test ends. Errors
// of the script are part of some faults, and do not stop it.
func (s stage) busy(n int, role, application string, pause time.Duration, script func(ctx context.Context, conn *pgx.Conn, client, round int) error) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	for client := range n {
		conn, err := s.Dial(role, "app", application)
		require.NoError(s.t, err)
		wait.Add(1)
		go func() {
			defer wait.Done()
			defer func() {
				closing, stop := context.WithTimeout(context.Background(), time.Second)
				defer stop()
				_ = conn.Close(closing)
			}()
			for round := 0; ctx.Err() == nil && !conn.IsClosed(); round++ {
				_ = script(ctx, conn, client, round)
				pausing(ctx, pause)
			}
		}()
	}
	s.t.Cleanup(func() { cancel(); wait.Wait() })
}

// statements is a script that runs each statement in turn; %d is the round.
func script(statements ...string) func(context.Context, *pgx.Conn, int, int) error {
	return func(ctx context.Context, conn *pgx.Conn, client, round int) error {
		for _, sql := range replaced(statements, client*7919+round) {
			if _, err := conn.Exec(ctx, sql); err != nil {
				if conn.PgConn().TxStatus() != 'I' && !conn.IsClosed() {
					_, _ = conn.Exec(ctx, "ROLLBACK")
				}
				return err
			}
		}
		return nil
	}
}

func replaced(statements []string, n int) []string {
	out := make([]string, len(statements))
	for i, s := range statements {
		out[i] = strings.ReplaceAll(s, "%d", fmt.Sprint(n))
	}
	return out
}

func pausing(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// await waits until a question of one boolean is true.
func (s stage) await(sql string) { awaitAt(s.t, s.Postgres, sql) }

func awaitAt(t testing.TB, pg *realserver.Postgres, sql string) {
	t.Helper()
	conn, err := pg.Dial("postgres", "app", "lab")
	require.NoError(t, err)
	defer func() { _ = conn.Close(context.Background()) }()
	realserver.WaitFor(t, sql, 20*time.Second, pg.LogFile, func() error {
		var ok bool
		if err := conn.QueryRow(context.Background(), sql).Scan(&ok); err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("not yet")
		}
		return nil
	})
}

// settle lets a fault age: some signs are about how long something lasts.
func settle(d time.Duration) { time.Sleep(d) }
