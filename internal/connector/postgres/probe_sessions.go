package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// Pieces of SQL that several questions share; "a" is pg_stat_activity.
const (
	others = `a.backend_type = 'client backend' AND a.pid <> pg_backend_pid() AND coalesce(a.application_name, '') <> '` + ApplicationName + `'`

	whoColumns = `coalesce(a.usename, '')::text AS "user", coalesce(a.application_name, '') AS application,
       coalesce(a.datname, '')::text AS database,
       CASE WHEN a.client_addr IS NOT NULL THEN host(a.client_addr) WHEN a.client_port = -1 THEN 'local' ELSE '' END AS client`

	waitColumns = `CASE WHEN a.state IS NULL THEN NULL ELSE coalesce(a.wait_event_type, '') END AS wait_type,
       CASE WHEN a.state IS NULL THEN NULL ELSE coalesce(a.wait_event, '') END AS wait_event`

	// A statement that changes the schema or is maintenance, comments before it
	// left out. LOCK counts: it holds up a table as a schema change does.
	ddl = `(a.query ~* '^(\s|/\*.*?\*/|--[^\n]*\n)*(alter|create|drop|truncate|reindex|cluster|vacuum|analyze|refresh|lock|comment|grant|revoke)\M')`

	// blockedBy has one row per waiting session: whom it waits for. The lock
	// manager is asked once for each of them, and not at all when nobody waits.
	blockedBy = `blocked AS MATERIALIZED (
  SELECT w.pid, pg_blocking_pids(w.pid) AS by FROM (SELECT DISTINCT pid FROM pg_locks WHERE NOT granted AND pid IS NOT NULL) w)`
)

// age is the SQL for the seconds since a time of pg_stat_activity.
func age(column string) string {
	return "extract(epoch FROM clock_timestamp() - a." + column + ")::float8"
}

// state_change is missing for a session that has not finished its first
// statement; its start stands in.
func stateAge() string {
	return "extract(epoch FROM clock_timestamp() - coalesce(a.state_change, a.backend_start))::float8"
}

func activityQuestion(ctx context.Context, t *Target, q probe.Question) (evidence.Answer, error) {
	limit := limitOf(q, 50)
	return t.rows(ctx, limit, fmt.Sprintf(`
SELECT %s, a.state, %s, count(*) AS sessions,
       max(%s) AS oldest_state_s, max(%s) AS oldest_xact_s, max(%s) AS oldest_backend_s
FROM pg_stat_activity a WHERE %s
GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY sessions DESC, 1, 2, 3, 4, 5, 6, 7 LIMIT %d`,
		whoColumns, waitColumns, stateAge(), age("xact_start"), age("backend_start"), others, limit+1))
}

func sessionsQuestion(ctx context.Context, t *Target, q probe.Question) (evidence.Answer, error) {
	limit := limitOf(q, 200)
	return t.rows(ctx, limit, fmt.Sprintf(`
SELECT a.pid, %s, a.state, %s, %s AS state_s, %s AS query_s, %s AS xact_s, %s AS backend_s,
       a.backend_xid IS NOT NULL AS has_written, age(a.backend_xmin) AS xmin_age, left(a.query, 300) AS query
FROM pg_stat_activity a WHERE %s
ORDER BY a.state = 'idle', a.xact_start NULLS LAST, a.state_change, a.pid LIMIT %d`,
		whoColumns, waitColumns, stateAge(), age("query_start"), age("xact_start"), age("backend_start"), others, limit+1))
}

func idleInTransactionQuestion(ctx context.Context, t *Target, q probe.Question) (evidence.Answer, error) {
	limit := limitOf(q, 100)
	return t.rows(ctx, limit, fmt.Sprintf(`
WITH %s
SELECT a.pid, %s, a.state LIKE '%%(aborted)' AS aborted, %s AS idle_s, %s AS xact_s,
       a.backend_xid IS NOT NULL AS has_written, greatest(age(a.backend_xmin), age(a.backend_xid)) AS xmin_age,
       (SELECT count(*) FROM blocked b WHERE a.pid = ANY (b.by)) AS blocks, left(a.query, 300) AS query
FROM pg_stat_activity a
WHERE %s AND a.state LIKE 'idle in transaction%%' AND %s >= %f
ORDER BY blocks DESC, idle_s DESC, a.pid LIMIT %d`,
		blockedBy, whoColumns, stateAge(), age("xact_start"), others, stateAge(), durationOf(q, "older_than", 0).Seconds(), limit+1))
}

func longStatementsQuestion(ctx context.Context, t *Target, q probe.Question) (evidence.Answer, error) {
	limit := limitOf(q, 50)
	return t.rows(ctx, limit, fmt.Sprintf(`
WITH %s
SELECT a.pid, %s, %s AS running_s, %s AS xact_s, %s, %s AS is_ddl,
       (SELECT count(*) FROM blocked b WHERE a.pid = ANY (b.by)) AS blocks,
       (SELECT count(*) FROM pg_stat_activity p WHERE p.backend_type = 'parallel worker' AND to_jsonb(p) ->> 'leader_pid' = a.pid::text) AS workers,
       coalesce(to_jsonb(a) ->> 'query_id', '') AS query_id, left(a.query, 300) AS query
FROM pg_stat_activity a
WHERE %s AND a.state = 'active' AND %s >= %f
ORDER BY running_s DESC, a.pid LIMIT %d`,
		blockedBy, whoColumns, age("query_start"), age("xact_start"), waitColumns, ddl, others,
		age("query_start"), durationOf(q, "longer_than", 5*time.Second).Seconds(), limit+1))
}

// rows answers with the rows of a statement that asks for one more than limit,
// and says so when there was one more.
func (t *Target) rows(ctx context.Context, limit int, sql string) (evidence.Answer, error) {
	r, err := t.query(ctx, sql)
	if err != nil {
		return evidence.Answer{}, err
	}
	rows, notes := r.list(), r.notes()
	if len(rows) > limit {
		rows = rows[:limit]
		notes = append(notes, fmt.Sprintf("cut at %d rows: there are more", limit))
	}
	return evidence.Of(rows, append(notes, hiddenNote(r.rows)...)...), nil
}

// hiddenNote says so when the server kept the state of sessions from our role.
func hiddenNote(rows []map[string]any) []string {
	for _, row := range rows {
		if state, has := row["state"]; has && state == nil || str(row, "query") == "<insufficient privilege>" {
			return []string{"our role may not see what some sessions do: GRANT pg_monitor TO it"}
		}
	}
	return nil
}

// durationOf is an argument of the question as a duration.
func durationOf(q probe.Question, name string, def time.Duration) time.Duration {
	switch v := q.Args[name].(type) {
	case time.Duration:
		return v
	case string:
		if d, err := time.ParseDuration(v); err == nil {
			return d
		}
	}
	return def
}
