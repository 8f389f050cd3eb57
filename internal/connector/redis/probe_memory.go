package redis

import (
	"context"
	"strings"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisapi"
)

// Fragmentation counts from these values on, and only together: the ratio
// alone lies on small servers (18.4 on an empty one). They are those of the
// server's own MEMORY DOCTOR, which is silent below 5 MB used.
const (
	fragRatio   = 1.4
	fragBytes   = 10 << 20
	fragMinUsed = 5 << 20
)

func memoryQuestion() builtin {
	number := func(name, about string) probe.Field { return probe.Field{Name: name, Type: "number", About: about} }
	return builtin{ask: askMemory, spec: probe.Spec{
		Name:     "redis.memory",
		Question: "Where does the memory go, and what happens at the limit?",
		Why:      "Data, buffers, fragmentation, swap and a past peak look the same from outside and want different cures.",
		Cost:     "one INFO, one MEMORY STATS; where the server is on this machine, one read of /proc",
		Shape:    probe.Object,
		Fields: []probe.Field{
			number("used_bytes", "allocated"), number("rss_bytes", "resident"), number("peak_bytes", "highest used since the start"), number("peak_ratio", "peak ÷ used"),
			number("maxmemory_bytes", "limit; 0 is none"), number("used_share", "used ÷ limit; null without one"), number("system_bytes", "memory of the machine"),
			number("system_share", "rss ÷ memory of the machine"),
			{Name: "policy", Type: "text", About: "maxmemory_policy"},
			number("keys", "in all databases"), number("expires", "keys with a time to live"),
			number("evictable", "keys that the policy may evict: all, those with a time to live, or none with noeviction"),
			{Name: "stuck_at_limit", Type: "bool", About: "at 98 % of the limit or above, and nothing may be evicted: writes are or will be refused"},
			number("fragmentation_ratio", "rss ÷ used; null, as all that rests on rss, until the server has measured it once, a tenth of a second after its start"), number("fragmentation_bytes", "rss − used"),
			{Name: "fragmented", Type: "bool", About: "ratio above 1.4 and above 10 MB, with at least 5 MB used"},
			number("allocator_ratio", "active ÷ allocated pages of the allocator: above 1.1 defragmentation helps"), number("rss_extra_bytes", "resident memory that is not the allocator's"),
			number("dataset_bytes", "the data itself"), number("overhead_bytes", "bookkeeping and buffers"),
			number("clients_bytes", "buffers of ordinary clients"), number("replicas_bytes", "buffers of replicas"), number("backlog_bytes", "replication backlog"),
			number("clients_share", "clients_bytes ÷ used"), number("scripts", "scripts kept"),
			number("swap_bytes", "swapped out, where the server is on this machine and /proc can be read; else null"),
			{Name: "swapped", Type: "bool", About: "swap_bytes above 1 MB, or, where that is not known, rss below 0.9 of used with at least 64 MB used"},
		},
		Outcomes: []probe.Outcome{
			{When: "stuck_at_limit", Means: "clients get OOM on writes, reads go on"},
			{When: "clients_share above 0.3", Means: "buffers, not data: a slow reader or a huge reply"},
			{When: "fragmented is false with a high ratio", Means: "a small server: the ratio means nothing"},
		},
	}}
}

func askMemory(ctx context.Context, t *target, _ arguments) evidence.Answer {
	in, more, failed := t.askInfo(ctx, []any{"MEMORY", "STATS"})
	if failed != nil {
		return *failed
	}
	get := func(name string) float64 { n, _ := in.num(name); return n }
	used, rss, most := get("used_memory"), get("used_memory_rss"), get("maxmemory")
	keys, expires := in.totals()
	policy := in.text("maxmemory_policy")
	evictable := evictable(policy, keys, expires)
	ratio, extra := get("mem_fragmentation_ratio"), get("mem_fragmentation_bytes")
	out := map[string]any{
		"used_bytes": used, "rss_bytes": rss, "peak_bytes": get("used_memory_peak"), "peak_ratio": share(get("used_memory_peak"), used),
		"maxmemory_bytes": most, "used_share": share(used, most), "system_bytes": get("total_system_memory"), "system_share": share(rss, get("total_system_memory")),
		"policy": policy, "keys": keys, "expires": expires, "evictable": evictable,
		"stuck_at_limit":      most > 0 && used >= 0.98*most && evictable == 0,
		"fragmentation_ratio": ratio, "fragmentation_bytes": extra,
		"fragmented":      ratio > fragRatio && extra > fragBytes && used >= fragMinUsed,
		"allocator_ratio": in.fields["allocator_frag_ratio"], "rss_extra_bytes": in.fields["rss_overhead_bytes"],
		"dataset_bytes": get("used_memory_dataset"), "overhead_bytes": get("used_memory_overhead"),
		"clients_bytes": get("mem_clients_normal"), "replicas_bytes": get("mem_clients_slaves"), "backlog_bytes": get("mem_replication_backlog"),
		"clients_share": share(get("mem_clients_normal"), used), "scripts": get("number_of_cached_scripts"), "swap_bytes": nil,
	}
	const minSwapUsed = 64 << 20
	swapped := rss < 0.9*used && used >= minSwapUsed
	if bytes, ok := t.swap(ctx, in); ok {
		out["swap_bytes"], swapped = bytes, bytes > 1<<20
	}
	out["swapped"] = swapped
	if rss == 0 { // the server measures it in its first tick, not at once
		for _, name := range []string{"rss_bytes", "system_share", "fragmentation_ratio", "fragmentation_bytes", "fragmented", "allocator_ratio", "rss_extra_bytes"} {
			out[name] = nil
		}
	}
	a := evidence.Of(out)
	if stats, ok := more[0].Val.([]any); ok {
		addStats(out, stats)
	} else if strings.HasPrefix(more[0].Err, "NOPERM") {
		a.Notes = append(a.Notes, "MEMORY STATS is not permitted ("+redisapi.Grant("memory stats", t.client.at)+"): numbers are those of INFO")
	}
	return a
}

// addStats takes what only MEMORY STATS has.
func addStats(out map[string]any, stats []any) {
	for i := 0; i+1 < len(stats); i += 2 {
		name, _ := stats[i].(string)
		v, ok := stats[i+1].(int64)
		if !ok {
			continue
		}
		switch name {
		case "clients.normal":
			out["clients_bytes"] = float64(v)
		case "clients.slaves":
			out["replicas_bytes"] = float64(v)
		case "replication.backlog":
			out["backlog_bytes"] = float64(v)
		}
	}
}

// evictable counts the keys that the policy may evict.
func evictable(policy string, keys, expires float64) float64 {
	switch {
	case strings.HasPrefix(policy, "allkeys-"):
		return keys
	case strings.HasPrefix(policy, "volatile-"):
		return expires
	}
	return 0
}
