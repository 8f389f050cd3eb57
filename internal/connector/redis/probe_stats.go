package redis

import (
	"context"
	"math"
	"sort"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisapi"
)

// minLookups is the number of lookups in the window below which a hit rate
// says nothing (research: hits + misses < 100 is no traffic to judge).
const minLookups = 100

func statsQuestion() builtin {
	number := func(name, about string) probe.Field { return probe.Field{Name: name, Type: "number", About: about} }
	return builtin{ask: askStats, spec: probe.Spec{
		Name:     "redis.stats_delta",
		Question: "What is the server doing right now?",
		Why:      "Counters since the start average months away; two samples tell what happens now. What our own questions did in between is taken off.",
		Cost:     "two INFO with all sections, one window apart; nothing in between",
		Shape:    probe.Object,
		Params:   []probe.Param{windowParam()},
		Fields: []probe.Field{
			number("window_s", "seconds between the samples"),
			number("ops_s", "commands per second"), number("connections_s", "new connections per second"), number("rejected_s", "connections refused for want of a place, per second"),
			number("churn", "new connections ÷ commands; null below 10 commands"),
			number("hits_s", "lookups that found their key, per second"), number("misses_s", "lookups that did not, per second"), number("lookups", "hits and misses in the window"),
			number("hit_rate", "hits ÷ lookups in the window; null below 100 lookups: no verdict without traffic"),
			number("hit_rate_lifetime", "the same since the start, to compare with; null below 100 lookups"),
			number("hit_rate_before", "the same since the start without the window, to compare with; null below 10,000 lookups"),
			number("evicted_s", "keys evicted per second"), number("expired_s", "keys expired per second"), number("expired_share", "keys expired in the window ÷ keys; null without keys"),
			number("expire_cap_reached", "times in the window that removing expired keys ran out of its time"),
			number("keys", "keys at the end"), number("keys_change", "keys gained or lost in the window"), number("expires_change", "the same, keys with a time to live"), number("memory_change_bytes", "used_memory gained or lost in the window"),
			number("cpu_share", "share of one core that the main thread used, 0 to 1; the whole process before 6.2"),
			number("cpu_total_share", "cores that the whole process used, with background threads"),
			number("usec_per_call", "mean microseconds per command; null without commands"),
			number("busy_share", "share of the window spent inside of commands, 0 to 1"),
			{Name: "commands", Type: "rows", About: "by command, most time first: name, calls_s, usec_per_call, time_share (of all command time), failed_s, rejected_s"},
			{Name: "errors_s", Type: "object", About: "error replies per second by word: OOM, MISCONF, READONLY, NOAUTH, WRONGPASS, NOPERM, LOADING, BUSY…; words without errors in the window are missing"},
			{Name: "errors_seen", Type: "list", About: "the words in errors_s, sorted"},
			number("refused_writes_s", "error replies per second that refuse a write: OOM, MISCONF, READONLY, NOREPLICAS, MASTERDOWN"),
			number("refused_auth_s", "error replies per second for want of rights: NOAUTH, WRONGPASS"),
			number("writes_s", "calls per second of commands that write, by name (SET, HSET, LPUSH, EXPIRE, DEL, INCR…)"),
			number("keys_calls_s", "calls of KEYS per second"), number("keys_calls", "calls of KEYS since the start"),
			number("flushes", "FLUSHDB and FLUSHALL in the window"), number("flushes_total", "the same since the start"),
			number("aof_delayed_fsync", "writes in the window that waited for a slow fsync"), number("forks", "forks in the window"),
			number("sync_full", "full syncs of replicas in the window"),
			number("net_in_bytes_s", "bytes per second received"), number("net_out_bytes_s", "bytes per second sent"),
			number("blocked_clients", "clients waiting in a blocking command, at the end"), number("connected_clients", "at the end"),
			number("uptime_s", "seconds since the start"),
		},
		Outcomes: []probe.Outcome{
			{When: "hit_rate is null", Means: "there was too little traffic in the window to say anything"},
			{When: "errors_s has a word", Means: "clients get this error at this moment; the server itself says so, whatever their logs say"},
			{When: "no data: the counters were reset", Means: "the server restarted, or somebody reset the statistics, between the samples"},
		},
	}}
}

// A sample is INFO at a moment, and what we had done ourselves until then.
type sample struct {
	in  info
	own own
	at  time.Time
}

func (t *target) sample(ctx context.Context) (sample, *evidence.Answer) {
	got, err := t.client.exchange(ctx, []any{"INFO", "everything"})
	if err != nil {
		a := t.client.answer("INFO", err)
		return sample{}, &a
	}
	if e := got.replies[0].Err; e != "" {
		a := redisapi.Refused("info", e, t.client.at)
		return sample{}, &a
	}
	text, _ := got.replies[0].Val.(string)
	return sample{in: parseInfo(text), own: got.before, at: t.tools.Now()}, nil
}

func askStats(ctx context.Context, t *target, args arguments) evidence.Answer {
	first, failed := t.sample(ctx)
	if failed != nil {
		return *failed
	}
	if first.in.text("redis_mode") == "sentinel" {
		return evidence.Not(evidence.NotApplicable, "this is a Sentinel, which holds no data of its own", "")
	}
	if err := pause(ctx, args.window()); err != nil {
		return t.client.answer("wait between two samples", err)
	}
	second, failed := t.sample(ctx)
	if failed != nil {
		return *failed
	}
	d := delta{a: first, b: second, seconds: second.at.Sub(first.at).Seconds()}
	if d.seconds <= 0 || d.reset() {
		return evidence.Not(evidence.NoData, "the counters were reset between the two samples: a restart, or CONFIG RESETSTAT", "")
	}
	return evidence.Of(d.object())
}

// delta is the difference of two samples.
type delta struct {
	a, b    sample
	seconds float64
}

// reset tells a restart or a reset of statistics: a counter that only grows fell.
func (d delta) reset() bool {
	for _, name := range []string{"total_commands_processed", "keyspace_hits", "keyspace_misses", "total_connections_received", "uptime_in_seconds"} {
		a, _ := d.a.in.num(name)
		b, ok := d.b.in.num(name)
		if ok && b < a {
			return true
		}
	}
	return d.a.in.text("run_id") != d.b.in.text("run_id")
}

func (d delta) of(name string) float64 {
	a, _ := d.a.in.num(name)
	b, _ := d.b.in.num(name)
	return b - a
}

func (d delta) perSecond(n float64) float64 { return n / d.seconds }

// without takes off what we did ourselves; rounding never makes it negative.
func without(all float64, ours int64) float64 { return math.Max(0, all-float64(ours)) }

func (d delta) object() map[string]any {
	ownA, ownB := d.a.own, d.b.own
	hits := without(d.of("keyspace_hits"), ownB.hits-ownA.hits)
	misses := without(d.of("keyspace_misses"), ownB.misses-ownA.misses)
	ops := without(d.of("total_commands_processed"), ownB.total-ownA.total)
	keys, expires := d.b.in.totals()
	keysBefore, expiresBefore := d.a.in.totals()
	out := map[string]any{
		"window_s": d.seconds, "ops_s": d.perSecond(ops),
		"connections_s": d.perSecond(d.of("total_connections_received")), "rejected_s": d.perSecond(d.of("rejected_connections")),
		"churn":  nil,
		"hits_s": d.perSecond(hits), "misses_s": d.perSecond(misses), "lookups": hits + misses,
		"hit_rate": nil, "hit_rate_lifetime": nil, "hit_rate_before": nil,
		"evicted_s": d.perSecond(d.of("evicted_keys")), "expired_s": d.perSecond(d.of("expired_keys")), "expired_share": share(d.of("expired_keys"), keysBefore),
		"expire_cap_reached": d.of("expired_time_cap_reached_count"),
		"keys":               keys, "keys_change": keys - keysBefore, "expires_change": expires - expiresBefore, "memory_change_bytes": d.of("used_memory"),
		"aof_delayed_fsync": d.of("aof_delayed_fsync"), "forks": d.of("total_forks"), "sync_full": d.of("sync_full"),
		"net_in_bytes_s": d.perSecond(d.of("total_net_input_bytes")), "net_out_bytes_s": d.perSecond(d.of("total_net_output_bytes")),
		"blocked_clients": d.b.in.fields["blocked_clients"], "connected_clients": d.b.in.fields["connected_clients"],
		"uptime_s": d.b.in.fields["uptime_in_seconds"],
	}
	const minOps = 10
	if ops >= minOps {
		out["churn"] = share(d.of("total_connections_received"), ops)
	}
	if hits+misses >= minLookups {
		out["hit_rate"] = share(hits, hits+misses)
	}
	lifeHits, _ := d.b.in.num("keyspace_hits")
	lifeMisses, _ := d.b.in.num("keyspace_misses")
	if lifeHits+lifeMisses >= minLookups {
		out["hit_rate_lifetime"] = share(lifeHits, lifeHits+lifeMisses)
	}
	beforeHits, _ := d.a.in.num("keyspace_hits")
	beforeMisses, _ := d.a.in.num("keyspace_misses")
	if beforeHits+beforeMisses >= 100*minLookups {
		out["hit_rate_before"] = share(beforeHits, beforeHits+beforeMisses)
	}
	d.cpu(out)
	d.commands(out)
	d.errors(out)
	return out
}

func (d delta) cpu(out map[string]any) {
	total := d.of("used_cpu_sys") + d.of("used_cpu_user")
	main := total
	if _, ok := d.b.in.num("used_cpu_user_main_thread"); ok {
		main = d.of("used_cpu_sys_main_thread") + d.of("used_cpu_user_main_thread")
	}
	out["cpu_share"], out["cpu_total_share"] = finite(main/d.seconds), finite(total/d.seconds)
}

func (d delta) commands(out map[string]any) {
	type row struct {
		name                            string
		calls, usec, refused, failed, n float64
	}
	var rows []row
	var calls, usec, writes float64
	for name, b := range d.b.in.commands {
		a := d.a.in.commands[name]
		ours := d.b.own.calls[name] - d.a.own.calls[name]
		all := b["calls"] - a["calls"]
		r := row{name: name, calls: without(all, ours), usec: b["usec"] - a["usec"], n: all,
			refused: b["rejected_calls"] - a["rejected_calls"], failed: b["failed_calls"] - a["failed_calls"]}
		if r.calls <= 0 && r.refused <= 0 {
			continue
		}
		if all > 0 {
			r.usec *= r.calls / all // the time of our own calls, by the mean
		}
		calls, usec = calls+r.calls, usec+r.usec
		if isWrite(name) {
			writes += r.calls
		}
		rows = append(rows, r)
	}
	sort.Slice(rows, func(i, j int) bool {
		if rows[i].usec != rows[j].usec {
			return rows[i].usec > rows[j].usec
		}
		return rows[i].name < rows[j].name
	})
	list := make([]any, 0, len(rows))
	for _, r := range rows {
		list = append(list, map[string]any{"name": strings.ReplaceAll(r.name, "|", " "), "calls_s": d.perSecond(r.calls),
			"usec_per_call": share(r.usec, r.calls), "time_share": share(r.usec, usec),
			"failed_s": d.perSecond(r.failed), "rejected_s": d.perSecond(r.refused)})
	}
	out["commands"], out["usec_per_call"] = list, share(usec, calls)
	out["busy_share"], out["writes_s"] = finite(usec/1e6/d.seconds), d.perSecond(writes)
	count := func(in info, names ...string) (n float64) {
		for _, name := range names {
			n += in.commands[name]["calls"]
		}
		return n
	}
	out["keys_calls"] = count(d.b.in, "keys")
	out["keys_calls_s"] = d.perSecond(count(d.b.in, "keys") - count(d.a.in, "keys"))
	out["flushes_total"] = count(d.b.in, "flushdb", "flushall")
	out["flushes"] = count(d.b.in, "flushdb", "flushall") - count(d.a.in, "flushdb", "flushall")
}

func (d delta) errors(out map[string]any) {
	perSecond, seen := map[string]any{}, []any{}
	words := make([]string, 0, len(d.b.in.errors))
	for word := range d.b.in.errors {
		words = append(words, word)
	}
	sort.Strings(words)
	sum := map[string]float64{}
	for _, word := range words {
		n := without(d.b.in.errors[word]-d.a.in.errors[word], d.b.own.errors[word]-d.a.own.errors[word])
		if n <= 0 {
			continue
		}
		perSecond[word], sum[word] = d.perSecond(n), d.perSecond(n)
		seen = append(seen, word)
	}
	out["errors_s"], out["errors_seen"] = perSecond, seen
	out["refused_writes_s"] = sum["OOM"] + sum["MISCONF"] + sum["READONLY"] + sum["NOREPLICAS"] + sum["MASTERDOWN"]
	out["refused_auth_s"] = sum["NOAUTH"] + sum["WRONGPASS"]
}

// isWrite knows the usual writes by name: commandstats has no flags.
func isWrite(name string) bool {
	switch name {
	case "set", "setex", "psetex", "setnx", "mset", "msetnx", "getset", "getdel", "getex", "append", "incr", "incrby", "incrbyfloat", "decr", "decrby", "setrange", "setbit",
		"del", "unlink", "expire", "pexpire", "expireat", "persist", "rename", "copy", "restore",
		"hset", "hsetnx", "hmset", "hincrby", "hdel", "lpush", "rpush", "lpushx", "rpushx", "lpop", "rpop", "lrem", "lset", "ltrim", "lmove", "rpoplpush", "blpop", "brpop", "blmove",
		"sadd", "srem", "spop", "smove", "zadd", "zrem", "zincrby", "zpopmin", "zpopmax", "zremrangebyscore", "zremrangebyrank",
		"xadd", "xdel", "xtrim", "xack", "pfadd", "flushdb", "flushall":
		return true
	}
	return false
}
