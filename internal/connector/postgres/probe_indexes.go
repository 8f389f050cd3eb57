package postgres

import (
	"context"
	"fmt"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// indexShape is what makes two indexes the same: columns, operators, order,
// expressions and condition. The last two are compared as the catalog stores
// them, less the places where names stand in the source text.
const indexShape = `(i.indrelid, i.indkey::text, i.indclass::text, i.indcollation::text, i.indoption::text, x.relam,
  regexp_replace(coalesce(i.indexprs::text, ''), ':location -?\d+', '', 'g'), regexp_replace(coalesce(i.indpred::text, ''), ':location -?\d+', '', 'g'))`

// An unused index is worth a line from this size on (bytes); the number is
// what the common tools agree on.
const unusedFrom = 10 << 20

var indexesSQL = fmt.Sprintf(`
WITH shapes AS (
  SELECT i.indexrelid, i.indrelid, i.indisvalid, i.indisready, i.indisunique, i.indisprimary, i.indisexclusion, x.relname, x.relpages,
         %[1]s::text AS shape
  FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_namespace n ON n.oid = x.relnamespace
  WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')),
found AS (
  SELECT s.*, EXISTS (SELECT 1 FROM shapes o WHERE o.shape = s.shape AND o.indisvalid AND o.indexrelid <> s.indexrelid) AS has_twin,
         -- of two that are the same, the one that nothing depends on repeats the other
         (SELECT o.relname FROM shapes o WHERE o.shape = s.shape AND o.indisvalid AND o.indexrelid <> s.indexrelid
            AND (o.indisprimary::int, o.indisunique::int, -o.indexrelid::bigint) > (s.indisprimary::int, s.indisunique::int, -s.indexrelid::bigint)
          ORDER BY o.indisprimary DESC, o.indisunique DESC, o.indexrelid LIMIT 1) AS duplicate_of,
         coalesce(u.idx_scan, 0) AS scans
  FROM shapes s LEFT JOIN pg_stat_user_indexes u ON u.indexrelid = s.indexrelid)
SELECT CASE WHEN NOT f.indisvalid THEN 'invalid' WHEN f.duplicate_of IS NOT NULL THEN 'duplicate' ELSE 'unused' END AS problem,
       n.nspname::text AS schema, c.relname::text AS "table", f.relname::text AS index,
       f.relpages::float8 * current_setting('block_size')::int AS size_bytes, c.relpages::float8 * current_setting('block_size')::int AS table_bytes,
       greatest(c.reltuples, 0)::float8 AS table_rows, f.scans,
       (SELECT extract(epoch FROM clock_timestamp() - d.stats_reset)::float8 FROM pg_stat_database d WHERE d.datname = current_database()) AS stats_age_s,
       EXISTS (SELECT 1 FROM pg_stat_progress_create_index p WHERE p.index_relid = f.indexrelid OR p.relid = f.indrelid) AS being_built,
       f.has_twin, coalesce(f.duplicate_of, '')::text AS duplicate_of, pg_get_indexdef(f.indexrelid) AS definition
FROM found f JOIN pg_class c ON c.oid = f.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT f.indisvalid OR f.duplicate_of IS NOT NULL
   OR f.scans = 0 AND NOT f.indisunique AND NOT f.indisprimary AND NOT f.indisexclusion
      AND f.relpages::float8 * current_setting('block_size')::int >= %[2]d
ORDER BY f.indisvalid, f.duplicate_of IS NULL, f.relpages DESC, 2, 3, 4 LIMIT `, indexShape, unusedFrom)

func indexesQuestion(ctx context.Context, t *Target, q probe.Question) (evidence.Answer, error) {
	limit := limitOf(q, 50)
	return t.rows(ctx, limit, fmt.Sprintf("%s%d", indexesSQL, limit+1))
}

// locked are relations that someone holds, or waits to hold, exclusively: the
// size of their files is not asked for, since that would wait too.
const locked = `(SELECT l.relation FROM pg_locks l WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.relation IS NOT NULL)`

const largestTablesSQL = `
SELECT n.nspname::text AS schema, c.relname::text AS "table",
       CASE WHEN h.held THEN NULL ELSE pg_total_relation_size(c.oid) END AS total_bytes,
       CASE WHEN h.held THEN c.relpages::bigint * current_setting('block_size')::int ELSE pg_relation_size(c.oid) END AS table_bytes,
       CASE WHEN h.held THEN NULL ELSE pg_indexes_size(c.oid) END AS index_bytes,
       CASE WHEN h.held OR c.reltoastrelid = 0 THEN NULL ELSE pg_total_relation_size(c.reltoastrelid) END AS toast_bytes
FROM (SELECT * FROM pg_class WHERE relkind IN ('r', 'm') ORDER BY relpages DESC, oid LIMIT 40) c
JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN LATERAL (SELECT c.oid IN ` + locked + ` AS held OFFSET 0) h
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
ORDER BY total_bytes DESC NULLS LAST, 1, 2 LIMIT 20`

const databaseSizesSQL = `
SELECT d.datname::text AS name, pg_database_size(d.oid) AS bytes FROM pg_database d
WHERE has_database_privilege(d.oid, 'CONNECT') OR pg_has_role('pg_read_all_stats', 'MEMBER') ORDER BY bytes DESC, name LIMIT 100`

const tempFilesSQL = `SELECT coalesce(sum(size), 0)::bigint AS temp_bytes, count(*) AS temp_files FROM pg_ls_tmpdir()`

const walFilesSQL = `SELECT coalesce(sum(size), 0)::bigint AS wal_bytes, count(*) AS wal_files FROM pg_ls_waldir()`

func storageQuestion(ctx context.Context, t *Target, _ probe.Question) (evidence.Answer, error) {
	v := map[string]any{"database_bytes": nil, "all_databases_bytes": nil, "databases": []any{}, "tables": []any{},
		"temp_bytes": nil, "temp_files": nil, "wal_bytes": nil}
	databases, err := t.query(ctx, databaseSizesSQL)
	if err != nil {
		return evidence.Answer{}, err
	}
	all := 0.0
	for _, d := range databases.rows {
		all += num(d, "bytes")
		if str(d, "name") == t.cfg.conn.Database {
			v["database_bytes"] = d["bytes"]
		}
	}
	v["all_databases_bytes"], v["databases"] = int64(all), databases.list()
	var notes []string
	// What follows needs pg_monitor, or may wait for a lock: without it the rest still answers.
	if r, err := t.query(ctx, largestTablesSQL); err == nil {
		for _, row := range r.rows {
			row["share"] = nil
			if total, ok := number64(row["total_bytes"]); ok {
				row["share"] = ratio(total, num(v, "database_bytes"), 1)
			}
		}
		v["tables"] = r.list()
	} else {
		notes = append(notes, "tables: "+t.failure(err).Reason)
	}
	notes = append(notes, t.merge(ctx, v, "temporary files", tempFilesSQL)...)
	notes = append(notes, t.merge(ctx, v, "log directory", walFilesSQL)...)
	delete(v, "wal_files")
	return evidence.Of(v, notes...), nil
}

// merge adds the only row of a statement to a value; where that fails it says
// so in a note and the value stays as it is.
func (t *Target) merge(ctx context.Context, v map[string]any, what, sql string) []string {
	r, err := t.query(ctx, sql)
	if err != nil {
		a := t.failure(err)
		note := what + ": " + a.Reason
		if a.Hint != "" {
			note += " (" + a.Hint + ")"
		}
		return []string{note}
	}
	for name, value := range r.first() {
		v[name] = value
	}
	return nil
}
