package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// wraparound reports whether a worker vacuums against wraparound; the server
// says so at the end of the worker's "query".
func wraparound(query string) bool {
	return strings.HasPrefix(query, "autovacuum:") && strings.HasSuffix(query, "(to prevent wraparound)")
}

const autovacuumSQL = `
SELECT current_setting('autovacuum')::bool AND current_setting('track_counts')::bool AS enabled,
       count(*) AS workers, current_setting('autovacuum_max_workers')::int AS max_workers,
       count(*) FILTER (WHERE a.wait_event = 'VacuumDelay') AS throttled,
       count(*) FILTER (WHERE a.query LIKE '%(to prevent wraparound)') AS wraparound_workers,
       coalesce(max(extract(epoch FROM clock_timestamp() - a.xact_start)), 0)::float8 AS longest_s,
       count(*) >= current_setting('autovacuum_max_workers')::int AS "full"
FROM pg_stat_activity a WHERE a.backend_type = 'autovacuum worker'`

// Vacuums themselves hold a snapshot that does not keep rows of others; idle
// sessions hold one only inside of a transaction at a higher isolation level,
// so an open transaction that has written counts by its own id.
var horizonSQL = `
SELECT * FROM (
  SELECT CASE WHEN a.state LIKE 'idle in transaction%' THEN 'idle in transaction' ELSE 'running' END AS kind,
         a.pid::text AS holder, a.pid, greatest(age(a.backend_xmin), age(a.backend_xid)) AS xmin_age,
         extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS age_s, coalesce(a.state, 'active') = 'active' AS active,
         coalesce(a.usename, '')::text AS "user", coalesce(a.datname, '')::text AS database, left(a.query, 300) AS detail
  FROM pg_stat_activity a
  WHERE (a.backend_xmin IS NOT NULL OR a.backend_xid IS NOT NULL) AND a.pid <> pg_backend_pid()
    AND a.backend_type NOT IN ('walsender', 'autovacuum worker') AND coalesce(a.application_name, '') <> '` + ApplicationName + `'
    AND coalesce(a.query, '') !~* '^\s*vacuum\M'
  UNION ALL
  SELECT 'prepared transaction', p.gid, NULL, age(p.transaction), extract(epoch FROM clock_timestamp() - p.prepared)::float8, false,
         p.owner::text, p.database::text, 'PREPARE TRANSACTION ' || quote_literal(p.gid) FROM pg_prepared_xacts p
  UNION ALL
  SELECT 'slot', s.slot_name::text, s.active_pid, greatest(age(s.xmin), age(s.catalog_xmin)), NULL, s.active, '', coalesce(s.database, '')::text,
         s.slot_type || ' slot' FROM pg_replication_slots s
  UNION ALL
  SELECT 'standby', coalesce(r.application_name, ''), r.pid, age(r.backend_xmin), NULL, true, coalesce(r.usename, '')::text, '', coalesce(host(r.client_addr), 'local')
  FROM pg_stat_replication r) h
WHERE h.xmin_age IS NOT NULL ORDER BY h.xmin_age DESC, h.age_s DESC NULLS LAST, h.holder LIMIT %d`

func horizonQuestion(ctx context.Context, t *Target, q probe.Question) (evidence.Answer, error) {
	limit := limitOf(q, 20)
	return t.rows(ctx, limit, strings.Replace(horizonSQL, "LIMIT %d", fmt.Sprintf("LIMIT %d", limit+1), 1))
}

// The server stops taking writes three million transactions before 2^31.
const wraparoundSQL = `
SELECT d.datname::text AS name, age(d.datfrozenxid) AS xid_age, mxid_age(d.datminmxid) AS multixact_age,
       greatest(age(d.datfrozenxid), mxid_age(d.datminmxid))::float8 / (2147483648 - 3000000) AS share,
       greatest(age(d.datfrozenxid)::float8 / current_setting('autovacuum_freeze_max_age')::float8,
                mxid_age(d.datminmxid)::float8 / current_setting('autovacuum_multixact_freeze_max_age')::float8) AS forced_share
FROM pg_database d ORDER BY share DESC, name LIMIT 100`

const oldestTablesSQL = `
SELECT n.nspname || '.' || c.relname AS "table", greatest(age(c.relfrozenxid), age(t.relfrozenxid)) AS xid_age,
       c.relpages::float8 * current_setting('block_size')::int AS bytes
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
WHERE c.relkind IN ('r', 'm') ORDER BY xid_age DESC, bytes DESC, 1 LIMIT 10`

func wraparoundQuestion(ctx context.Context, t *Target, _ probe.Question) (evidence.Answer, error) {
	databases, err := t.query(ctx, wraparoundSQL)
	if err != nil {
		return evidence.Answer{}, err
	}
	tables, err := t.query(ctx, oldestTablesSQL)
	if err != nil {
		return evidence.Answer{}, err
	}
	worst := databases.first()
	v := map[string]any{
		"worst_share": worst["share"], "worst_database": worst["name"], "forced_share": worst["forced_share"],
		"left":   max(2147483648-3000000-max(num(worst, "xid_age"), num(worst, "multixact_age")), 0),
		"tables": tables.list(),
	}
	for _, d := range databases.rows {
		delete(d, "forced_share")
	}
	v["databases"] = databases.list()
	return evidence.Of(v), nil
}

// progressSQL reads the progress views that the server has; each came with a
// version of its own, and what is missing is left out.
func progressSQL(version int) string {
	const head = `SELECT '%s' AS operation, p.pid, %s AS relation, %s AS phase, %s::float8 AS share FROM %s p`
	const here = `CASE WHEN p.datname = current_database() AND p.relid <> 0 THEN p.relid::regclass::text ELSE '' END`
	parts := []string{fmt.Sprintf(head, "vacuum", here, "p.phase", "p.heap_blks_scanned::float8 / nullif(p.heap_blks_total, 0)", "pg_stat_progress_vacuum")}
	if version >= 120000 {
		parts = append(parts,
			fmt.Sprintf(head, "create index", here, "p.phase", "p.blocks_done::float8 / nullif(p.blocks_total, 0)", "pg_stat_progress_create_index"),
			fmt.Sprintf(head, "cluster", here, "p.phase", "p.heap_blks_scanned::float8 / nullif(p.heap_blks_total, 0)", "pg_stat_progress_cluster"))
	}
	if version >= 130000 {
		parts = append(parts,
			fmt.Sprintf(head, "analyze", here, "p.phase", "p.sample_blks_scanned::float8 / nullif(p.sample_blks_total, 0)", "pg_stat_progress_analyze"),
			fmt.Sprintf(head, "base backup", "''", "p.phase", "p.backup_streamed::float8 / nullif(p.backup_total, 0)", "pg_stat_progress_basebackup"))
	}
	if version >= 140000 {
		parts = append(parts, fmt.Sprintf(head, "copy", here, "p.command", "p.bytes_processed::float8 / nullif(p.bytes_total, 0)", "pg_stat_progress_copy"))
	}
	return `SELECT w.*, extract(epoch FROM clock_timestamp() - coalesce(a.query_start, a.backend_start))::float8 AS running_s,
       a.backend_type = 'autovacuum worker' AS automatic, coalesce(a.wait_event_type = 'Lock', false) AS waiting, left(a.query, 300) AS query
FROM (` + strings.Join(parts, " UNION ALL ") + `) w JOIN pg_stat_activity a USING (pid) ORDER BY running_s DESC, w.pid LIMIT 200`
}

func progressQuestion(ctx context.Context, t *Target, _ probe.Question) (evidence.Answer, error) {
	version, err := t.version(ctx)
	if err != nil {
		return evidence.Answer{}, err
	}
	return t.rows(ctx, 200, progressSQL(version))
}

// version is the server's version as a number. It costs nothing: the server
// said it when the session was opened.
func (t *Target) version(ctx context.Context) (int, error) {
	var version int
	_, err := t.transactionless(ctx, func(s *session) { version = parseVersion(s.conn.ParameterStatus("server_version")) })
	return version, err
}

// transactionless opens the session if need be and lets read look at it.
func (t *Target) transactionless(ctx context.Context, read func(*session)) (result, error) {
	s := t.session
	if err := s.take(ctx); err != nil {
		return result{}, err
	}
	defer s.give()
	if _, err := t.connect(ctx); err != nil {
		return result{}, err
	}
	read(s)
	return result{}, nil
}

// parseVersion reads "15.18 (Debian …)", "9.6.24", "18beta1" as 150018, 90624, 180000.
func parseVersion(text string) int {
	var major, minor int
	text, _, _ = strings.Cut(text, " ")
	if n, _ := fmt.Sscanf(text, "%d.%d", &major, &minor); n == 0 {
		return 0
	}
	return major*10000 + minor
}

// one answers with the only row of a statement.
func one(sql string) answerer {
	return func(ctx context.Context, t *Target, _ probe.Question) (evidence.Answer, error) {
		r, err := t.query(ctx, sql)
		if err != nil {
			return evidence.Answer{}, err
		}
		return evidence.Of(r.first()), nil
	}
}
