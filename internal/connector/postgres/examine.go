package postgres

import (
	"context"
	"fmt"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
)

const examineSQL = `
SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS version_num,
       (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user) AS superuser,
       pg_has_role('pg_read_all_stats', 'MEMBER') AS stats, pg_has_role('pg_read_all_settings', 'MEMBER') AS settings,
       pg_has_role('pg_monitor', 'MEMBER') AS monitor,
       has_function_privilege('pg_ls_waldir()', 'EXECUTE') AS wal_directory,
       (SELECT count(*) FROM pg_extension e WHERE e.extname = 'pg_stat_statements') > 0 AS extension,
       (SELECT count(*) FROM pg_settings s WHERE s.name = 'pg_stat_statements.max') > 0 AS preloaded,
       current_setting('track_io_timing')::bool AS io_timing, current_setting('track_activity_query_size') AS query_size,
       pg_size_bytes(current_setting('track_activity_query_size')) >= 1024 AS query_size_ok,
       coalesce(current_setting('compute_query_id', true), 'off') <> 'off' AS query_ids,
       EXISTS (SELECT 1 FROM pg_roles r WHERE r.rolname = 'pg_use_reserved_connections') AS reserved_exists,
       EXISTS (SELECT 1 FROM pg_roles r WHERE r.rolname = 'pg_use_reserved_connections' AND pg_has_role(r.oid, 'MEMBER')) AS reserved,
       (SELECT r.rolconnlimit FROM pg_roles r WHERE r.rolname = current_user) AS connection_limit,
       (SELECT count(*) FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid
        WHERE c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
          AND NOT has_table_privilege(c.oid, 'SELECT')) AS unreadable`

// Examine implements connector.Examiner: what our role may see, and the exact
// grant for what it may not.
func (t *Target) Examine(ctx context.Context) []connector.Check {
	user, db := quoteIdent(t.cfg.conn.User), quoteIdent(t.cfg.conn.Database)
	r, err := t.query(ctx, examineSQL)
	if err != nil {
		a := t.failure(err)
		return []connector.Check{{Name: "reachable", Detail: a.Reason, Fix: a.Hint, Needed: true}}
	}
	v := r.first()
	grant := "GRANT pg_monitor TO " + user
	checks := []connector.Check{
		{Name: "reachable", OK: true, Needed: true, Detail: fmt.Sprintf("%s, database %s, as %s, in %d ms", t.where(), db, user, t.connectMillis(ctx))},
		{Name: "version", OK: num(v, "version_num") >= 120000, Detail: "PostgreSQL " + str(v, "version"), Fix: unless(num(v, "version_num") >= 120000, "built-in questions need version 12 or later")},
		check(truth(v, "stats"), "may see what sessions do", "pg_read_all_stats", "without it the statements and waits of other roles are hidden", grant),
		check(truth(v, "settings"), "may read all settings", "pg_read_all_settings", "some settings are hidden", grant),
		check(truth(v, "wal_directory"), "may list the log directory", "pg_ls_waldir()", "the size of the write-ahead log is unknown", grant),
		check(!truth(v, "superuser"), "is no superuser", "an ordinary role", "the role is a superuser: Quell needs much less", "CREATE ROLE quell LOGIN; GRANT pg_monitor TO quell"),
		t.examineStatements(v),
		check(truth(v, "io_timing"), "time spent on files is measured", "track_io_timing is on", "track_io_timing is off", "ALTER SYSTEM SET track_io_timing = on; SELECT pg_reload_conf()"),
		check(truth(v, "query_ids"), "statements have identifiers", "compute_query_id is on or auto", "compute_query_id is off", "ALTER SYSTEM SET compute_query_id = auto; SELECT pg_reload_conf()"),
		check(truth(v, "query_size_ok"), "statements are kept long enough", "track_activity_query_size is "+str(v, "query_size"), "track_activity_query_size is "+str(v, "query_size"), "track_activity_query_size = 4096, and a restart"),
		check(num(v, "unreadable") == 0, "SQL fences may read the tables", "all of them",
			fmt.Sprintf("%.0f tables and views are not readable: built-in questions do not need them", num(v, "unreadable")), "GRANT pg_read_all_data TO "+user+", or SELECT on those that your playbooks read"),
	}
	if truth(v, "reserved_exists") {
		checks = append(checks, check(truth(v, "reserved") || truth(v, "superuser"), "gets in when the server is full", "pg_use_reserved_connections",
			"at max_connections we are refused like everyone", "GRANT pg_use_reserved_connections TO "+user+" (with reserved_connections above 0)"))
	}
	return checks
}

// connectMillis is how long the session took to open.
func (t *Target) connectMillis(ctx context.Context) int64 {
	var ms int64
	_, _ = t.transactionless(ctx, func(s *session) { ms = s.opened.took.Milliseconds() })
	return ms
}

func (t *Target) examineStatements(v map[string]any) connector.Check {
	c := connector.Check{Name: "statement statistics", OK: truth(v, "extension") && truth(v, "preloaded"), Detail: "pg_stat_statements is there"}
	if !c.OK {
		var a evidence.Answer
		if truth(v, "preloaded") {
			a = noStatements(true)
		} else {
			a = noStatements(false)
		}
		c.Detail, c.Fix = a.Reason, a.Hint
	}
	return c
}

func check(ok bool, name, good, bad, fix string) connector.Check {
	c := connector.Check{Name: name, OK: ok, Detail: good}
	if !ok {
		c.Detail, c.Fix = bad, fix
	}
	return c
}

func unless(ok bool, fix string) string {
	if ok {
		return ""
	}
	return fix
}

var (
	_ connector.Target   = (*Target)(nil)
	_ connector.Examiner = (*Target)(nil)
)
