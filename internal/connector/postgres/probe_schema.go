package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// A column may end before its sequence does: what counts is the nearer end.
const sequencesSQL = `
SELECT s.schemaname::text AS schema, s.sequencename::text AS sequence, coalesce(t.relname, '')::text AS "table", coalesce(col.attname, '')::text AS "column",
       coalesce(format_type(col.atttypid, NULL), '') AS column_type, s.last_value, e.max_value,
       (s.last_value - least(s.start_value, 1) + 1)::float8 / (e.max_value - least(s.start_value, 1) + 1) AS used_share, e.max_value - s.last_value AS left
FROM pg_sequences s
JOIN pg_namespace n ON n.nspname = s.schemaname JOIN pg_class c ON c.relname = s.sequencename AND c.relnamespace = n.oid
LEFT JOIN LATERAL (
  SELECT d.refobjid, d.refobjsubid FROM pg_depend d
  WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
  UNION ALL
  -- a column that takes its default from the sequence without owning it
  SELECT ad.adrelid, ad.adnum FROM pg_depend d JOIN pg_attrdef ad ON ad.oid = d.objid
  WHERE d.refobjid = c.oid AND d.refclassid = 'pg_class'::regclass AND d.classid = 'pg_attrdef'::regclass
  LIMIT 1) own ON true
LEFT JOIN pg_class t ON t.oid = own.refobjid
LEFT JOIN pg_attribute col ON col.attrelid = own.refobjid AND col.attnum = own.refobjsubid
CROSS JOIN LATERAL (SELECT least(s.max_value, CASE format_type(col.atttypid, NULL) WHEN 'smallint' THEN 32767 WHEN 'integer' THEN 2147483647 ELSE 9223372036854775807 END)::numeric AS max_value) e
WHERE NOT s.cycle AND s.last_value IS NOT NULL AND s.increment_by > 0
ORDER BY used_share DESC, 1, 2 LIMIT `

func sequencesQuestion(ctx context.Context, t *Target, q probe.Question) (evidence.Answer, error) {
	limit := limitOf(q, 20)
	a, err := t.rows(ctx, limit, fmt.Sprintf("%s%d", sequencesSQL, limit+1))
	if err != nil {
		return a, err
	}
	closed, err := t.query(ctx, closedSequencesSQL)
	if err != nil {
		return a, err
	}
	v := closed.first()
	n := num(v, "closed")
	if n == 0 {
		return a, nil
	}
	reason := fmt.Sprintf("our role may not read %.0f of %.0f sequences", n, num(v, "sequences"))
	hint := fmt.Sprintf("GRANT SELECT ON ALL SEQUENCES IN SCHEMA %s TO %s", quoteIdent(str(v, "schema")), quoteIdent(str(v, "role")))
	rows, _ := a.Value.([]any)
	if len(rows) > 0 && num(rows[0].(map[string]any), "used_share") >= nearlyUsed {
		// One that runs out is news, whatever the others do.
		a.Notes = append(a.Notes, reason+": "+hint)
		return a, nil
	}
	return evidence.Not(evidence.Denied, reason, hint), nil
}

// nearlyUsed is the share from which a sequence is worth a word: the playbooks
// warn from three quarters.
const nearlyUsed = 0.75

// The view shows no value of a sequence that our role may not read, and none of
// one that was never used: the privilege tells them apart.
const closedSequencesSQL = `SELECT current_user::text AS role, count(*)::float8 AS sequences,
       count(*) FILTER (WHERE NOT has_sequence_privilege(c.oid, 'SELECT, USAGE'))::float8 AS closed,
       coalesce(min(n.nspname) FILTER (WHERE NOT has_sequence_privilege(c.oid, 'SELECT, USAGE')), '')::text AS schema
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'S' AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\_temp%'`

// migrationTool is a tool that keeps what it has done in a table.
type migrationTool struct {
	name, table string
	needs       string // a column that tells it from others with the same table
	version     string // SQL for one migration, as text
	order       string // newest first
	where       string // applied ones only
	dirty       string // SQL that is true when one failed half way; empty where the tool does not say
	applied     string // SQL for when, as a timestamp; empty where the tool does not say
}

// migrationTools are known by their table and by a column of it. Names of
// columns with capitals are quoted.
var migrationTools = []migrationTool{
	{name: "alembic", table: "alembic_version", needs: "version_num", version: "m.version_num", order: "1"},
	{name: "django", table: "django_migrations", needs: "app", version: "m.app || '.' || m.name", order: "m.id DESC", applied: "max(m.applied)"},
	{name: "rails", table: "schema_migrations", needs: "version", version: "m.version::text", order: "m.version DESC"},
	{name: "golang-migrate", table: "schema_migrations", needs: "dirty", version: "m.version::text", order: "m.version DESC", dirty: "bool_or(m.dirty)"},
	{name: "goose", table: "goose_db_version", needs: "version_id", version: "m.version_id::text", order: "m.id DESC", where: "m.is_applied", applied: "max(m.tstamp)"},
	{name: "flyway", table: "flyway_schema_history", needs: "installed_rank", version: "coalesce(m.version, m.script)", order: "m.installed_rank DESC", dirty: "bool_or(NOT m.success)", applied: "max(m.installed_on)"},
	{name: "prisma", table: "_prisma_migrations", needs: "migration_name", version: "m.migration_name", order: "m.started_at DESC", where: "m.finished_at IS NOT NULL", dirty: "bool_or(m.finished_at IS NULL AND m.rolled_back_at IS NULL)", applied: "max(m.finished_at)"},
	{name: "knex", table: "knex_migrations", needs: "migration_time", version: "m.name", order: "m.id DESC", applied: "max(m.migration_time)"},
	{name: "sequelize", table: "SequelizeMeta", needs: "name", version: "m.name", order: "m.name DESC"},
	{name: "typeorm", table: "migrations", needs: "timestamp", version: "m.name", order: "m.id DESC"},
	{name: "liquibase", table: "databasechangelog", needs: "orderexecuted", version: "m.id", order: "m.orderexecuted DESC", applied: "max(m.dateexecuted)"},
	{name: "ecto", table: "schema_migrations", needs: "inserted_at", version: "m.version::text", order: "m.version DESC", applied: "max(m.inserted_at)"},
	{name: "diesel", table: "__diesel_schema_migrations", needs: "run_on", version: "m.version::text", order: "m.version DESC", applied: "max(m.run_on)"},
}

const migrationTablesSQL = `
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS place, c.relname::text AS "table",
       (SELECT array_agg(col.attname::text ORDER BY col.attnum) FROM pg_attribute col WHERE col.attrelid = c.oid AND col.attnum > 0 AND NOT col.attisdropped) AS columns
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relname IN (%s) AND n.nspname NOT IN ('pg_catalog', 'information_schema')
ORDER BY n.nspname = 'public' DESC, 1 LIMIT 20`

const tableCountSQL = `
SELECT count(*) AS tables FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND n.nspname !~ '^pg_temp'`

func schemaVersionQuestion(ctx context.Context, t *Target, _ probe.Question) (evidence.Answer, error) {
	v := map[string]any{"tool": "", "table": "", "version": "", "versions": []any{}, "dirty": nil, "applied_s": nil, "tools": []any{}}
	count, err := t.query(ctx, tableCountSQL)
	if err != nil {
		return evidence.Answer{}, err
	}
	v["tables"] = count.first()["tables"]
	var names []string
	for _, tool := range migrationTools {
		names = append(names, "'"+tool.table+"'")
	}
	found, err := t.query(ctx, fmt.Sprintf(migrationTablesSQL, strings.Join(names, ", ")))
	if err != nil {
		return evidence.Answer{}, err
	}
	var notes []string
	tools := []any{}
	for _, place := range found.rows {
		tool, ok := toolOf(place)
		if !ok {
			continue
		}
		one := map[string]any{"tool": tool.name, "table": str(place, "place"), "version": "", "versions": []any{}, "dirty": nil, "applied_s": nil}
		notes = append(notes, t.merge(ctx, one, "migrations in "+str(place, "place"), tool.sql(str(place, "place")))...)
		if versions, _ := one["versions"].([]any); len(versions) > 0 {
			one["version"] = versions[0]
		} else {
			one["versions"] = []any{}
		}
		if len(tools) == 0 {
			for name, value := range one {
				v[name] = value
			}
		}
		delete(one, "versions")
		tools = append(tools, one)
	}
	v["tools"] = tools
	return evidence.Of(v, notes...), nil
}

// toolOf tells which tool a table belongs to: the one whose column is the most
// telling among those with this table name.
func toolOf(place map[string]any) (migrationTool, bool) {
	columns, _ := place["columns"].([]any)
	var best migrationTool
	for _, tool := range migrationTools {
		if tool.table != str(place, "table") {
			continue
		}
		for _, c := range columns {
			if c == tool.needs && (best.name == "" || tool.needs != "version") {
				best = tool
			}
		}
	}
	return best, best.name != ""
}

// sql reads the last ten migrations of a tool's table; place is quoted.
func (m migrationTool) sql(place string) string {
	where, dirty, applied := "true", "NULL::bool", "NULL::float8"
	if m.where != "" {
		where = m.where
	}
	if m.dirty != "" {
		dirty = "(SELECT " + m.dirty + " FROM " + place + " m)"
	}
	if m.applied != "" {
		applied = "(SELECT extract(epoch FROM clock_timestamp() - (" + m.applied + ")::timestamptz)::float8 FROM " + place + " m)"
	}
	return fmt.Sprintf(`SELECT %s AS dirty, %s AS applied_s, (SELECT array_agg(v.version) FROM (
  SELECT %s AS version FROM %s m WHERE %s ORDER BY %s LIMIT 10) v) AS versions`, dirty, applied, m.version, place, where, m.order)
}
