package postgres_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/postgres"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/realserver"
)

const password = "correct-horse-battery"

// refusals lets each role fail in its own way.
const refusals = `
local all postgres trust
host all postgres 127.0.0.1/32 trust
host all locked 127.0.0.1/32 scram-sha-256
host all limited 127.0.0.1/32 trust
host all app 127.0.0.1/32 trust
host replication all 127.0.0.1/32 trust
`

func TestEachRefusalHasItsName(t *testing.T) {
	needServer(t)
	own := realserver.StartPostgres(t, realserver.PostgresConfig{HBA: refusals, Settings: map[string]string{"max_connections": "12", "superuser_reserved_connections": "2"}})
	own.Exec(t, "app", "CREATE ROLE locked LOGIN PASSWORD '"+password+"'", "CREATE ROLE limited LOGIN CONNECTION LIMIT 0", "CREATE ROLE app LOGIN", "CREATE ROLE outsider LOGIN",
		"CREATE DATABASE small CONNECTION LIMIT 0", "CREATE DATABASE closed", "REVOKE CONNECT ON DATABASE closed FROM PUBLIC")
	silent := listen(t)
	closed := realserver.Port(t)
	at := func(user, db string) string {
		return fmt.Sprintf("postgres://%s@127.0.0.1:%d/%s?sslmode=disable", user, own.Port, db)
	}
	for _, c := range []struct {
		name, url, refusal string
		status             evidence.Status
	}{
		{"wrong password", at("locked:wrong-"+password, "app"), postgres.RefusalPassword, evidence.Denied},
		{"no password", at("locked", "app"), postgres.RefusalPassword, evidence.Denied},
		{"no such database", at("app", "nowhere"), postgres.RefusalNoDatabase, evidence.Unreachable},
		{"no such role", strings.Replace(at("postgres", "app"), "postgres@", "ghost@", 1), postgres.RefusalHBA, evidence.Denied},
		{"not in pg_hba", at("outsider", "app"), postgres.RefusalHBA, evidence.Denied},
		{"no CONNECT privilege", at("app", "closed"), postgres.RefusalNotAllowed, evidence.Denied},
		{"role limit", at("limited", "app"), postgres.RefusalRoleLimit, evidence.Unreachable},
		{"database limit", at("app", "small"), postgres.RefusalDatabaseLimit, evidence.Unreachable},
		{"TLS wanted, not offered", strings.Replace(at("app", "app"), "disable", "require", 1), postgres.RefusalTLS, evidence.Unreachable},
		{"nothing listens", fmt.Sprintf("postgres://app@127.0.0.1:%d/app", closed), postgres.RefusalRefused, evidence.Unreachable},
		{"never answers", fmt.Sprintf("postgres://app@%s/app", silent), postgres.RefusalTimeout, evidence.TimedOut},
		{"no such host", "postgres://app@nowhere.invalid/app", postgres.RefusalNoHost, evidence.Unreachable},
		{"no such socket", "host=/nonexistent port=5432 user=app dbname=app", postgres.RefusalNoSocket, evidence.Unreachable},
	} {
		t.Run(c.name, func(t *testing.T) {
			target := openAt(t, c.url, connector.Settings{"connect_timeout": "300ms"}, connector.Limits{})
			a := ask(t, target, "postgres.activity", nil)
			require.Equal(t, c.status, a.Status, "%+v", a)
			requireNoSecret(t, a)
			v := object(t, ask(t, target, "postgres.connect", nil))
			require.Equal(t, c.refusal, v["refusal"], "%v", v)
			require.Equal(t, false, v["ok"])
			require.NotEmpty(t, v["message"])
			requireNoSecret(t, v)
		})
	}
	t.Run("server full", func(t *testing.T) {
		for range 10 {
			own.ConnectAs(t, "app", "app", "crowd")
		}
		target := openAt(t, at("app", "app"), nil, connector.Limits{})
		v := object(t, ask(t, target, "postgres.connect", nil))
		require.Equal(t, postgres.RefusalReservedSlots, v["refusal"])
		require.Equal(t, "53300", v["sqlstate"])
		require.Equal(t, true, v["spoke"])
		for range 2 {
			own.Connect(t, "app")
		}
		v = object(t, ask(t, openAt(t, at("app", "app"), nil, connector.Limits{}), "postgres.connect", nil))
		require.Equal(t, postgres.RefusalTooManyClients, v["refusal"])
	})
}

func requireNoSecret(t *testing.T, v any) {
	t.Helper()
	require.NotContains(t, fmt.Sprintf("%+v", v), password)
}

// listen accepts connections and never says a word.
func listen(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

func TestFailedStatementsSayWhatToDo(t *testing.T) {
	needServer(t)
	nobody := as(t, "nobody")
	a := sql(t, nobody, "SELECT * FROM orders", nil)
	require.Equal(t, evidence.Denied, a.Status)
	require.Equal(t, "GRANT SELECT ON orders TO nobody", a.Hint)
	a = sql(t, nobody, "SELECT * FROM pg_ls_waldir()", nil)
	require.Equal(t, evidence.Denied, a.Status)
	require.Equal(t, "GRANT pg_monitor TO nobody", a.Hint)
	require.Equal(t, evidence.Invalid, sql(t, nobody, "SELECT nonsense FROM pg_class", nil).Status)
	require.Equal(t, evidence.Invalid, sql(t, nobody, "SELECT FROM WHERE", nil).Status)
	require.Equal(t, evidence.Invalid, sql(t, nobody, "SELECT * FROM no_such_table", nil).Status)

	plain := openAt(t, server.URL("postgres", "postgres"), connector.Settings{"window": "200ms"}, connector.Limits{})
	a = ask(t, plain, "postgres.statements", nil)
	require.Equal(t, evidence.NotApplicable, a.Status)
	require.Contains(t, a.Hint, "CREATE EXTENSION pg_stat_statements")
	require.Equal(t, evidence.NotApplicable, sql(t, plain, "SELECT * FROM pg_stat_statements", nil).Status)

	quick := openAt(t, server.URL("postgres", "app"), nil, connector.Limits{Timeout: 300 * time.Millisecond})
	a = sql(t, quick, "SELECT count(*) FROM generate_series(1, 1000000000) a, generate_series(1, 1000) b", nil)
	require.Equal(t, evidence.TimedOut, a.Status, "%+v", a)
	require.Equal(t, evidence.Answered, sql(t, quick, "SELECT 1", nil).Status, "the session is still good")
}

func TestWaitingForALockIsGivenUp(t *testing.T) {
	needServer(t)
	server.Exec(t, "app", "CREATE TABLE held (id int)")
	holder := server.Connect(t, "app")
	ctx := context.Background()
	_, err := holder.Exec(ctx, "BEGIN; LOCK TABLE held IN ACCESS EXCLUSIVE MODE")
	require.NoError(t, err)
	a := sql(t, as(t, "postgres"), "SELECT * FROM held", nil)
	require.Equal(t, evidence.TimedOut, a.Status)
	require.Contains(t, a.Hint, "lock_roots")
	// The built-in questions do not stand in that queue.
	target := as(t, "monitor")
	for _, name := range []string{"postgres.tables", "postgres.indexes", "postgres.storage", "postgres.missing_indexes", "postgres.schema_version"} {
		a := ask(t, target, name, nil)
		require.Equal(t, evidence.Answered, a.Status, "%s %+v", name, a)
		require.NotContains(t, fmt.Sprint(a.Notes), "lock", name)
	}
}

func TestAnAnswerIsCutAtItsCaps(t *testing.T) {
	needServer(t)
	target := openAt(t, server.URL("postgres", "app"), nil, connector.Limits{Rows: 100, Bytes: 1 << 20})
	start := time.Now()
	a := sql(t, target, "SELECT g, repeat('x', 50) AS x FROM generate_series(1, 10000000) g", nil)
	require.Len(t, rowsOf(t, a), 100)
	require.Contains(t, a.Notes[0], "cut at 100 rows")
	require.Less(t, time.Since(start), 4*time.Second, "the server was told to stop")
	require.Equal(t, evidence.Answered, sql(t, target, "SELECT 1", nil).Status)

	a = sql(t, target, "SELECT repeat('x', 200000) AS x FROM generate_series(1, 100) g", nil)
	require.Len(t, rowsOf(t, a), 5)
	require.Contains(t, a.Notes[0], "larger than")

	a = sql(t, target, "SELECT repeat('x', 50000000) AS x", nil)
	require.Equal(t, evidence.Refused, a.Status, "%+v", a.Reason)
	require.Equal(t, evidence.Answered, sql(t, target, "SELECT 1", nil).Status)
	require.Zero(t, ownSessionsBusy(t))
}

// ownSessionsBusy counts sessions of ours that still do something.
func ownSessionsBusy(t *testing.T) int {
	t.Helper()
	var n int
	realserver.WaitFor(t, "our statements to end", 5*time.Second, server.LogFile, func() error {
		conn := server.Connect(t, "app")
		if err := conn.QueryRow(context.Background(), "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'quell' AND state <> 'idle'").Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return fmt.Errorf("%d sessions are busy", n)
		}
		return nil
	})
	return n
}

func TestAServerThatGoesAwayAndComesBack(t *testing.T) {
	needServer(t)
	own := realserver.StartPostgres(t, realserver.PostgresConfig{})
	target := openAt(t, own.URL("postgres", "app"), connector.Settings{"connect_timeout": "500ms"}, connector.Limits{Timeout: 2 * time.Second})
	pid := rowsOf(t, sql(t, target, "SELECT pg_backend_pid() AS pid", nil))[0]["pid"].(int64)

	// Someone ends our session: it is opened again, and the question answered.
	own.Exec(t, "app", fmt.Sprintf("SELECT pg_terminate_backend(%d)", pid))
	again := rowsOf(t, sql(t, target, "SELECT pg_backend_pid() AS pid", nil))[0]["pid"].(int64)
	require.NotEqual(t, pid, again)

	// The server is killed while a statement runs.
	done := make(chan evidence.Answer, 1)
	go func() {
		done <- sql(t, target, "SELECT count(*) FROM generate_series(1, 1000000000)", nil)
	}()
	watch := own.Connect(t, "postgres")
	realserver.WaitFor(t, "our statement", 5*time.Second, own.LogFile, func() error {
		var n int
		if err := watch.QueryRow(context.Background(), "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'quell' AND state = 'active' AND query LIKE '%generate_series%'").Scan(&n); err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("not yet")
		}
		return nil
	})
	own.Kill()
	a := <-done
	require.Equal(t, evidence.Unreachable, a.Status, "%+v", a)
	// A server that dies may break off the first knock; that is remembered for a while.
	realserver.WaitFor(t, "a refusal", 8*time.Second, own.LogFile, func() error {
		if v := object(t, ask(t, target, "postgres.connect", nil)); v["refusal"] != postgres.RefusalRefused {
			return fmt.Errorf("the connection is %v", v["refusal"])
		}
		return nil
	})

	own.Start(t)
	fresh := openAt(t, own.URL("postgres", "app"), connector.Settings{"connect_timeout": "500ms"}, connector.Limits{Timeout: time.Second})
	require.Equal(t, evidence.Answered, sql(t, fresh, "SELECT 1", nil).Status)

	// The server is frozen: the kept session gets no answer, and neither does a new one.
	thaw := own.Freeze()
	defer thaw()
	start := time.Now()
	require.Equal(t, evidence.TimedOut, sql(t, fresh, "SELECT 1", nil).Status)
	v := object(t, ask(t, fresh, "postgres.connect", nil))
	require.Equal(t, postgres.RefusalTimeout, v["refusal"])
	require.Equal(t, evidence.TimedOut, ask(t, fresh, "postgres.activity", nil).Status)
	require.Less(t, time.Since(start), 3*time.Second, "one refusal stands for all questions")
	own.Signal(syscall.SIGCONT)
}

func TestAClosedTargetIsNotAsked(t *testing.T) {
	needServer(t)
	target := as(t, "postgres")
	require.NoError(t, target.Close())
	require.NoError(t, target.Close())
	require.Equal(t, evidence.NotAsked, sql(t, target, "SELECT 1", nil).Status)
	require.Equal(t, evidence.NotAsked, ask(t, target, "postgres.connect", nil).Status)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	a := as(t, "postgres").Ask(ctx, probe.Question{Lang: "sql", Text: probe.Literal("SELECT 1")})
	require.Equal(t, evidence.NotAsked, a.Status)
}

// Closing a target ends what still waits for a server that never answers.
func TestNothingIsLeftBehind(t *testing.T) {
	before := goleak.IgnoreCurrent()
	target, err := postgres.Kind().Open(connector.Settings{"url": "postgres://a@" + listen(t) + "/b?sslmode=disable", "connect_timeout": "200ms"}, connector.Tools{})
	require.NoError(t, err)
	require.Equal(t, evidence.TimedOut, sql(t, target, "SELECT 1", nil).Status)
	require.NoError(t, target.Close())
	goleak.VerifyNone(t, before)

	needServer(t)
	before = goleak.IgnoreCurrent()
	target, err = postgres.Kind().Open(connector.Settings{"url": server.URL("postgres", "app")}, connector.Tools{Gate: connector.NewGate(connector.Limits{Timeout: 200 * time.Millisecond})})
	require.NoError(t, err)
	require.Equal(t, evidence.TimedOut, sql(t, target, "SELECT count(*) FROM generate_series(1, 1000000000)", nil).Status)
	require.NoError(t, target.Close())
	goleak.VerifyNone(t, before)
}
