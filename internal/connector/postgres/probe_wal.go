package postgres

import (
	"context"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// here is the position in the log that this server has reached.
const here = `CASE WHEN pg_is_in_recovery() THEN coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) ELSE pg_current_wal_lsn() END`

const slotsSQL = `
SELECT s.slot_name::text AS name, s.slot_type::text AS type, coalesce(s.database, '')::text AS database, s.active,
       coalesce(pg_wal_lsn_diff(` + here + `, s.restart_lsn), 0)::bigint AS retained_bytes,
       coalesce(to_jsonb(s) ->> 'wal_status', '') AS wal_status, (to_jsonb(s) ->> 'safe_wal_size')::bigint AS safe_bytes,
       greatest(age(s.xmin), age(s.catalog_xmin)) AS xmin_age
FROM pg_replication_slots s ORDER BY retained_bytes DESC, name LIMIT 100`

const archiverSQL = `
SELECT extract(epoch FROM clock_timestamp())::float8 AS at, current_setting('archive_mode') AS archive_mode,
       current_setting('archive_mode') <> 'off' AND a.last_failed_time IS NOT NULL
         AND a.last_failed_time > coalesce(a.last_archived_time, '-infinity') AS archiving_failing,
       a.failed_count AS archive_failed_total, a.archived_count AS archived_total,
       extract(epoch FROM clock_timestamp() - a.last_failed_time)::float8 AS last_failure_s,
       extract(epoch FROM clock_timestamp() - a.last_archived_time)::float8 AS last_success_s,
       coalesce(a.last_failed_wal, '') AS last_failed_wal,
       pg_size_bytes(current_setting('max_wal_size')) AS max_wal_size_bytes,
       pg_size_bytes(coalesce(current_setting('wal_keep_size', true), '0')) AS keep_bytes,
       CASE WHEN pg_is_in_recovery() THEN NULL ELSE pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8 END AS position
FROM pg_stat_archiver a`

const waitingSegmentsSQL = `SELECT count(*) FILTER (WHERE name LIKE '%.ready') AS waiting_segments FROM pg_ls_archive_statusdir()`

func walQuestion(ctx context.Context, t *Target, q probe.Question) (evidence.Answer, error) {
	before, after, err := t.sampled(ctx, q, "archiver", archiverSQL, nil)
	if err != nil {
		return evidence.Answer{}, err
	}
	v := map[string]any{"waiting_segments": nil, "wal_bytes": nil, "wal_files": nil, "over_share": nil}
	if len(after.rows) > 0 && len(before.rows) > 0 {
		for name, value := range after.rows[0] {
			v[name] = value
		}
		v["bytes_per_s"] = perSecond(before.rows[0], after.rows[0], "position", after.at-before.at)
	}
	keepBytes := num(v, "keep_bytes")
	for _, name := range []string{"at", "position", "keep_bytes"} {
		delete(v, name)
	}
	notes := t.merge(ctx, v, "log directory", walFilesSQL)
	if bytes, ok := number64(v["wal_bytes"]); ok {
		v["over_share"] = ratio(bytes, num(v, "max_wal_size_bytes")+keepBytes, 1)
	}
	notes = append(notes, t.merge(ctx, v, "segments that wait for the archiver", waitingSegmentsSQL)...)
	if err := t.addSlots(ctx, v); err != nil {
		return evidence.Answer{}, err
	}
	return evidence.Of(v, notes...), nil
}

// addSlots adds the replication slots and their totals.
func (t *Target) addSlots(ctx context.Context, v map[string]any) error {
	slots, err := t.query(ctx, slotsSQL)
	if err != nil {
		return err
	}
	inactive, retained, inactiveRetained := 0, 0.0, 0.0
	for _, s := range slots.rows {
		bytes := num(s, "retained_bytes")
		retained = max(retained, bytes)
		if !truth(s, "active") {
			inactive++
			inactiveRetained = max(inactiveRetained, bytes)
		}
	}
	v["slots"], v["inactive_slots"], v["retained_bytes"] = slots.list(), int64(inactive), int64(retained)
	v["inactive_retained_bytes"] = int64(inactiveRetained)
	return nil
}

// Checkpoint counters moved to a view of their own in version 17.
const (
	checkpointsTo16 = `
SELECT extract(epoch FROM clock_timestamp())::float8 AS at, b.checkpoints_timed AS timed, b.checkpoints_req AS requested,
       b.checkpoint_write_time AS write_ms, b.checkpoint_sync_time AS sync_ms, b.buffers_checkpoint AS buffers,
       b.buffers_backend_fsync AS fsyncs, extract(epoch FROM clock_timestamp() - b.stats_reset)::float8 AS stats_age_s,
       (SELECT s.setting::float8 FROM pg_settings s WHERE s.name = 'checkpoint_timeout') AS timeout_s
FROM pg_stat_bgwriter b`
	checkpointsFrom17 = `
SELECT extract(epoch FROM clock_timestamp())::float8 AS at, c.num_timed AS timed, c.num_requested AS requested,
       c.write_time AS write_ms, c.sync_time AS sync_ms, c.buffers_written AS buffers,
       NULL AS fsyncs, extract(epoch FROM clock_timestamp() - c.stats_reset)::float8 AS stats_age_s,
       (SELECT s.setting::float8 FROM pg_settings s WHERE s.name = 'checkpoint_timeout') AS timeout_s
FROM pg_stat_checkpointer c`
	lastCheckpointSQL = `SELECT extract(epoch FROM clock_timestamp() - c.checkpoint_time)::float8 AS since_s FROM pg_control_checkpoint() c`
)

// fewCheckpoints is the count below which their mix says nothing.
const fewCheckpoints = 5

func checkpointsQuestion(ctx context.Context, t *Target, q probe.Question) (evidence.Answer, error) {
	version, err := t.version(ctx)
	if err != nil {
		return evidence.Answer{}, err
	}
	sql := checkpointsTo16
	if version >= 170000 {
		sql = checkpointsFrom17
	}
	before, after, err := t.sampled(ctx, q, "checkpoints", sql, nil)
	if err != nil {
		return evidence.Answer{}, err
	}
	was, now, window := before.rows[0], after.rows[0], after.at-before.at
	timed, requested := num(now, "timed"), num(now, "requested")
	v := map[string]any{
		"window_s": window, "timed": delta(was, now, "timed"), "requested": delta(was, now, "requested"),
		"timed_total": now["timed"], "requested_total": now["requested"], "requested_share": ratio(requested, timed+requested, fewCheckpoints),
		"since_s": nil, "timeout_s": now["timeout_s"],
		"write_s_per_checkpoint": ratio(num(now, "write_ms")/1000, timed+requested, 1),
		"sync_s_per_checkpoint":  ratio(num(now, "sync_ms")/1000, timed+requested, 1),
		"backend_fsyncs_total":   now["fsyncs"], "buffers_per_s": perSecond(was, now, "buffers", window), "stats_age_s": now["stats_age_s"],
	}
	return evidence.Of(v, t.merge(ctx, v, "time of the last checkpoint", lastCheckpointSQL)...), nil
}
