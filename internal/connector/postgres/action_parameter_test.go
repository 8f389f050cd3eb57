package postgres_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/action/actiontest"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/postgres"
	"github.com/quellhq/quell/internal/realserver"
)

// writtenFor is what ALTER SYSTEM has written for a parameter, and what a new
// session gets.
func writtenFor(t testing.TB, name string) string {
	t.Helper()
	return value(t, "app", fmt.Sprintf("SELECT coalesce((SELECT setting FROM pg_file_settings WHERE name = '%[1]s' AND sourcefile ~ 'auto.conf$'), 'nothing') || ', runs with ' || current_setting('%[1]s')", name))
}

func altered(name string) func(t *testing.T) int {
	return func(t *testing.T) int { return logged(t, changed, `quell.*ALTER SYSTEM SET `+name+` = `) }
}

func TestSetParameterKeepsTheContract(t *testing.T) {
	t.Parallel()
	needServer(t)
	changed.Exec(t, "app", "ALTER SYSTEM SET work_mem = '5 MB'", "ALTER SYSTEM SET session_preload_libraries = 'auto_explain', 'pg_stat_statements'", "SELECT pg_reload_conf()")
	for how, c := range map[string]struct{ name, value, before string }{
		"where it was not written, it is taken away again":    {"idle_in_transaction_session_timeout", "60s", "nothing, runs with 0"},
		"where it was written, the very text comes back":      {"work_mem", "8MB", "5 MB, runs with 5MB"},
		"where it needs a restart, it is written and waits":   {"max_locks_per_transaction", "99", "nothing, runs with 64"},
		"where it is a list of names, each name stays itself": {"session_preload_libraries", "pg_stat_statements", "auto_explain, pg_stat_statements, runs with auto_explain, pg_stat_statements"},
		"where one may not see it in one's own session":       {"application_name", "nameless", "nothing, runs with look"},
		"where our own questions set it for themselves":       {"DateStyle", "ISO, DMY", "nothing, runs with ISO, MDY"},
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			require.Eventually(t, func() bool { return writtenFor(t, c.name) == c.before }, 10*time.Second, 50*time.Millisecond, writtenFor(t, c.name))
			actiontest.Run(t, actiontest.Case{
				Spec: hands.Spec(t, "postgres.set_parameter"), Open: changer, Gone: nobodyThere,
				Args:    map[string]any{"name": c.name, "value": c.value, "for": "1h"},
				World:   func(t *testing.T) string { return writtenFor(t, c.name) },
				Effects: altered(c.name), Settles: 10 * time.Second,
			})
		})
	}
}

func TestSetParameterForARoleKeepsTheContract(t *testing.T) {
	t.Parallel()
	needServer(t)
	changed.Exec(t, "app", "CREATE ROLE tuned LOGIN", "ALTER ROLE tuned SET search_path = 'app', public", "ALTER ROLE tuned SET random_page_cost = 1.5")
	for how, c := range map[string]struct{ name, value string }{
		"one that it had":      {"random_page_cost", "1.1"},
		"one that it had not":  {"statement_timeout", "30s"},
		"one that is a list":   {"search_path", `"$user", app, "Odd Name"`},
		"one with odd letters": {"application_name", `o'brien "\`},
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			actiontest.Run(t, actiontest.Case{
				Spec: hands.Spec(t, "postgres.set_parameter"), Open: changer, Gone: nobodyThere,
				Args: map[string]any{"name": c.name, "value": c.value, "role": "tuned"},
				World: func(t *testing.T) string {
					return value(t, "app", "SELECT string_agg(c, '; ' ORDER BY c) FROM pg_db_role_setting s, unnest(setconfig) c WHERE setrole = 'tuned'::regrole AND c LIKE '"+c.name+"=%'")
				},
				Effects: func(t *testing.T) int {
					return logged(t, changed, `statement: (.*\n)?.*ALTER ROLE "tuned" SET `+c.name+` = `)
				},
				Settles: 5 * time.Second,
			})
		})
	}
}

func TestParametersThatAreRefused(t *testing.T) {
	t.Parallel()
	needServer(t)
	for _, c := range []struct {
		args map[string]any
		says string
	}{
		{map[string]any{"name": "no_such_thing", "value": "1"}, "has no parameter no_such_thing"},
		{map[string]any{"name": "work_mem = 1; DROP TABLE x; --", "value": "1"}, "is no name of a parameter"},
		{map[string]any{"name": "server_version", "value": "16"}, "cannot be set"},
		{map[string]any{"name": "primary_conninfo", "value": "host=x"}, "password"},
		{map[string]any{"name": "work_mem", "value": "lots"}, "with one of the units B, kB, MB, GB, TB"},
		{map[string]any{"name": "work_mem", "value": "63kB"}, "lies between 64 and 2147483647 kB"},
		{map[string]any{"name": "deadlock_timeout", "value": "1GB"}, "with one of the units us, ms, s, min, h, d"},
		{map[string]any{"name": "log_lock_waits", "value": "perhaps"}, "on or off"},
		{map[string]any{"name": "wal_level", "value": "maximal"}, "one of minimal, replica, logical"},
		{map[string]any{"name": "shared_buffers", "value": "32MB"}, "command line"},
		{map[string]any{"name": "session_preload_libraries", "value": ""}, "reset: true"},
		{map[string]any{"name": "archive_cleanup_command", "value": "curl -H 'token: abcdefgh12345' x"}, "looks like a secret"},
		{map[string]any{"name": "log_min_messages", "value": "error"}, "command line"},
		{map[string]any{"name": "archive_mode", "value": "on"}, "GRANT ALTER SYSTEM ON PARAMETER archive_mode"},
		{map[string]any{"name": "wal_buffers", "value": "4MB", "role": "app"}, "is the same for all roles"},
		{map[string]any{"name": "log_lock_waits", "value": "on", "role": "app"}, "GRANT SET ON PARAMETER log_lock_waits"},
		{map[string]any{"name": "work_mem", "value": "4MB", "role": "nobody_at_all"}, "there is no role"},
		{map[string]any{"name": "work_mem", "value": "4MB", "role": "postgres"}, "may not alter role postgres"},
	} {
		_, err := preview(t, changer(t), "postgres.set_parameter", c.args)
		actiontest.Refuses(t, err, c.says)
	}
	_, err := preview(t, changerAt(t, changed.URL("monitor", "app")), "postgres.set_parameter", map[string]any{"name": "work_mem", "value": "9MB"})
	actiontest.Refuses(t, err, "GRANT SELECT ON pg_file_settings")
}

func TestWhatAPreviewOfAParameterWarnsOf(t *testing.T) {
	t.Parallel()
	needServer(t)
	changed.Exec(t, "app", "CREATE ROLE stubborn", "ALTER ROLE stubborn SET deadlock_timeout = '3s'", "ALTER ROLE stubborn IN DATABASE app SET deadlock_timeout = '4s'")
	p, err := preview(t, changer(t), "postgres.set_parameter", map[string]any{"name": "deadlock_timeout", "value": "2s"})
	require.NoError(t, err)
	require.Contains(t, p.Warnings, "a value of its own wins for role stubborn, role stubborn in database app")
	require.Equal(t, `the default ("1000")`, p.Items[0].Now)

	p, err = preview(t, changer(t), "postgres.set_parameter", map[string]any{"name": "wal_buffers", "value": "4MB"})
	require.NoError(t, err)
	require.Equal(t, `"4MB", after the next restart`, p.Items[0].Then)
	require.Contains(t, p.Warnings[0], "needs a restart")

	p, err = preview(t, changer(t), "postgres.set_parameter", map[string]any{"name": "synchronous_standby_names", "value": ""})
	require.NoError(t, err)
	require.True(t, p.Already, "nothing was written, and it is empty by default")

	p, err = preview(t, changerAt(t, changed.URL("postgres", "app")), "postgres.set_parameter", map[string]any{"name": "archive_command", "value": "cp %p /archive/%f"})
	require.NoError(t, err)
	require.Equal(t, action.R4, p.Risk)
	require.Contains(t, p.TwoPeople, "a program or a library")
}

func TestAParameterThatIsOnlyWrittenIsLoadedByTheSameOrder(t *testing.T) {
	t.Parallel()
	needServer(t)
	s := realserver.StartPostgres(t, realserver.PostgresConfig{})
	target := changerAt(t, s.URL("postgres", "app"))
	order := planned(t, target, "postgres.set_parameter", map[string]any{"name": "work_mem", "value": "9MB"})
	s.Exec(t, "app", "ALTER SYSTEM SET work_mem = '9MB'") // as a run that was killed before the reload
	standing := standingOf(t, target, order)
	require.Equal(t, action.PartlyMade, standing.State)
	require.Equal(t, true, standing.Done.Inverse.Args["reset"])
	done, err := apply(t, target, order)
	require.NoError(t, err)
	require.Equal(t, standing.Done.Inverse, done.Inverse)
	require.Equal(t, action.Made, standingOf(t, target, order).State)
	require.Equal(t, "9MB", valueAt(t, s, "app", "SELECT current_setting('work_mem')"))

	s.Exec(t, "app", "ALTER SYSTEM SET work_mem = '11MB'", "SELECT pg_reload_conf()")
	require.Equal(t, action.CannotTell, standingOf(t, target, order).State)
	_, err = apply(t, target, order)
	actiontest.NotMade(t, err, "neither the former value")
}

func TestAParameterIsToldPendingAndThenInForce(t *testing.T) {
	t.Parallel()
	needServer(t)
	s := realserver.StartPostgres(t, realserver.PostgresConfig{})
	target := changerAt(t, s.URL("postgres", "app"))
	args := map[string]any{"name": "max_locks_per_transaction", "value": "128"}
	done, err := apply(t, target, planned(t, target, "postgres.set_parameter", args))
	require.NoError(t, err)
	require.Contains(t, done.Summary, "after the next restart")
	eventually(t, func() bool {
		p, err := preview(t, target, "postgres.set_parameter", args)
		require.NoError(t, err)
		return p.Already && p.Summary == `max_locks_per_transaction is "128", and waits for a restart`
	})
	s.Stop()
	s.Start(t)
	p, err := preview(t, target, "postgres.set_parameter", args)
	require.NoError(t, err)
	require.Equal(t, `max_locks_per_transaction is "128"`, p.Summary)
}

func TestAReloadThatWouldTakeUpMoreOrNothingIsToldOf(t *testing.T) {
	t.Parallel()
	needServer(t)
	s := realserver.StartPostgres(t, realserver.PostgresConfig{})
	target := changerAt(t, s.URL("postgres", "app"))
	args := map[string]any{"name": "work_mem", "value": "9MB"}
	conf := filepath.Join(s.Data, "postgresql.conf")
	text, err := os.ReadFile(conf)
	require.NoError(t, err)
	p, err := preview(t, target, "postgres.set_parameter", args)
	require.NoError(t, err)
	require.Empty(t, p.Warnings, "nobody has written anything")

	require.NoError(t, os.WriteFile(conf, append(text, "\nmaintenance_work_mem = '65 MB'\nlog_lock_waits = on\n"...), 0o600))
	p, err = preview(t, target, "postgres.set_parameter", args)
	require.NoError(t, err)
	require.Equal(t, []string{"the reload also takes up what somebody has written: log_lock_waits, maintenance_work_mem"}, p.Warnings)

	require.NoError(t, os.WriteFile(conf, append(text, "\nmaintenance_work_mem == 65MB\n"...), 0o600))
	_, err = preview(t, target, "postgres.set_parameter", args)
	actiontest.Refuses(t, err, "would not take up a reload", "of postgresql.conf: syntax error")
}

func TestValuesAreReadAsTheServerReadsThem(t *testing.T) {
	t.Parallel()
	needServer(t)
	conn := changed.Connect(t, "app")
	rows := map[string]map[string]any{}
	for _, row := range rowsOf(t, sql(t, openAt(t, changed.URL("postgres", "app"), nil, connector.Limits{}), "SELECT name, context, vartype, unit, min_val, max_val, enumvals FROM pg_settings", nil)) {
		rows[row["name"].(string)] = row
	}
	values := []string{
		"", " ", "0", "1", "-1", "1.5", "63", "64", "0x40", "1e3", "1e400", "nan", "8kB", "8 kB", "8KB", "1.5MB", "2147483647", "2147483648", "99999999TB", "3TB",
		"100ms", "1.5s", "1 min", "2h", "7d", "500us", "1.2345min", "10 parsecs", "on", "off", "TRUE", "f", "yes", "tru", "o", "of", " on", "on ", "maybe", "safe_encoding", "always", "+5", ".5", "5.", "0.49",
		"1s 5ms", "kB", "0x", "010", "0x40kB", "010kB", "0b11", "0o17", "1_000", "1e3kB", "1 e3", "--5", "5-",
	}
	for _, name := range []string{
		"work_mem", "temp_buffers", "lock_timeout", "random_page_cost", "vacuum_cost_delay", "enable_seqscan", "backslash_quote", "from_collapse_limit",
		"effective_cache_size", "geqo_seed", "constraint_exclusion", "gin_pending_list_limit", "log_min_duration_statement", "wal_sender_timeout", "bytea_output", "min_parallel_table_scan_size",
	} {
		for _, value := range values {
			ours, refused := postgres.Canon(rows[name], value)
			var setting string
			_, err := conn.Exec(context.Background(), "SELECT set_config($1, $2, false)", name, value)
			require.Equalf(t, err == nil, refused == nil, "%s = %q: the server says %v, we say %v", name, value, err, refused)
			if err != nil {
				continue
			}
			require.NoError(t, conn.QueryRow(context.Background(), "SELECT setting FROM pg_settings WHERE name = $1", name).Scan(&setting))
			theirs, err := postgres.Canon(withoutUnit(rows[name]), setting)
			require.NoError(t, err)
			require.Equalf(t, theirs, ours, "%s = %q", name, value)
		}
	}
}

func withoutUnit(row map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range row {
		if k != "unit" {
			out[k] = v
		}
	}
	return out
}
