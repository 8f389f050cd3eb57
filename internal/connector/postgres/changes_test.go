package postgres_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/action/actiontest"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/postgres"
	"github.com/quellhq/quell/internal/realserver"
)

// changed is the server of all tests that change something. Its log has every
// statement that was carried out, which is how effects are counted.
var changed *realserver.Postgres

func startChanged(t testing.TB) {
	changed = realserver.StartPostgres(t, realserver.PostgresConfig{Settings: map[string]string{
		"log_min_duration_statement": "0", "wal_level": "logical", "autovacuum": "off",
	}})
	changed.Exec(t, "app",
		"CREATE ROLE app LOGIN", "CREATE ROLE monitor LOGIN", "GRANT pg_monitor TO monitor",
		// What README.md says of each action, and nothing more.
		"CREATE ROLE changer LOGIN REPLICATION CREATEROLE", "GRANT pg_monitor, pg_signal_backend, app TO changer",
		"GRANT ALTER SYSTEM ON PARAMETER "+strings.Join(alteredParameters, ", ")+" TO changer",
		"GRANT EXECUTE ON FUNCTION pg_reload_conf() TO changer",
		"GRANT SELECT ON pg_file_settings TO changer", "GRANT EXECUTE ON FUNCTION pg_show_all_file_settings() TO changer",
		"CREATE DATABASE limited OWNER app",
		"GRANT CREATE ON SCHEMA public TO app")
}

// alteredParameters are those that tests change.
var alteredParameters = []string{
	"idle_in_transaction_session_timeout", "work_mem", "max_slot_wal_keep_size", "max_locks_per_transaction", "wal_buffers", "log_lock_waits",
	"synchronous_standby_names", "random_page_cost", "deadlock_timeout", "temp_file_limit", "session_preload_libraries", "application_name", "DateStyle", "archive_cleanup_command",
}

// changer opens the server as the role with the grants of the README.
func changer(t *testing.T) action.Changer { return changerAt(t, changed.URL("changer", "app")) }

func changerAt(t *testing.T, url string) action.Changer {
	t.Helper()
	return openAt(t, url, nil, connector.Limits{}).(action.Changer)
}

// nobodyThere opens an address at which nobody answers.
func nobodyThere(t *testing.T) action.Changer {
	t.Helper()
	return changerAt(t, fmt.Sprintf("postgres://changer@127.0.0.1:%d/app", realserver.Port(t)))
}

func preview(t testing.TB, target action.Changer, name string, args map[string]any) (action.Preview, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return actiontest.Doer(t, target, name).Preview(ctx, hands.Change(t, name, args))
}

// planned previews a change and makes an order of it.
func planned(t testing.TB, target action.Changer, name string, args map[string]any) action.Order {
	t.Helper()
	p, err := preview(t, target, name, args)
	require.NoError(t, err)
	require.False(t, p.Already, p.Summary)
	return action.Order{Change: hands.Change(t, name, args), Preview: p, Key: "INC-9.1." + t.Name(), By: "tester", Intended: time.Now()}
}

func apply(t testing.TB, target action.Changer, o action.Order) (action.Done, error) {
	t.Helper()
	return applyWithin(t, target, o, 20*time.Second)
}

func applyWithin(t testing.TB, target action.Changer, o action.Order, d time.Duration) (action.Done, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	return actiontest.Doer(t, target, o.Type).Apply(ctx, o)
}

func standingOf(t testing.TB, target action.Changer, o action.Order) action.Standing {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	s, err := actiontest.Doer(t, target, o.Type).Standing(ctx, o)
	require.NoError(t, err)
	return s
}

// logged counts the lines of the server's log that match.
func logged(t testing.TB, s *realserver.Postgres, pattern string) int {
	t.Helper()
	data, err := os.ReadFile(s.LogFile)
	require.NoError(t, err)
	return len(regexp.MustCompile(pattern).FindAll(data, -1))
}

// value asks the changed server for one text.
func value(t testing.TB, database, query string) string {
	t.Helper()
	return valueAt(t, changed, database, query)
}

func valueAt(t testing.TB, s *realserver.Postgres, database, query string) string {
	t.Helper()
	conn, err := s.Dial("postgres", database, "look")
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	defer func() { _ = conn.Close(ctx) }()
	var out string
	require.NoError(t, conn.QueryRow(ctx, "SELECT coalesce(("+query+")::text, '')").Scan(&out))
	return out
}

// database is one of the changed server's. Builds of indexes wait for all
// transactions of their database: who holds one open has a database of his own.
type database string

func ownDatabase(t testing.TB) database {
	t.Helper()
	name := fmt.Sprintf("own_%d", databases.Add(1))
	changed.Exec(t, "", "CREATE DATABASE "+name)
	changed.Exec(t, name, "GRANT CREATE ON SCHEMA public TO app")
	return database(name)
}

var databases atomic.Int64

func (d database) changer(t *testing.T) action.Changer {
	t.Helper()
	return changerAt(t, changed.URL("changer", string(d)))
}

// table makes a table of the role app with a thousand rows, a half of them dead.
func (d database) table(t testing.TB, name string) {
	t.Helper()
	changed.Exec(t, string(d), "CREATE TABLE "+name+" AS SELECT g AS id, g % 10 AS kind FROM generate_series(1, 1000) g",
		"ALTER TABLE "+name+" OWNER TO app", "DELETE FROM "+name+" WHERE id % 2 = 0")
}

func (d database) value(t testing.TB, query string) string {
	t.Helper()
	return value(t, string(d), query)
}

// session opens a session of the role app and runs statements in it.
func (d database) session(t testing.TB, statements ...string) (*pgx.Conn, int64) {
	t.Helper()
	conn := changed.ConnectAs(t, "app", string(d), t.Name())
	for _, s := range statements {
		_, err := conn.Exec(context.Background(), s)
		require.NoError(t, err)
	}
	return conn, int64(conn.PgConn().PID())
}

// busy opens a session that runs a statement until it is stopped.
func (d database) busy(t testing.TB, statement string) int64 {
	t.Helper()
	conn, pid := d.session(t)
	keepBusy(t, conn, pid, statement)
	return pid
}

// session opens a session on the changed server and runs statements in it.
func session(t testing.TB, role, application string, statements ...string) (*pgx.Conn, int64) {
	t.Helper()
	conn := changed.ConnectAs(t, role, "app", application)
	for _, s := range statements {
		_, err := conn.Exec(context.Background(), s)
		require.NoError(t, err)
	}
	return conn, int64(conn.PgConn().PID())
}

// busy opens a session on the changed server that runs a statement until it is
// stopped, and waits until the server shows it at that.
func busy(t testing.TB, role, application, statement string) int64 {
	t.Helper()
	conn, pid := session(t, role, application)
	keepBusy(t, conn, pid, statement)
	return pid
}

func keepBusy(t testing.TB, conn *pgx.Conn, pid int64, statement string) {
	t.Helper()
	ended := make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer close(ended)
		_, _ = conn.Exec(ctx, statement)
	}()
	t.Cleanup(func() { cancel(); <-ended })
	eventually(t, func() bool {
		return value(t, "app", fmt.Sprintf("SELECT state FROM pg_stat_activity WHERE pid = %d AND query = $q$%s$q$", pid, statement)) == "active"
	})
}

// eventually polls, for the server is another process.
func eventually(t testing.TB, shown func() bool) {
	t.Helper()
	require.Eventually(t, shown, 10*time.Second, 20*time.Millisecond)
}

// hands do the actions of this connector.
var hands = actiontest.Hands{Specs: postgres.Kind().Actions}
