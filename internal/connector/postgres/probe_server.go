package postgres

import (
	"context"
	"strings"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// The checkpointer starts with shared memory: when a backend crashes, the
// postmaster stays and all others start anew.
const uptimeSQL = `
SELECT extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())::float8 AS postmaster_s,
       (SELECT extract(epoch FROM clock_timestamp() - min(a.backend_start))::float8 FROM pg_stat_activity a
        WHERE a.backend_type IN ('checkpointer', 'background writer', 'walwriter')) AS shared_memory_s,
       extract(epoch FROM clock_timestamp() - pg_conf_load_time())::float8 AS conf_load_s,
       pg_is_in_recovery() AS in_recovery, current_setting('server_version') AS version`

// crashGap is how much younger than the postmaster shared memory may be after
// an ordinary start, in seconds. Own value: a start takes well below a second,
// and recovery ends before sessions are let in; other tools use the same 5 s.
const crashGap = 5

func uptimeQuestion(ctx context.Context, t *Target, _ probe.Question) (evidence.Answer, error) {
	r, err := t.query(ctx, uptimeSQL)
	if err != nil {
		return evidence.Answer{}, err
	}
	v := r.first()
	v["crash_restarted"], v["restarted_s"], v["reloaded_s"] = nil, v["postmaster_s"], nil
	if loaded := num(v, "conf_load_s"); num(v, "postmaster_s")-loaded > crashGap {
		v["reloaded_s"] = loaded
	}
	var notes []string
	if young, ok := number64(v["shared_memory_s"]); ok {
		v["crash_restarted"] = num(v, "postmaster_s")-young > crashGap
		v["restarted_s"] = min(num(v, "postmaster_s"), young)
	} else {
		notes = append(notes, "our role may not see when shared memory was set up: GRANT pg_monitor TO it")
	}
	return evidence.Of(v, notes...), nil
}

const settingsSQL = `
SELECT s.name, s.setting, s.unit, s.vartype, s.source, s.pending_restart,
       s.source NOT IN ('default', 'override', 'client', 'session', 'database user') AND s.setting IS DISTINCT FROM s.boot_val AS changed,
       CASE s.source WHEN 'session' THEN s.reset_val WHEN 'client' THEN s.reset_val ELSE s.setting END AS standing
FROM pg_settings s ORDER BY s.name`

// shown are the settings with a field of their own: name on the server, name
// here, and how the number is to be read.
var shown = []struct{ setting, field, as string }{
	{"max_connections", "max_connections", "number"}, {"random_page_cost", "random_page_cost", "number"},
	{"autovacuum_max_workers", "autovacuum_max_workers", "number"}, {"max_locks_per_transaction", "max_locks_per_transaction", "number"},
	{"shared_buffers", "shared_buffers_bytes", "unit"}, {"work_mem", "work_mem_bytes", "unit"},
	{"maintenance_work_mem", "maintenance_work_mem_bytes", "unit"}, {"effective_cache_size", "effective_cache_size_bytes", "unit"},
	{"max_wal_size", "max_wal_size_bytes", "unit"}, {"max_slot_wal_keep_size", "max_slot_wal_keep_size_bytes", "unit"},
	{"temp_file_limit", "temp_file_limit_bytes", "unit"},
	{"statement_timeout", "statement_timeout_s", "unit"}, {"lock_timeout", "lock_timeout_s", "unit"},
	{"idle_in_transaction_session_timeout", "idle_in_transaction_session_timeout_s", "unit"},
	{"idle_session_timeout", "idle_session_timeout_s", "unit"}, {"deadlock_timeout", "deadlock_timeout_s", "unit"},
	{"checkpoint_timeout", "checkpoint_timeout_s", "unit"},
	{"autovacuum", "autovacuum", "bool"}, {"track_counts", "track_counts", "bool"}, {"track_io_timing", "track_io_timing", "bool"},
	{"track_activities", "track_activities", "bool"}, {"fsync", "fsync", "bool"}, {"full_page_writes", "full_page_writes", "bool"},
	{"log_lock_waits", "log_lock_waits", "bool"}, {"hot_standby_feedback", "hot_standby_feedback", "bool"},
	{"default_transaction_read_only", "default_transaction_read_only", "bool"},
	{"archive_mode", "archive_mode", "text"}, {"synchronous_standby_names", "synchronous_standby_names", "text"},
	{"synchronous_commit", "synchronous_commit", "text"},
}

func settingsQuestion(ctx context.Context, t *Target, _ probe.Question) (evidence.Answer, error) {
	r, err := t.query(ctx, settingsSQL)
	if err != nil {
		return evidence.Answer{}, err
	}
	byName := byKey(r.rows, func(row map[string]any) string { return str(row, "name") })
	v := map[string]any{}
	for _, s := range shown {
		v[s.field] = settingValue(byName[s.setting], s.as)
	}
	reserved, _ := number64(settingValue(byName["superuser_reserved_connections"], "number"))
	more, _ := number64(settingValue(byName["reserved_connections"], "number"))
	v["reserved_connections"] = int64(reserved + more)
	pending, changed := []any{}, []any{}
	for _, row := range r.rows {
		if truth(row, "pending_restart") {
			pending = append(pending, row["name"])
		}
		if truth(row, "changed") {
			changed = append(changed, map[string]any{"name": row["name"], "value": row["standing"], "unit": str(row, "unit"), "source": row["source"]})
		}
	}
	v["pending_restart"], v["changed"] = pending, changed
	return evidence.Of(v), nil
}

// settingValue is a setting as a value: a number in bytes or seconds by its
// unit (nil for -1, which means none), a boolean, or a text.
func settingValue(row map[string]any, as string) any {
	if row == nil {
		return nil
	}
	text := str(row, "standing")
	switch as {
	case "bool":
		return text == "on"
	case "text":
		return text
	}
	n, ok := number64(decode(oidNumeric, []byte(text)))
	if !ok || n < 0 {
		return nil
	}
	if as == "number" {
		return decode(oidNumeric, []byte(text))
	}
	return n * unitSize(str(row, "unit"))
}

// unitSize is a unit of pg_settings in bytes or in seconds.
func unitSize(unit string) float64 {
	sizes := map[string]float64{"B": 1, "kB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "us": 1e-6, "ms": 1e-3, "s": 1, "min": 60, "h": 3600, "d": 86400}
	if n, ok := sizes[unit]; ok {
		return n
	}
	if blocks, ok := strings.CutSuffix(unit, "kB"); ok { // 8kB
		if n, ok := number64(decode(oidNumeric, []byte(blocks))); ok {
			return n * 1024
		}
	}
	return 1
}
