package redis

import (
	"context"
	"sort"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func replicationQuestion() builtin {
	number := func(name, about string) probe.Field { return probe.Field{Name: name, Type: "number", About: about} }
	return builtin{ask: askReplication, spec: probe.Spec{
		Name:     "redis.replication",
		Question: "Is this the server that takes writes, and do its copies follow?",
		Why:      "After a failover clients that kept the old address write to a replica (READONLY); a broken link serves stale data or none.",
		Cost:     "one INFO",
		Shape:    probe.Object,
		Fields: []probe.Field{
			{Name: "role", Type: "text", About: "master or slave"},
			{Name: "read_only", Type: "bool", About: "a replica that refuses writes"},
			{Name: "link_up", Type: "bool", About: "on a replica: the link to its master stands; null on a master"},
			number("link_down_s", "on a replica with its link down: for how long; null otherwise"),
			{Name: "master", Type: "text", About: "on a replica: host:port of its master; null on a master"},
			number("master_silent_s", "on a replica: seconds since its master was heard; null otherwise"),
			{Name: "syncing", Type: "bool", About: "on a replica: a full copy is being made"},
			number("count", "replicas connected here"), number("lag_s_max", "worst lag of a replica in seconds; null without"), number("lag_bytes_max", "worst lag in bytes; null without"),
			number("backlog_bytes", "size of the replication backlog"), number("sync_full", "full syncs since the start"), number("sync_partial_err", "partial syncs refused since the start"),
			{Name: "replicas", Type: "rows", About: "ip, port, state, lag_s, lag_bytes"},
		},
		Outcomes: []probe.Outcome{
			{When: `role is "slave" and clients write here`, Means: "they kept the address of a former master"},
			{When: "link_up is false", Means: "what this server answers is as old as link_down_s"},
		},
	}}
}

func askReplication(ctx context.Context, t *target, _ arguments) evidence.Answer {
	in, _, failed := t.askInfo(ctx)
	if failed != nil {
		return *failed
	}
	get := func(name string) float64 { n, _ := in.num(name); return n }
	out := map[string]any{"role": in.text("role"), "read_only": false, "link_up": nil, "link_down_s": nil, "master": nil, "master_silent_s": nil,
		"syncing": false, "count": get("connected_slaves"), "lag_s_max": nil, "lag_bytes_max": nil,
		"backlog_bytes": get("repl_backlog_size"), "sync_full": get("sync_full"), "sync_partial_err": get("sync_partial_err")}
	if in.text("role") == "slave" {
		out["read_only"] = get("slave_read_only") == 1
		out["link_up"] = in.text("master_link_status") == "up"
		out["link_down_s"] = in.fields["master_link_down_since_seconds"]
		out["master"] = in.fields["master_host"]
		out["syncing"] = get("master_sync_in_progress") == 1
		if s := get("master_last_io_seconds_ago"); s >= 0 {
			out["master_silent_s"] = s
		}
	}
	rows := []any{}
	for i, r := range in.replicas {
		offset, _ := r["offset"].(int64)
		row := map[string]any{"ip": r["ip"], "port": r["port"], "state": r["state"], "lag_s": r["lag"], "lag_bytes": max(0, get("master_repl_offset")-float64(offset))}
		rows = append(rows, row)
		bytes, lag := row["lag_bytes"].(float64), float64(0)
		if n, ok := r["lag"].(int64); ok {
			lag = float64(n)
		}
		if i == 0 {
			out["lag_bytes_max"], out["lag_s_max"] = bytes, lag
			continue
		}
		out["lag_bytes_max"], out["lag_s_max"] = max(bytes, out["lag_bytes_max"].(float64)), max(lag, out["lag_s_max"].(float64))
	}
	out["replicas"] = rows
	return evidence.Of(out)
}

func keyspaceQuestion() builtin {
	return builtin{ask: askKeyspace, spec: probe.Spec{
		Name:     "redis.keyspace",
		Question: "How many keys are in each database, and how many of them expire?",
		Why:      "Several databases in use mean several purposes behind one memory limit and one eviction policy.",
		Cost:     "one INFO",
		Shape:    probe.Rows,
		Fields: []probe.Field{
			{Name: "db", Type: "number", About: "number of the database"}, {Name: "keys", Type: "number", About: "keys"}, {Name: "expires", Type: "number", About: "keys with a time to live"},
			{Name: "no_ttl_share", Type: "number", About: "share of keys without one"}, {Name: "avg_ttl_s", Type: "number", About: "mean time to live in seconds, the server's own estimate"},
		},
		Outcomes: []probe.Outcome{{When: "no rows", Means: "the server is empty"}},
	}}
}

func askKeyspace(ctx context.Context, t *target, _ arguments) evidence.Answer {
	in, _, failed := t.askInfo(ctx)
	if failed != nil {
		return *failed
	}
	rows := []any{}
	for name, db := range in.keyspace {
		rows = append(rows, map[string]any{"db": typed(name[len("db"):]), "keys": db["keys"], "expires": db["expires"],
			"no_ttl_share": share(db["keys"]-db["expires"], db["keys"]), "avg_ttl_s": db["avg_ttl"] / 1000})
	}
	sort.Slice(rows, func(i, j int) bool {
		a, _ := rows[i].(map[string]any)["db"].(int64)
		b, _ := rows[j].(map[string]any)["db"].(int64)
		return a < b
	})
	return evidence.Of(rows)
}
