package redis

import (
	"context"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func infoQuestion() builtin {
	return builtin{ask: askInfo, spec: probe.Spec{
		Name:     "redis.info",
		Question: "What does the server say of itself?",
		Why:      "Nearly every Redis fault leaves a mark in INFO. Counters here are since the start or the last reset: for rates ask redis.stats_delta.",
		Cost:     "one INFO with all sections",
		Shape:    probe.Object,
		Fields: append([]probe.Field{
			{Name: "used_share", Type: "number", About: "used_memory ÷ maxmemory, 0 to 1 and above; null without a maxmemory"},
			{Name: "system_share", Type: "number", About: "used_memory_rss ÷ total_system_memory"},
			{Name: "clients_share", Type: "number", About: "connected_clients ÷ maxclients"},
			{Name: "hit_rate_lifetime", Type: "number", About: "hits ÷ lookups since the start: no evidence of anything now; null without lookups"},
			{Name: "keys", Type: "number", About: "keys in all databases"},
			{Name: "expires", Type: "number", About: "keys with a time to live, in all databases"},
			{Name: "no_ttl_share", Type: "number", About: "share of keys without a time to live; null without keys"},
			{Name: "errors", Type: "object", About: "errorstats: count by error word, since the start (6.2+)"},
			{Name: "commands", Type: "object", About: "commandstats by command: calls, usec, usec_per_call, rejected_calls, failed_calls"},
			{Name: "latency_usec", Type: "object", About: "latencystats by command: p50, p99, p99.9 in microseconds (7.0+)"},
			{Name: "keyspace", Type: "object", About: "by database: keys, expires, avg_ttl (ms)"},
			{Name: "replicas", Type: "rows", About: "connected replicas: ip, port, state, offset, lag"},
		}, infoFields()...),
		Outcomes: []probe.Outcome{
			{When: "used_share above 0.9 with noeviction", Means: "writes will soon be refused"},
			{When: "loading is 1", Means: "the server reads its data after a start; clients get LOADING"},
		},
	}}
}

// infoFields documents the fields of INFO that signs are likely to read; the
// others are there too, under the names that the server gives them.
func infoFields() []probe.Field {
	number := func(name, about string) probe.Field { return probe.Field{Name: name, Type: "number", About: about} }
	text := func(name, about string) probe.Field { return probe.Field{Name: name, Type: "text", About: about} }
	return []probe.Field{
		text("redis_version", "version"), text("redis_mode", "standalone, cluster or sentinel"), text("run_id", "changes with each start"),
		number("uptime_in_seconds", "seconds since the start"), number("tcp_port", "port"), number("hz", "cycles of the background work per second"),
		number("connected_clients", "clients, replicas excluded"), number("maxclients", "limit of clients"), number("blocked_clients", "clients that wait in a blocking command"),
		number("tracking_clients", "clients with server-assisted caching"),
		number("client_recent_max_input_buffer", "bytes"), number("client_recent_max_output_buffer", "bytes"),
		number("used_memory", "bytes allocated"), number("used_memory_rss", "bytes resident"), number("used_memory_peak", "highest used_memory, bytes"),
		number("used_memory_dataset", "bytes of the data itself"), number("used_memory_overhead", "bytes of bookkeeping"),
		number("maxmemory", "limit in bytes; 0 is none"), text("maxmemory_policy", "what is evicted at the limit"), number("total_system_memory", "bytes of the machine"),
		number("mem_fragmentation_ratio", "rss ÷ used; lies on small servers"), number("mem_fragmentation_bytes", "rss − used, bytes"),
		number("mem_clients_normal", "bytes of client buffers"), number("mem_clients_slaves", "bytes of replica buffers"), number("number_of_cached_scripts", "scripts kept"),
		number("loading", "1 while the data is read after a start"), number("loading_eta_seconds", "seconds left, while loading"),
		number("rdb_bgsave_in_progress", "1 while a snapshot is written"), text("rdb_last_bgsave_status", "ok or err"), number("rdb_changes_since_last_save", "writes that no snapshot has"),
		number("rdb_last_save_time", "seconds since 1970"), number("rdb_last_cow_size", "bytes copied during the last snapshot"),
		number("aof_enabled", "1 or 0"), text("aof_last_write_status", "ok or err"), text("aof_last_bgrewrite_status", "ok or err"), number("aof_delayed_fsync", "writes that waited for a slow fsync, since the start"),
		number("aof_rewrite_in_progress", "1 or 0"), number("aof_current_size", "bytes"), number("aof_base_size", "bytes after the last rewrite"),
		number("total_connections_received", "since the start"), number("total_commands_processed", "since the start"), number("rejected_connections", "since the start"),
		number("instantaneous_ops_per_sec", "commands per second, the server's own mean over 1.6 s"),
		number("evicted_keys", "since the start"), number("expired_keys", "since the start"), number("expired_stale_perc", "estimate of keys expired and not yet removed, per cent"),
		number("expired_time_cap_reached_count", "times that removing expired keys ran out of its time"),
		number("keyspace_hits", "since the start"), number("keyspace_misses", "since the start"),
		number("latest_fork_usec", "microseconds of the last fork, in which the server stands still"), number("total_forks", "since the start"),
		number("total_error_replies", "since the start"), number("sync_full", "full syncs of replicas"), number("sync_partial_err", "partial syncs refused"),
		number("pubsub_channels", "channels"), number("pubsub_patterns", "patterns"),
		text("role", "master or slave"), number("connected_slaves", "replicas"), text("master_host", "on a replica"), text("master_link_status", "on a replica: up or down"),
		number("master_link_down_since_seconds", "on a replica with its link down"), number("master_last_io_seconds_ago", "on a replica"), number("slave_read_only", "on a replica: 1 or 0"),
		number("master_repl_offset", "bytes"), number("used_cpu_sys", "seconds"), number("used_cpu_user", "seconds"),
	}
}

func askInfo(ctx context.Context, t *target, _ arguments) evidence.Answer {
	in, _, failed := t.askInfo(ctx)
	if failed != nil {
		return *failed
	}
	return evidence.Of(in.object())
}

// object is INFO as an evidence value, with what can be derived from it.
func (in info) object() map[string]any {
	out := make(map[string]any, len(in.fields)+12)
	for k, v := range in.fields {
		out[k] = v
	}
	used, _ := in.num("used_memory")
	most, _ := in.num("maxmemory")
	rss, _ := in.num("used_memory_rss")
	system, _ := in.num("total_system_memory")
	clients, _ := in.num("connected_clients")
	maxClients, _ := in.num("maxclients")
	hits, _ := in.num("keyspace_hits")
	misses, _ := in.num("keyspace_misses")
	keys, expires := in.totals()
	out["used_share"], out["system_share"] = share(used, most), share(rss, system)
	out["clients_share"] = share(clients, maxClients)
	out["hit_rate_lifetime"] = share(hits, hits+misses)
	out["keys"], out["expires"], out["no_ttl_share"] = keys, expires, share(keys-expires, keys)
	out["errors"], out["commands"], out["keyspace"] = numbers(in.errors), tables(in.commands), tables(in.keyspace)
	out["latency_usec"] = tables(in.latency)
	replicas := []any{}
	for _, r := range in.replicas {
		replicas = append(replicas, r)
	}
	out["replicas"] = replicas
	return out
}

func numbers(m map[string]float64) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

func tables(m map[string]map[string]float64) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = numbers(v)
	}
	return out
}
