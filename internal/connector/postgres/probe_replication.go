package postgres

import (
	"context"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

const sendersSQL = `
SELECT coalesce(r.application_name, '') AS application, coalesce(host(r.client_addr), 'local') AS client, r.state, r.sync_state,
       greatest(pg_wal_lsn_diff(` + here + `, r.sent_lsn), 0)::bigint AS unsent_bytes,
       greatest(pg_wal_lsn_diff(r.sent_lsn, r.flush_lsn), 0)::bigint AS unflushed_bytes,
       greatest(pg_wal_lsn_diff(r.flush_lsn, r.replay_lsn), 0)::bigint AS unreplayed_bytes,
       extract(epoch FROM r.replay_lag)::float8 AS replay_lag_s
FROM pg_stat_replication r ORDER BY r.replay_lsn NULLS FIRST, application, client LIMIT 100`

const syncSQL = `
SELECT pg_is_in_recovery() AS standby, current_setting('synchronous_standby_names') AS synchronous_standby_names,
       (SELECT count(*) FROM pg_stat_replication r WHERE r.sync_state IN ('sync', 'quorum')) AS sync_standbys,
       (SELECT count(*) FROM pg_stat_activity a WHERE a.wait_event = 'SyncRep') AS waiting_for_sync`

// A standby that has replayed all it received is not behind, however long ago
// the primary last wrote something.
const standbySQL = `
SELECT EXISTS (SELECT 1 FROM pg_stat_wal_receiver) AS receiver_up, pg_is_wal_replay_paused() AS replay_paused,
       CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
            ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8 END AS replay_lag_s,
       greatest(pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), 0)::bigint AS replay_behind_bytes,
       (SELECT coalesce(sum(confl_tablespace + confl_lock + confl_snapshot + confl_bufferpin + confl_deadlock), 0)::bigint FROM pg_stat_database_conflicts) AS conflicts_total`

func replicationQuestion(ctx context.Context, t *Target, _ probe.Question) (evidence.Answer, error) {
	sync, err := t.query(ctx, syncSQL)
	if err != nil {
		return evidence.Answer{}, err
	}
	senders, err := t.query(ctx, sendersSQL)
	if err != nil {
		return evidence.Answer{}, err
	}
	v := sync.first()
	standby := truth(v, "standby")
	delete(v, "standby")
	v["role"] = "primary"
	for _, name := range []string{"receiver_up", "replay_paused", "replay_lag_s", "replay_behind_bytes", "conflicts_total", "worst_lag_s", "worst_behind_bytes"} {
		v[name] = nil
	}
	for _, s := range senders.rows {
		s["stage"] = stage(s)
		worst(v, "worst_lag_s", s["replay_lag_s"])
		worst(v, "worst_behind_bytes", num(s, "unsent_bytes")+num(s, "unflushed_bytes")+num(s, "unreplayed_bytes"))
	}
	v["senders"] = senders.list()
	if standby {
		v["role"] = "standby"
		own, err := t.query(ctx, standbySQL)
		if err != nil {
			return evidence.Answer{}, err
		}
		for name, value := range own.first() {
			v[name] = value
		}
		worst(v, "worst_lag_s", v["replay_lag_s"])
		worst(v, "worst_behind_bytes", v["replay_behind_bytes"])
	}
	if err := t.addSlots(ctx, v); err != nil {
		return evidence.Answer{}, err
	}
	delete(v, "inactive_retained_bytes")
	return evidence.Of(v), nil
}

// stage is where most of the log waits on its way to a standby.
func stage(s map[string]any) string {
	best, most := "none", 0.0
	for _, c := range []struct{ name, field string }{{"network", "unsent_bytes"}, {"disk", "unflushed_bytes"}, {"replay", "unreplayed_bytes"}} {
		if n := num(s, c.field); n > most {
			best, most = c.name, n
		}
	}
	return best
}

func worst(v map[string]any, name string, candidate any) {
	n, ok := number64(candidate)
	if old, has := number64(v[name]); ok && (!has || n > old) {
		v[name] = n
	}
}
