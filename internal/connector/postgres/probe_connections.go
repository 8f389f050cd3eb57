package postgres

import (
	"context"
	"fmt"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

const connectionTotals = `
SELECT current_setting('max_connections')::int AS max_connections,
       current_setting('superuser_reserved_connections')::int + coalesce(current_setting('reserved_connections', true), '0')::int AS reserved,
       count(*) AS used, count(*) FILTER (WHERE a.state = 'active') AS active, count(*) FILTER (WHERE a.state = 'idle') AS idle,
       count(*) FILTER (WHERE a.state LIKE 'idle in transaction%') AS idle_in_tx,
       count(*) FILTER (WHERE a.state = 'idle in transaction (aborted)') AS idle_in_tx_aborted,
       count(*) FILTER (WHERE a.state = 'active' AND a.wait_event_type = 'Lock') AS lock_waiting,
       count(*) FILTER (WHERE a.state = 'active' AND a.wait_event_type IS NULL) AS on_cpu,
       count(*) FILTER (WHERE a.state IS NULL) AS hidden,
       count(*) FILTER (WHERE a.backend_start > clock_timestamp() - interval '10 s') AS new_sessions_10s
FROM pg_stat_activity a WHERE ` + others

// Replication connections of walsenders use slots of their own since version
// 12, so client backends are what counts.
var connectionGroups = fmt.Sprintf(`
SELECT %s, count(*) AS sessions,
       count(*) FILTER (WHERE a.state = 'active') AS active, count(*) FILTER (WHERE a.state = 'idle') AS idle,
       count(*) FILTER (WHERE a.state LIKE 'idle in transaction%%') AS idle_in_tx,
       count(*) FILTER (WHERE a.state = 'active' AND a.wait_event_type = 'Lock') AS lock_waiting,
       max(%s) FILTER (WHERE a.state LIKE 'idle%%') AS oldest_idle_s,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY %s) FILTER (WHERE a.state LIKE 'idle%%') AS median_idle_s,
       max(%s) AS oldest_xact_s
FROM pg_stat_activity a WHERE %s
GROUP BY 1, 2, 3, 4 ORDER BY sessions DESC, 1, 2, 3, 4 LIMIT 20`,
	whoColumns, stateAge(), stateAge(), age("xact_start"), others)

// A limit counts every session of the role or database, ours included: that is
// how the server counts.
const connectionLimits = `
SELECT * FROM (
  SELECT 'role' AS kind, r.rolname::text AS name, nullif(r.rolconnlimit, -1) AS "limit",
         (SELECT count(*) FROM pg_stat_activity a WHERE a.usesysid = r.oid AND a.backend_type = 'client backend') AS used
  FROM pg_roles r WHERE r.rolcanlogin
  UNION ALL
  SELECT 'database', d.datname, nullif(d.datconnlimit, -1),
         (SELECT count(*) FROM pg_stat_activity a WHERE a.datid = d.oid AND a.backend_type = 'client backend')
  FROM pg_database d WHERE d.datallowconn) l
WHERE "limit" IS NOT NULL OR used > 0
ORDER BY "limit" IS NULL, used DESC, name LIMIT 200`

// largestOthers is how many roles and databases without a limit are listed.
const largestOthers = 8

func connectionsQuestion(ctx context.Context, t *Target, _ probe.Question) (evidence.Answer, error) {
	totals, err := t.query(ctx, connectionTotals)
	if err != nil {
		return evidence.Answer{}, err
	}
	groups, err := t.query(ctx, connectionGroups)
	if err != nil {
		return evidence.Answer{}, err
	}
	limits, err := t.query(ctx, connectionLimits)
	if err != nil {
		return evidence.Answer{}, err
	}
	v := totals.first()
	usable := num(v, "max_connections") - num(v, "reserved")
	used := num(v, "used")
	v["usable"], v["free"] = int64(usable), int64(max(usable-used, 0))
	v["used_share"] = ratio(used, usable, 1)
	v["fullest_limit_share"], v["fullest_limit"] = 0.0, ""
	roles, databases := []any{}, []any{}
	for _, l := range limits.rows {
		kind := str(l, "kind")
		delete(l, "kind")
		l["used_share"] = nil
		if limit, ok := number64(l["limit"]); ok {
			share := 1.0 // a limit of 0 is always reached
			if limit > 0 {
				share = num(l, "used") / limit
			}
			l["used_share"] = share
			if share > v["fullest_limit_share"].(float64) {
				v["fullest_limit_share"], v["fullest_limit"] = share, kind+" "+str(l, "name")
			}
		}
		into := &roles
		if kind == "database" {
			into = &databases
		}
		if l["limit"] != nil || len(*into) < largestOthers {
			*into = append(*into, l)
		}
	}
	v["roles"], v["databases"] = roles, databases
	v["top_group_share"] = 0.0
	for i, g := range groups.rows {
		g["share"] = ratio(num(g, "sessions"), used, 1)
		if i == 0 && used > 0 {
			v["top_group_share"] = num(g, "sessions") / used
		}
	}
	v["groups"] = groups.list()
	var notes []string
	if num(v, "hidden") > 0 {
		notes = append(notes, "our role may not see what some sessions do: GRANT pg_monitor TO it")
	}
	return evidence.Of(v, notes...), nil
}
