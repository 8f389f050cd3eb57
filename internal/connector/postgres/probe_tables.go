package postgres

import (
	"context"
	"fmt"
	"sort"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// option is a storage option of a table, or the server's setting of that name.
func option(name string) string {
	return fmt.Sprintf(`coalesce((SELECT o.option_value FROM pg_options_to_table(c.reloptions) o WHERE o.option_name = '%[1]s'), current_setting('%[1]s'))`, name)
}

// tablesSQL takes sizes from the planner's page counts, as of the last vacuum
// or analyze: asking for the size of a file takes a lock on its table, and
// would queue behind a schema change.
var tablesSQL = fmt.Sprintf(`
SELECT extract(epoch FROM clock_timestamp())::float8 AS at, c.oid, s.schemaname::text AS schema, s.relname::text AS "table",
       c.reltuples::float8 AS reltuples, s.n_live_tup, s.n_dead_tup,
       %s::float8 + %s::float8 * greatest(c.reltuples, 0) AS vacuum_at,
       %s::float8 + %s::float8 * greatest(c.reltuples, 0) AS analyze_at,
       coalesce((SELECT o.option_value FROM pg_options_to_table(c.reloptions) o WHERE o.option_name = 'autovacuum_enabled'), 'true')::bool
         AND current_setting('autovacuum')::bool AND current_setting('track_counts')::bool AS autovacuum,
       EXISTS (SELECT 1 FROM pg_stat_progress_vacuum p WHERE p.relid = c.oid AND p.datname = current_database()) AS vacuum_running,
       extract(epoch FROM clock_timestamp() - greatest(s.last_vacuum, s.last_autovacuum))::float8 AS last_vacuum_s,
       extract(epoch FROM clock_timestamp() - greatest(s.last_analyze, s.last_autoanalyze))::float8 AS last_analyze_s,
       s.n_mod_since_analyze, s.seq_scan, s.seq_tup_read, coalesce(s.idx_scan, 0) AS idx_scan,
       s.n_tup_ins + s.n_tup_upd + s.n_tup_del AS writes, s.n_tup_upd, s.n_tup_hot_upd,
       c.relpages::float8 * current_setting('block_size')::int AS size_bytes,
       (c.relpages + coalesce(toast.relpages, 0) + coalesce((SELECT sum(x.relpages) FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid), 0))::float8
         * current_setting('block_size')::int AS total_bytes
FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid LEFT JOIN pg_class toast ON toast.oid = c.reltoastrelid
ORDER BY c.relpages + s.n_dead_tup / 50 + s.seq_tup_read / 1000 DESC, c.oid LIMIT 500`,
	option("autovacuum_vacuum_threshold"), option("autovacuum_vacuum_scale_factor"),
	option("autovacuum_analyze_threshold"), option("autovacuum_analyze_scale_factor"))

// tableStats are the two samples of a table, compared.
type tableStats struct {
	now                    map[string]any
	seqScans, seqRows      any // per second in the window; nil when not known
	idxScans, writes       any
	window                 float64
	schema, name           string
	rows, size, times, oid float64
	seqPerSecond           float64
}

func (t *Target) tableStats(ctx context.Context, q probe.Question) ([]tableStats, error) {
	before, after, err := t.sampled(ctx, q, "tables", tablesSQL, nil)
	if err != nil {
		return nil, err
	}
	key := func(r map[string]any) string { return fmt.Sprint(r["oid"]) }
	old, window := byKey(before.rows, key), after.at-before.at
	out := make([]tableStats, 0, len(after.rows))
	for _, now := range after.rows {
		was := old[key(now)]
		s := tableStats{now: now, window: window, schema: str(now, "schema"), name: str(now, "table"), oid: num(now, "oid"),
			seqScans: perSecond(was, now, "seq_scan", window), seqRows: perSecond(was, now, "seq_tup_read", window),
			idxScans: perSecond(was, now, "idx_scan", window), writes: perSecond(was, now, "writes", window),
			rows: max(num(now, "reltuples"), num(now, "n_live_tup")), size: num(now, "size_bytes")}
		if at := num(now, "vacuum_at"); at > 0 {
			s.times = num(now, "n_dead_tup") / at
		}
		s.seqPerSecond, _ = number64(s.seqScans)
		out = append(out, s)
	}
	return out, nil
}

func tablesQuestion(ctx context.Context, t *Target, q probe.Question) (evidence.Answer, error) {
	all, err := t.tableStats(ctx, q)
	if err != nil {
		return evidence.Answer{}, err
	}
	// The most troubled first: far over its vacuum trigger, then much scanned, then large.
	sort.SliceStable(all, func(i, j int) bool {
		a, b := all[i], all[j]
		if (a.times >= 1 || b.times >= 1) && a.times != b.times {
			return a.times > b.times
		}
		ra, _ := number64(a.seqRows)
		rb, _ := number64(b.seqRows)
		if ra != rb {
			return ra > rb
		}
		return a.size > b.size
	})
	limit, rows := limitOf(q, 50), []any{}
	for _, s := range all[:min(len(all), limit)] {
		rows = append(rows, s.row())
	}
	var notes []string
	if len(all) > limit {
		notes = append(notes, fmt.Sprintf("the %d most troubled of at least %d tables", limit, len(all)))
	}
	return evidence.Of(rows, notes...), nil
}

func (s tableStats) row() map[string]any {
	n := s.now
	live, dead := num(n, "n_live_tup"), num(n, "n_dead_tup")
	row := map[string]any{
		"schema": s.schema, "table": s.name, "rows": max(num(n, "reltuples"), 0), "live_rows": n["n_live_tup"], "dead_rows": n["n_dead_tup"],
		"dead_share": 0.0, "trigger_rows": n["vacuum_at"], "times_over_trigger": s.times,
		"autovacuum": n["autovacuum"], "vacuum_running": n["vacuum_running"],
		"last_vacuum_s": n["last_vacuum_s"], "last_analyze_s": n["last_analyze_s"],
		"mods_since_analyze": n["n_mod_since_analyze"], "analyze_times_over": ratio(num(n, "n_mod_since_analyze"), num(n, "analyze_at"), 0),
		"seq_scans_total": n["seq_scan"], "seq_scans_per_s": s.seqScans, "seq_rows_per_s": s.seqRows,
		"idx_scans_total": n["idx_scan"], "idx_scans_per_s": s.idxScans, "writes_per_s": s.writes,
		"updates_total": n["n_tup_upd"], "hot_share": ratio(num(n, "n_tup_hot_upd"), num(n, "n_tup_upd"), fewUpdates),
		"size_bytes": n["size_bytes"], "total_bytes": n["total_bytes"], "bytes_per_row": ratio(s.size, live, 1), "window_s": s.window,
	}
	if live+dead > 0 {
		row["dead_share"] = dead / (live + dead)
	}
	return row
}

// fewUpdates is the count below which the share of HOT updates says nothing.
const fewUpdates = 1000
