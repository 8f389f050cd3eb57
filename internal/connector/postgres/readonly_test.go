package postgres_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/postgres"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// hostile is what a statement could hide behind in a database.
var hostile = []string{
	"CREATE SCHEMA trap",
	"CREATE TABLE trap.touched (by text)",
	"CREATE SEQUENCE trap.seq",
	"CREATE FUNCTION trap.evil() RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('trap.seq'); RETURN 1; END $$",
	"CREATE FUNCTION trap.calm() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM nextval('trap.seq'); RETURN 1; END $$",
	"CREATE FUNCTION public.evil(int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('trap.seq'); RETURN 1; END $$",
	"CREATE FUNCTION public.lower(int) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('trap.seq'); RETURN ''; END $$",
	"CREATE FUNCTION public.whole(orders) RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('trap.seq'); RETURN 1; END $$",
	"CREATE VIEW trap.looks_fine AS SELECT id, trap.evil() AS n FROM public.orders",
	"CREATE VIEW trap.behind AS SELECT * FROM trap.looks_fine",
	"CREATE VIEW trap.killer AS SELECT pg_catalog.pg_terminate_backend(0) AS n",
	"CREATE VIEW public.sleeper AS SELECT pg_catalog.pg_sleep(0.01)::text AS n, 1 AS one",
	"CREATE VIEW public.honest AS SELECT state, count(*) AS n FROM public.orders GROUP BY state",
	"CREATE FUNCTION trap.adds(int, int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('trap.seq'); RETURN 1; END $$",
	"CREATE OPERATOR public.%%% (LEFTARG = int, RIGHTARG = int, FUNCTION = trap.adds)",
	"CREATE TYPE trap.pair AS (a int, b int)",
	"CREATE TABLE trap.pairs (p trap.pair)",
	"CREATE FUNCTION trap.same(trap.pair, trap.pair) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('trap.seq'); RETURN true; END $$",
	"CREATE OPERATOR public.= (LEFTARG = trap.pair, RIGHTARG = trap.pair, FUNCTION = trap.same)",
	"CREATE TYPE trap.sorted AS (a int)", "CREATE TABLE trap.sorts (s trap.sorted)",
	"CREATE FUNCTION trap.order(trap.sorted, trap.sorted) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM nextval('trap.seq'); RETURN 0; END $$",
	"CREATE OPERATOR CLASS trap.sorting FOR TYPE trap.sorted USING btree AS FUNCTION 1 trap.order(trap.sorted, trap.sorted)",
	"CREATE TYPE trap.colour AS ENUM ('red', 'blue')",
	"CREATE FUNCTION trap.paint(trap.colour) RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('trap.seq'); RETURN 1; END $$",
	"CREATE CAST (trap.colour AS int) WITH FUNCTION trap.paint(trap.colour)",
	"CREATE TYPE public.mood AS ENUM ('good', 'bad')",
	"CREATE TABLE public.moods (m mood)", "INSERT INTO public.moods VALUES ('good'), ('bad')",
	"CREATE FUNCTION trap.small(int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('trap.seq'); RETURN true; END $$",
	"CREATE DOMAIN public.watched AS int CHECK (trap.small(VALUE))",
	"CREATE DOMAIN public.slow AS int CHECK (pg_sleep(0.01) IS NOT NULL)",
	"CREATE TABLE public.guarded (id int)", "INSERT INTO public.guarded VALUES (1)",
	"ALTER TABLE public.guarded ENABLE ROW LEVEL SECURITY",
	"CREATE POLICY p ON public.guarded USING (trap.small(id))", "GRANT SELECT ON public.guarded TO PUBLIC",
	"CREATE EXTENSION postgres_fdw", "CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw",
	"CREATE TABLE public.parts (id int) PARTITION BY RANGE (id)",
	"CREATE FOREIGN TABLE public.part1 PARTITION OF public.parts FOR VALUES FROM (0) TO (10) SERVER elsewhere",
	"CREATE EXTENSION dblink", "CREATE EXTENSION citext", "CREATE EXTENSION tablefunc",
	"CREATE TABLE public.people (email citext)", "INSERT INTO public.people VALUES ('A@b')",
	`CREATE TABLE public."Mixed Case" ("Select" int)`,
	"GRANT USAGE ON SCHEMA trap TO PUBLIC", "GRANT ALL ON ALL TABLES IN SCHEMA trap, public TO PUBLIC", "GRANT ALL ON SEQUENCE trap.seq TO PUBLIC",
}

// Each of these would do something, or could. None may reach the server, also
// not as a superuser.
var refusedStatements = []string{
	"SELECT pg_terminate_backend(1)", `SELECT "pg_terminate_backend"(1)`, "SELECT pg_catalog.pg_terminate_backend(1)",
	`SELECT pg_catalog . "pg_terminate_backend" (1)`, "SELECT PG_Terminate_Backend /* x */ (1)", "SELECT pg_cancel_backend(pid) FROM pg_stat_activity",
	`SELECT U&"pg_terminate\005Fbackend"(1)`, `SELECT U&"d\0061t\+000061" FROM orders`,
	"SELECT nextval('trap.seq')", "SELECT setval('trap.seq', 5)", "SELECT pg_advisory_lock(1)", "SELECT pg_try_advisory_xact_lock(1)",
	"SELECT dblink_connect('host=127.0.0.1')", "SELECT * FROM dblink('dbname=app', 'SELECT 1') AS t(a int)",
	"SELECT lo_create(0)", "SELECT lo_unlink(1)", "SELECT lo_get(1)", "SELECT pg_read_file('/etc/passwd')", "SELECT pg_read_binary_file('/etc/passwd')",
	"SELECT pg_ls_dir('.')", "SELECT set_config('statement_timeout', '0', false)", "SELECT query_to_xml('SELECT 1', true, true, '')",
	"SELECT table_to_xml('trap.looks_fine', true, true, '')", "SELECT ts_stat('SELECT 1')", "SELECT pg_reload_conf()", "SELECT pg_sleep(1)",
	"SELECT pg_notify('a', 'b')", "SELECT txid_current()", "SELECT pg_current_xact_id()", "SELECT pg_stat_statements_reset()", "SELECT public.pg_stat_statements_reset()",
	"SELECT pg_stat_reset()", "SELECT pg_switch_wal()", "SELECT pg_create_restore_point('x')", "SELECT pg_export_snapshot()", "SELECT pg_promote()",
	"SELECT pg_logical_emit_message(true, 'a', 'b')", "SELECT pg_log_backend_memory_contexts(1)", "SELECT pg_start_backup('x')", "SELECT pg_backup_start('x')",
	"SELECT * FROM crosstab('SELECT 1,2,3') AS t(a int, b int)",
	"SELECT 1; SELECT 2", "SELECT 1; DROP TABLE orders", ";", "", "-- nothing", "/* open",
	"DELETE FROM orders", "INSERT INTO orders DEFAULT VALUES", "UPDATE orders SET state = ''", "MERGE INTO orders USING orders o ON true WHEN MATCHED THEN DELETE",
	"WITH gone AS (DELETE FROM orders RETURNING id) SELECT * FROM gone", "WITH x AS (SELECT 1) INSERT INTO orders SELECT", "WITH x AS (UPDATE orders SET state='' RETURNING 1) TABLE x",
	"SELECT * INTO copy FROM orders", "SELECT id FROM orders FOR UPDATE", "SELECT id FROM orders FOR NO KEY UPDATE", "SELECT id FROM orders FOR SHARE", "SELECT id FROM orders FOR KEY SHARE",
	"(SELECT id FROM orders FOR UPDATE)", "EXPLAIN ANALYZE SELECT 1", "EXPLAIN (ANALYZE) SELECT 1", "EXPLAIN (VERBOSE, ANALYZE true) SELECT 1", `EXPLAIN ("analyze" on) SELECT 1`,
	"EXPLAIN VERBOSE ANALYZE SELECT 1", "EXPLAIN DELETE FROM orders", "EXPLAIN EXECUTE p", "EXPLAIN CREATE TABLE x AS SELECT 1",
	"COPY orders TO PROGRAM 'cat'", "COPY (SELECT 1) TO STDOUT", "SET statement_timeout = 0", "RESET ALL", "DO $$ BEGIN END $$", "CALL x()", "LOCK TABLE orders",
	"PREPARE p AS SELECT 1", "EXECUTE p", "DEALLOCATE ALL", "DISCARD ALL", "LISTEN x", "NOTIFY x", "VACUUM", "BEGIN", "COMMIT", "ROLLBACK", "DECLARE c CURSOR FOR SELECT 1", "FETCH c",
	"CREATE TABLE x AS SELECT 1", "REFRESH MATERIALIZED VIEW x", "ALTER SYSTEM SET work_mem = '1MB'", "TRUNCATE orders", "GRANT ALL ON orders TO PUBLIC",
	"SELECT trap.evil()", "SELECT trap.calm()", "SELECT public.evil(1)", "SELECT evil(1)", "SELECT evil (id::int) FROM orders", "SELECT lower(1)",
	"SELECT o.whole FROM orders o", "SELECT (o).whole FROM orders o", "SELECT whole(o) FROM orders o", `SELECT o."whole" FROM orders o`,
	"SELECT * FROM trap.looks_fine", "SELECT * FROM trap.behind", "SELECT * FROM trap.killer", "TABLE trap.looks_fine", "SELECT * FROM sleeper", "SELECT one FROM public.sleeper",
	"SELECT (SELECT count(*) FROM trap.behind)", "EXPLAIN SELECT * FROM trap.looks_fine",
	"SELECT 1 %%% 2", "SELECT s FROM trap.sorts ORDER BY s", "SELECT 1 OPERATOR(public.%%%) 2", "SELECT p = p FROM trap.pairs", "SELECT DISTINCT p FROM trap.pairs WHERE p IN (SELECT p FROM trap.pairs)",
	"SELECT 'red'::trap.colour::int", "SELECT CAST(CAST('red' AS trap.colour) AS int)", "SELECT trap.colour 'red'", "SELECT 5::watched", "SELECT CAST(5 AS public.watched)", "SELECT watched '5'", "SELECT 5::slow",
	"SELECT * FROM guarded", "SELECT * FROM parts", "SELECT * FROM part1", "SELECT rolpassword FROM pg_authid", "SELECT * FROM pg_catalog.pg_shadow", `SELECT * FROM "pg_authid"`,
	"SELECT * FROM orders TABLESAMPLE evil(1)", "SHOW ALL; SELECT 1", "SELECT E'a' 'b\\'; SELECT 1; --'", "SELECT $1", "SELECT 1 AS größe",
	"SELECT " + strings.Repeat("a", 64) + "(1)",
	"SELECT /* /* */ pg_sleep(1) */ 1; DROP TABLE orders -- */", "SELECT $a$ $b$ $a$, pg_sleep(1) /* $a$ */",
}

func TestNothingThatChangesReachesTheServer(t *testing.T) {
	needServer(t)
	server.Exec(t, "app", hostile...)
	target := as(t, "postgres")
	for _, text := range refusedStatements {
		a := sql(t, target, strings.ReplaceAll(text, "${", "$${"), nil)
		assert.Equal(t, evidence.Refused, a.Status, "%s\n%+v", text, a)
		assert.NotEmpty(t, a.Reason, text)
	}
	// Nothing ran: the sequence that every trap takes a value from is untouched.
	conn := server.Connect(t, "app")
	var called bool
	require.NoError(t, conn.QueryRow(context.Background(), "SELECT is_called FROM trap.seq").Scan(&called))
	require.False(t, called)

	for _, text := range allowedStatements {
		a := sql(t, target, text, nil)
		assert.Equal(t, evidence.Answered, a.Status, "%s\n%+v", text, a)
	}
	vouched := openAt(t, server.URL("postgres", "app"), connector.Settings{"allow_functions": []any{"trap.small"}}, connector.Limits{})
	require.Equal(t, evidence.Answered, sql(t, vouched, "SELECT * FROM guarded", nil).Status, "a function that the settings vouch for")
}

// Ordinary questions pass, also in a database full of traps.
var allowedStatements = []string{
	"SELECT 1", "select 1;", "  -- a remark\nSELECT /* nested /* comment */ */ 1 ; -- end", "(SELECT 1)", "VALUES (1, 'x')", "TABLE orders LIMIT 1", "SHOW max_connections", "SHOW ALL",
	"EXPLAIN SELECT * FROM orders", "EXPLAIN (FORMAT JSON, VERBOSE) SELECT * FROM orders WHERE id = 5", "EXPLAIN (SELECT 1)",
	"WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT sum(i) FROM n",
	"SELECT pid, usename, extract(epoch FROM now() - state_change) AS idle_s, left(query, 200) AS query FROM pg_stat_activity WHERE backend_type = 'client backend'",
	"SELECT clock_timestamp(), random(), gen_random_uuid(), pg_total_relation_size('orders'), pg_blocking_pids(1), pg_is_in_recovery(), pg_current_wal_lsn()",
	"SELECT state, count(*), max(total), array_agg(id ORDER BY id) FILTER (WHERE id < 3) FROM orders GROUP BY ROLLUP (state) HAVING count(*) > 0",
	"SELECT * FROM honest", "SELECT h.n FROM public.honest h", "SELECT * FROM pg_stat_statements LIMIT 1", "SELECT s.calls FROM public.pg_stat_statements s LIMIT 1",
	"SELECT * FROM information_schema.tables LIMIT 1", "SELECT * FROM pg_locks l JOIN pg_stat_activity a USING (pid)", "SELECT max(email), min(email) FROM people WHERE email = 'a@B'",
	"SELECT m FROM moods WHERE m = 'good' ORDER BY m", "SELECT m::text, 'bad'::mood FROM moods", `SELECT "Select" AS "delete" FROM "Mixed Case"`, "SELECT 'DROP TABLE x; DELETE FROM y'", "SELECT $x$ it's $x$",
	`SELECT E'a\'b', U&'d\0061t', B'101', 'it''s'`, "SELECT substring('abc' FROM 1 FOR 2), position('a' IN 'ba'), trim(both 'x' FROM 'xax'), CAST('1' AS int), coalesce(NULL, 1)",
	"SELECT n_tup_upd AS updated FROM pg_stat_user_tables", "SELECT o.* FROM orders o ORDER BY o.id DESC LIMIT 2", "SELECT id FROM orders TABLESAMPLE SYSTEM (1)",
	"SELECT o.id, l.n FROM orders o, LATERAL (SELECT count(*) AS n FROM orders i WHERE i.customer_id = o.customer_id) l LIMIT 1",
}

func TestFencesAreCheckedWithoutAServer(t *testing.T) {
	check := func(text string) []connector.Problem {
		template, err := probe.ParseTemplate(text)
		require.NoError(t, err)
		return postgres.Check(template, nil)
	}
	for _, text := range allowedStatements {
		require.Empty(t, check(text), text)
	}
	for name, c := range map[string]struct {
		text   string
		says   string
		offset int
	}{
		"a change":             {"DELETE FROM orders", "not a question", 0},
		"a change within":      {"WITH a AS (DELETE FROM b RETURNING 1) SELECT * FROM a", "changes data", 11},
		"two statements":       {"SELECT 1; SELECT 2", "one statement", 8},
		"a kill":               {"SELECT pg_terminate_backend(pid) FROM pg_stat_activity", "postgres.terminate", 7},
		"hole in quotes":       {"SELECT * FROM a WHERE b = '${name}'", "|| ${name} ||", 27},
		"hole in an interval":  {"SELECT now() - interval '${d}'", "${d}::interval", 25},
		"hole in a name":       {`SELECT "${name}"`, "inside quotes", 8},
		"hole in a word":       {"SELECT a${name}", "inside quotes or a name", 8},
		"hole in a comment":    {"SELECT 1 -- ${name}", "inside quotes", 12},
		"a parameter by hand":  {"SELECT $1", "write ${name}", 7},
		"by hand after a hole": {"SELECT ${a}, $1", "write ${name}", 13},
		"offset behind a hole": {"SELECT ${a_long_name} FROM x FOR UPDATE", "locks rows", 29},
		"open string":          {"SELECT 'abc", "never closed", 7},
	} {
		problems := check(c.text)
		require.Len(t, problems, 1, name)
		require.Contains(t, problems[0].Text, c.says, name)
		require.Equal(t, c.offset, problems[0].Offset, name)
	}
	require.Empty(t, check("SELECT * FROM a WHERE b = ${name} AND c > now() - ${d}::interval AND e = ANY (${list}) LIMIT ${n}"))
	require.Len(t, postgres.Check(probe.Literal("SELECT 1"), map[string]string{"limit": "many"}), 1)
}

// No text makes the checker panic, and whatever it accepts is one statement
// that begins as a question does.
func TestCheckReadsAnything(t *testing.T) {
	words := []string{"select", "with", "a", "(", ")", "'", "\"", "$$", "$a$", "/*", "*/", "--", "\n", ";", "delete", "into", "E'", "U&'", "\\", ".", "$1", "é", "\x00", "for", "update", "pg_sleep", " ", "1e", "||"}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(words), 0, 30).Draw(t, "words"), rapid.SampledFrom([]string{"", " "}).Draw(t, "between"))
		problems := postgres.Check(probe.Literal(text), nil)
		if len(problems) == 0 {
			lower := strings.ToLower(text)
			if !strings.Contains(lower, "select") && !strings.Contains(lower, "with") {
				t.Fatalf("accepted %q", text)
			}
		}
	})
}
