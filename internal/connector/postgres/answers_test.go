package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/postgres"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/realserver"
)

func TestValuesArePlainData(t *testing.T) {
	needServer(t)
	target := as(t, "postgres")
	row := rowsOf(t, sql(t, target, `SELECT true AS yes, NULL::int AS nothing, 1::smallint AS small, 9223372036854775807 AS big, 1e30::numeric AS huge,
		12345678901234567890::numeric AS beyond, 1.5::real AS r, 'NaN'::float8 AS nan, 'Infinity'::float8 AS inf, 'NaN'::numeric AS nnan, 2.50::numeric AS n,
		'a"b'::text AS txt, 'x'::bytea AS raw, '{"a": [1, 2.5, null, "s"]}'::jsonb AS doc, ARRAY[1, NULL, 3] AS ints, ARRAY[[1,2],[3,4]] AS grid,
		ARRAY['a,b', 'c"d', NULL, 'null', ''] AS texts, '{}'::int[] AS none, interval '1 day 02:00:00.5' AS long, interval '-1 hour' AS back, interval '1 mon' AS month,
		timestamptz '2026-01-02 03:04:05.25+01' AS at, timestamp '2026-01-02 03:04:05' AS local, date '1970-01-02' AS day, 'infinity'::timestamptz AS never,
		'b'::"char" AS c, 7::oid AS o, inet '10.0.0.1' AS ip, 'x' AS dup, 'y' AS dup`, nil))[0]
	require.Equal(t, map[string]any{
		"yes": true, "nothing": nil, "small": int64(1), "big": int64(9223372036854775807), "huge": 1e30, "beyond": 1.2345678901234567e19,
		"r": 1.5, "nan": nil, "inf": nil, "nnan": nil, "n": 2.5, "txt": `a"b`, "raw": `\x78`,
		"doc": map[string]any{"a": []any{int64(1), 2.5, nil, "s"}}, "ints": []any{int64(1), nil, int64(3)},
		"grid": []any{[]any{int64(1), int64(2)}, []any{int64(3), int64(4)}}, "texts": []any{"a,b", `c"d`, nil, "null", ""}, "none": []any{},
		"long": 93600.5, "back": -3600.0, "month": 2592000.0, "at": 1767319445.25, "local": 1767323045.0, "day": 86400.0, "never": nil,
		"c": "b", "o": int64(7), "ip": "10.0.0.1", "dup": "x", "dup_2": "y",
	}, row)
}

func TestHolesAreBindParameters(t *testing.T) {
	needServer(t)
	target := as(t, "postgres")
	for name, c := range map[string]struct {
		text   string
		values map[string]any
		want   any
	}{
		"text that would be SQL": {"SELECT ${v}::text AS v", map[string]any{"v": "'; DROP TABLE orders; --"}, "'; DROP TABLE orders; --"},
		"a part of a pattern":    {"SELECT 'abc' LIKE '%' || ${v} || '%' AS v", map[string]any{"v": "b"}, true},
		"a duration":             {"SELECT extract(epoch FROM ${v}::interval)::int AS v", map[string]any{"v": 90 * time.Second}, int64(90)},
		"a number":               {"SELECT 1 + ${v} AS v", map[string]any{"v": 4.0}, int64(5)},
		"a limit":                {"SELECT count(*) AS v FROM (SELECT 1 FROM orders LIMIT ${v}) x", map[string]any{"v": 7.0}, int64(7)},
		"a list":                 {"SELECT count(*) AS v FROM orders WHERE state = ANY (${v})", map[string]any{"v": []string{"open", `o"d\d`}}, int64(1000)},
		"the same name twice":    {"SELECT ${v}::text || ${v}::text AS v", map[string]any{"v": "x"}, "xx"},
		"a flag":                 {"SELECT NOT ${v} AS v", map[string]any{"v": true}, false},
	} {
		require.Equal(t, c.want, rowsOf(t, sql(t, target, c.text, c.values))[0]["v"], name)
	}
}

// A session cannot be changed by what a fence runs, nor by what came before.
func TestAFenceRunsInItsOwnReadOnlyTransaction(t *testing.T) {
	needServer(t)
	server.Exec(t, "app", "ALTER ROLE app SET search_path = shop, public", "CREATE SCHEMA shop AUTHORIZATION app", "CREATE TABLE shop.things AS SELECT 5 AS n", "GRANT SELECT ON shop.things TO app")
	target := as(t, "app")
	require.Equal(t, int64(5), rowsOf(t, sql(t, target, "SELECT n FROM things", nil))[0]["n"], "the role's own search_path holds")
	row := rowsOf(t, sql(t, target, "SELECT current_setting('transaction_read_only') AS ro, current_setting('search_path') AS path, current_setting('statement_timeout') AS st, current_setting('lock_timeout') AS lt, current_setting('application_name') AS app", nil))[0]
	require.Equal(t, "on", row["ro"])
	require.Equal(t, "pg_catalog, shop, public, pg_temp", row["path"])
	require.NotEqual(t, "0", row["st"])
	require.Equal(t, "500ms", row["lt"])
	require.Equal(t, postgres.ApplicationName, row["app"])
	first := rowsOf(t, sql(t, target, "SELECT pg_backend_pid() AS pid", nil))[0]["pid"]
	var wait sync.WaitGroup
	for range 20 {
		wait.Add(1)
		go func() {
			defer wait.Done()
			a := sql(t, target, "SELECT pg_backend_pid() AS pid", nil)
			if a.Status != evidence.Answered || a.Value.([]any)[0].(map[string]any)["pid"] != first {
				t.Errorf("not the same session: %+v", a)
			}
		}()
	}
	wait.Wait()
}

func TestAddressesOfTheWild(t *testing.T) {
	needServer(t)
	tail := fmt.Sprintf("127.0.0.1:%d/app", server.Port)
	for _, address := range []string{
		"postgres://app@" + tail, "postgresql://app@" + tail, "postgresql+asyncpg://app@" + tail, "postgresql+psycopg2://app@" + tail + "?sslmode=disable",
		"postgres://app@" + tail + "?ssl=false&pool_size=5&max_overflow=10&statement_cache_size=0", "jdbc:postgresql://" + tail + "?user=app&ssl=false",
		"postgres://app@" + tail + "?schema=public&connection_limit=5&pgbouncer=true", "postgres://app@" + tail + "?options=-c%20statement_timeout%3D0",
		fmt.Sprintf("host=127.0.0.1 port=%d user=app dbname=app", server.Port), fmt.Sprintf("host=%s port=%d user=postgres dbname=app", server.Socket, server.Port),
		fmt.Sprintf("postgres://postgres@/app?host=%s&port=%d", strings.ReplaceAll(server.Socket, "/", "%2F"), server.Port),
	} {
		require.Equal(t, evidence.Answered, sql(t, openAt(t, address, nil, connector.Limits{}), "SELECT 1", nil).Status, address)
	}
	for address, says := range map[string]string{
		"mysql://a@b/c": "not a Postgres address", "just words": "neither", "": "url is missing",
		"postgres://u:" + password + "@#/@h/d": "percent-encoded", "postgres://u:" + password + "@h:99999999/d": "port", "postgres://u:" + password + "@h/d?sslmode=sometimes": "sslmode",
	} {
		_, err := postgres.Kind().Open(connector.Settings{"kind": "postgres", "url": address}, connector.Tools{})
		require.ErrorContains(t, err, says, address)
		require.NotContains(t, err.Error(), password)
	}
	_, err := postgres.Kind().Open(connector.Settings{"url": "postgres://a@b/c", "windw": "1s"}, connector.Tools{})
	require.ErrorContains(t, err, "windw")
	_, err = postgres.Kind().Open(connector.Settings{"url": "postgres://a@b/c", "allow_functions": []any{"nextval"}}, connector.Tools{})
	require.ErrorContains(t, err, "schema.name")
}

// The pauses of all questions that take two samples are one pause.
func TestSamplesShareOnePause(t *testing.T) {
	needServer(t)
	target := openAt(t, server.URL("monitor", "app"), nil, connector.Limits{})
	require.Equal(t, evidence.Answered, ask(t, target, "postgres.uptime", nil).Status)
	now, start := time.Now(), time.Now()
	var wait sync.WaitGroup
	for _, name := range []string{"postgres.statements", "postgres.database", "postgres.tables", "postgres.missing_indexes", "postgres.load", "postgres.waits", "postgres.wal", "postgres.checkpoints"} {
		wait.Add(1)
		go func() {
			defer wait.Done()
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			a := target.Ask(ctx, probe.Question{Name: "q", Lang: "probe", Builtin: name, Now: now, Since: time.Hour})
			if a.Status != evidence.Answered {
				t.Errorf("%s: %+v", name, a)
			}
		}()
	}
	wait.Wait()
	// One pause after the other would be seven seconds: five of one, and two of who
	// looks longer at a server that has nothing to do.
	require.Less(t, time.Since(start), 5500*time.Millisecond)
}

// What takes long and comes seldom is the most of what an idle server does, and
// hardly ever ends within a second.
func TestAnIdleServerIsLookedAtForLonger(t *testing.T) {
	needServer(t)
	target := openAt(t, server.URL("monitor", "app"), nil, connector.Limits{})
	require.Equal(t, evidence.Answered, ask(t, target, "postgres.uptime", nil).Status)
	conn := server.ConnectAs(t, "app", "app", "seldom")
	done := make(chan error, 1)
	go func() {
		_, err := conn.Exec(context.Background(), "SELECT pg_sleep(0.1) AS seldom, pg_sleep(1.8)")
		done <- err
	}()
	time.Sleep(100 * time.Millisecond)
	var seen []any
	for _, row := range rowsOf(t, ask(t, target, "postgres.statements", nil)) {
		if strings.Contains(row["query"].(string), "AS seldom") {
			seen = append(seen, row["calls"], row["share"].(float64) > 0.9, row["window_s"].(float64) > 2.5)
		}
	}
	require.Equal(t, []any{1.0, true, true}, seen)
	require.NoError(t, <-done)

	stop := load(t, "SELECT pg_sleep(0.05 + 0 * $1::float8) AS often")
	defer stop()
	realserver.WaitFor(t, "a window with statements", 20*time.Second, server.LogFile, func() error {
		for _, row := range rowsOf(t, ask(t, openAt(t, server.URL("monitor", "app"), nil, connector.Limits{}), "postgres.statements", nil)) {
			if strings.Contains(row["query"].(string), "AS often") && row["window_s"].(float64) < 2 {
				return nil
			}
		}
		return errors.New("a busy server is looked at for as long")
	})
}

func TestLockRootsNameTheHeadAndNotTheFellowVictims(t *testing.T) {
	needServer(t)
	ctx := context.Background()
	server.Exec(t, "app", "CREATE TABLE queue (id int PRIMARY KEY, n int)", "INSERT INTO queue VALUES (1, 0), (2, 0)", "GRANT ALL ON queue TO app")
	reader := server.ConnectAs(t, "app", "app", "reader")
	_, err := reader.Exec(ctx, "BEGIN; SELECT * FROM queue")
	require.NoError(t, err)
	background(t, "postgres", "alembic", "ALTER TABLE queue ADD COLUMN extra int")
	awaitWaiting(t, 1)
	for i := range 3 {
		background(t, "app", "victim", fmt.Sprintf("SELECT * FROM queue WHERE id = %d", i))
	}
	awaitWaiting(t, 4)
	roots := rowsOf(t, ask(t, as(t, "monitor"), "postgres.lock_roots", nil))
	require.Len(t, roots, 1)
	root := roots[0]
	require.Equal(t, "reader", root["application"])
	require.Equal(t, "idle in transaction", root["state"])
	require.Equal(t, int64(4), root["victims"])
	require.Equal(t, int64(1), root["direct"])
	require.Equal(t, int64(2), root["depth"])
	require.Equal(t, "relation", root["wait_kind"])
	require.Equal(t, "public.queue", root["relation"])
	require.Equal(t, true, root["ddl_queued"])
	require.Equal(t, int64(3), root["ddl_queued_behind"])
	require.Contains(t, root["ddl_query"], "ALTER TABLE queue")
	require.Equal(t, false, root["is_ddl"])
	locks := object(t, ask(t, as(t, "monitor"), "postgres.locks", nil))
	require.Equal(t, int64(4), locks["waiting"])
	require.Equal(t, int64(3), locks["queued_behind_ddl"])
	// Without any grant the queue is seen all the same; what the sessions do is not.
	blind := ask(t, as(t, "nobody"), "postgres.lock_roots", nil)
	require.Equal(t, int64(4), rowsOf(t, blind)[0]["victims"])
	require.Nil(t, rowsOf(t, blind)[0]["state"])
	require.Contains(t, strings.Join(blind.Notes, " "), "pg_monitor")
	waits := rowsOf(t, ask(t, as(t, "monitor"), "postgres.lock_waits", nil))
	require.Len(t, waits, 4)
	require.Equal(t, true, waits[0]["is_ddl"], "the one that waits longest first")
	_, err = reader.Exec(ctx, "ROLLBACK")
	require.NoError(t, err)
	awaitWaiting(t, 0)
}

// background runs a statement that will wait, in a session of its own.
func background(t *testing.T, role, application, statement string) {
	t.Helper()
	conn := server.ConnectAs(t, role, "app", application)
	done := make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	go func() { defer close(done); _, _ = conn.Exec(ctx, statement) }()
	t.Cleanup(func() { cancel(); <-done })
}

func awaitWaiting(t *testing.T, n int) {
	t.Helper()
	conn := server.Connect(t, "app")
	realserver.WaitFor(t, fmt.Sprintf("%d waiting sessions", n), 5*time.Second, server.LogFile, func() error {
		var got int
		if err := conn.QueryRow(context.Background(), "SELECT count(*) FROM pg_stat_activity WHERE datname = 'app' AND wait_event_type = 'Lock'").Scan(&got); err != nil {
			return err
		}
		if got != n {
			return fmt.Errorf("%d wait", got)
		}
		return nil
	})
}

func TestMissingIndexesAreToldWithReasons(t *testing.T) {
	needServer(t)
	server.Exec(t, "app", "CREATE TABLE parcels (id serial PRIMARY KEY, customer int, code text, weight int)",
		"INSERT INTO parcels (customer, code, weight) SELECT g % 3000, md5(g::text), g % 10 FROM generate_series(1, 60000) g", "ANALYZE parcels", "GRANT ALL ON parcels TO app")
	stop := load(t, "SELECT * FROM parcels WHERE customer = $1", "SELECT count(*) FROM parcels WHERE weight > $1", "SELECT id FROM parcels WHERE id = $1", "UPDATE parcels SET weight = weight WHERE code = 'x' || $1::int")
	defer stop()
	byColumns := func(role string) map[string]map[string]any {
		found := map[string]map[string]any{}
		for _, row := range rowsOf(t, ask(t, openAt(t, server.URL(role, "app"), nil, connector.Limits{}), "postgres.missing_indexes", nil)) {
			if row["table"] == "parcels" {
				found[fmt.Sprint(row["columns"])] = row
			}
		}
		return found
	}
	var found map[string]map[string]any
	// On a busy machine a window may pass in which no statement ends.
	realserver.WaitFor(t, "a window with statements", 20*time.Second, server.LogFile, func() error {
		found = byColumns("postgres")
		if len(found) < 2 || found["[customer]"]["hot"] != true {
			return fmt.Errorf("found %v", found)
		}
		return nil
	})
	require.Contains(t, found, "[customer]", "%v", found)
	row := found["[customer]"]
	require.Equal(t, true, row["proved"])
	require.Equal(t, true, row["hot"])
	require.Equal(t, "CREATE INDEX CONCURRENTLY ON public.parcels (customer)", row["ddl"])
	require.Contains(t, found, "[code]", "an UPDATE is looked at as the SELECT that finds its rows")
	require.NotContains(t, found, "[weight]", "most rows match: a scan is right")
	require.NotContains(t, found, "[id]", "there is an index")

	var texts map[string]map[string]any
	realserver.WaitFor(t, "a window with statements", 20*time.Second, server.LogFile, func() error {
		if texts = byColumns("monitor"); texts["[customer]"] == nil {
			return fmt.Errorf("found %v", texts)
		}
		return nil
	})
	unproved := texts["[customer]"]
	require.NotNil(t, unproved, "without SELECT on the table the text still tells")
	require.NotContains(t, texts, "[weight]", "how many rows match cannot be told from the text")
	require.Equal(t, false, unproved["proved"])
	require.Contains(t, fmt.Sprint(unproved["reasons"]), "GRANT SELECT ON public.parcels")
	log, err := os.ReadFile(server.LogFile)
	require.NoError(t, err)
	require.NotContains(t, string(log), "permission denied for table parcels", "what may not be read is not asked for")
}

// load runs prepared statements with one int parameter until stopped.
func load(t *testing.T, statements ...string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	for _, statement := range statements {
		conn := server.ConnectAs(t, "app", "app", "load")
		wait.Add(1)
		go func(conn *pgx.Conn) {
			defer wait.Done()
			for i := 0; ctx.Err() == nil; i++ {
				_, _ = conn.Exec(ctx, statement, i%7)
			}
		}(conn)
	}
	return func() { cancel(); wait.Wait() }
}

func TestExaminationNamesTheGrants(t *testing.T) {
	needServer(t)
	checks := func(role string) map[string]connector.Check {
		out := map[string]connector.Check{}
		for _, c := range as(t, role).(connector.Examiner).Examine(context.Background()) {
			out[c.Name] = c
		}
		return out
	}
	require.Equal(t, "GRANT pg_monitor TO nobody", checks("nobody")["may see what sessions do"].Fix)
	require.True(t, checks("monitor")["may see what sessions do"].OK)
	require.True(t, checks("monitor")["statement statistics"].OK)
	require.False(t, checks("postgres")["is no superuser"].OK)
	down := openAt(t, fmt.Sprintf("postgres://a@127.0.0.1:%d/b", realserver.Port(t)), nil, connector.Limits{})
	only := down.(connector.Examiner).Examine(context.Background())
	require.Len(t, only, 1)
	require.True(t, only[0].Needed)
	require.Contains(t, only[0].Detail, "refused")
}

func TestSecretsDoNotShow(t *testing.T) {
	needServer(t)
	target := as(t, "postgres")
	conn := server.ConnectAs(t, "postgres", "app", "careless")
	_, err := conn.Exec(context.Background(), "ALTER ROLE monitor PASSWORD '"+password+"'")
	require.NoError(t, err)
	a := ask(t, target, "postgres.sessions", nil)
	requireNoSecret(t, a)
	require.Contains(t, fmt.Sprint(a.Value), "ALTER ROLE monitor PASSWORD")
	requireNoSecret(t, sql(t, target, "SELECT query FROM pg_stat_activity", nil))
}

// Calls that each are a transaction of their own are not many calls in one,
// although the server counts its transactions late.
func TestCallsAreCountedByTransaction(t *testing.T) {
	needServer(t)
	per := func(statement string) any {
		for _, row := range rowsOf(t, ask(t, openAt(t, server.URL("monitor", "app"), nil, connector.Limits{}), "postgres.statements", nil)) {
			if strings.Contains(row["query"].(string), statement) {
				return row["calls_per_transaction"]
			}
		}
		return nil
	}
	stop := load(t, "SELECT count(*) AS alone FROM orders WHERE id = $1")
	var got any
	realserver.WaitFor(t, "a window with statements", 20*time.Second, server.LogFile, func() error {
		if got = per("AS alone"); got == nil {
			return fmt.Errorf("not seen")
		}
		return nil
	})
	require.LessOrEqual(t, got.(float64), 1.5)
	stop()

	ctx, cancel := context.WithCancel(context.Background())
	conn, done := server.ConnectAs(t, "app", "app", "load"), make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			_, _ = conn.Exec(ctx, "BEGIN")
			for i := range 40 {
				_, _ = conn.Exec(ctx, "SELECT max(total) AS together FROM orders WHERE id = $1", i)
			}
			_, _ = conn.Exec(ctx, "COMMIT")
		}
	}()
	defer func() { cancel(); <-done }()
	realserver.WaitFor(t, "a window with statements", 20*time.Second, server.LogFile, func() error {
		// A window may begin or end within a transaction that a busy machine draws out.
		if got = per("AS together"); got == nil || math.Abs(got.(float64)-40) > 12 {
			return fmt.Errorf("got %v, not about 40", got)
		}
		return nil
	})
}
