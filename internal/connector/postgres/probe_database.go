package postgres

import (
	"context"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

const databaseSQL = `
SELECT extract(epoch FROM clock_timestamp())::float8 AS at, to_jsonb(d) AS counters,
       extract(epoch FROM clock_timestamp() - d.stats_reset)::float8 AS stats_age_s
FROM pg_stat_database d WHERE d.datname = current_database()`

const sizeSQL = `SELECT pg_database_size(current_database()) AS size_bytes`

// Below these counts a share says nothing.
const (
	fewTransactions = 20
	fewBlocks       = 1000
)

func databaseQuestion(ctx context.Context, t *Target, q probe.Question) (evidence.Answer, error) {
	before, after, err := t.sampled(ctx, q, "database", databaseSQL, nil)
	if err != nil {
		return evidence.Answer{}, err
	}
	was, now := counters(before), counters(after)
	window := after.at - before.at
	v := map[string]any{"window_s": window, "stats_age_s": after.rows[0]["stats_age_s"], "size_bytes": nil}
	for name, counter := range map[string]string{
		"commits_per_s": "xact_commit", "rollbacks_per_s": "xact_rollback", "temp_bytes_per_s": "temp_bytes",
		"blocks_read_per_s": "blks_read", "rows_read_per_s": "tup_returned", "sessions_per_s": "sessions",
	} {
		v[name] = perSecond(was, now, counter, window)
	}
	for name, counter := range map[string]string{
		"deadlocks": "deadlocks", "conflicts": "conflicts", "temp_files": "temp_files",
		"sessions_abandoned": "sessions_abandoned", "sessions_fatal": "sessions_fatal", "sessions_killed": "sessions_killed",
	} {
		v[name], v[name+"_total"] = delta(was, now, counter), now[counter]
	}
	delete(v, "temp_files_total")
	v["temp_bytes_total"], v["checksum_failures_total"] = now["temp_bytes"], now["checksum_failures"]
	commits, _ := grown(was, now, "xact_commit")
	rollbacks, _ := grown(was, now, "xact_rollback")
	v["rollback_share"] = ratio(rollbacks, commits+rollbacks, fewTransactions)
	v["rollback_share_total"] = ratio(num(now, "xact_rollback"), num(now, "xact_commit")+num(now, "xact_rollback"), 1)
	hit, _ := grown(was, now, "blks_hit")
	read, _ := grown(was, now, "blks_read")
	v["hit_ratio"] = ratio(hit, hit+read, fewBlocks)
	v["blocks_per_s"], v["rows_written_per_s"] = nil, nil
	if window > 0 {
		v["blocks_per_s"] = (hit + read) / window
		ins, _ := grown(was, now, "tup_inserted")
		upd, _ := grown(was, now, "tup_updated")
		del, _ := grown(was, now, "tup_deleted")
		v["rows_written_per_s"] = (ins + upd + del) / window
	}
	var notes []string
	if size, err := t.query(ctx, sizeSQL); err == nil {
		v["size_bytes"] = size.first()["size_bytes"]
	} else {
		notes = append(notes, "size: "+t.failure(err).Reason)
	}
	return evidence.Of(v, notes...), nil
}

// counters is the only row of a sample of pg_stat_database.
func counters(s sample) map[string]any {
	if len(s.rows) == 0 {
		return nil
	}
	c, _ := s.rows[0]["counters"].(map[string]any)
	return c
}
