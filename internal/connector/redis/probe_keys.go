package redis

import (
	"context"
	"sort"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisapi"
)

// The budget of one walk over keys, and the size of one step: 250 keys with
// two commands each keep the server for less than a millisecond (measured
// 0.4 ms on Redis 7.0 with small values).
const (
	keyBudget  = 10000
	timeBudget = 500 * time.Millisecond
	stepCount  = 250
)

func keysQuestion() builtin {
	number := func(name, about string) probe.Field { return probe.Field{Name: name, Type: "number", About: about} }
	return builtin{ask: askKeys, spec: probe.Spec{
		Name:     "redis.keys",
		Question: "What is in the database: which families of keys, how big, and do they expire?",
		Why:      "Keys without a time to live, one huge key, thousands that expire in the same second: a sample shows them. Only the database of the target's url is looked at.",
		Cost:     "SCAN with PTTL and MEMORY USAGE for at most 10,000 keys or 500 ms, in steps of 250; keys found expired are removed by the server, as on any access",
		Shape:    probe.Object,
		Params: []probe.Param{
			{Name: "match", Type: probe.Text, Default: "*", About: "only keys that match this glob"},
			{Name: "keys", Type: probe.Number, Default: "10000", About: "stop after so many keys; at most 10,000"},
		},
		Fields: []probe.Field{
			number("total", "keys in the database"), number("sampled", "keys looked at"),
			{Name: "complete", Type: "bool", About: "every key was looked at"},
			number("no_ttl", "keys of the sample without a time to live"), number("no_ttl_share", "their share; null without keys"),
			number("ttl_median_s", "median time to live of those that have one; null without"),
			number("ttl_max_s", "longest; null without"),
			number("same_second_share", "largest share of the keys with a time to live that expire within one and the same second; null below 100 such keys"),
			number("same_second_in_s", "in how many seconds they do; null as above"),
			number("bytes_sampled", "memory of the sample"), number("bytes_estimate", "the same scaled to all keys"),
			number("biggest_bytes", "memory of the biggest key seen; null without keys"),
			{Name: "families", Type: "rows", About: "by pattern, most keys first, at most 30: family, purpose (queue, session, lock, cache or empty), count, share, no_ttl_share, ttl_low_s (the tenth percentile of the times to live), ttl_median_s, ttl_max_s (all three null without), bytes, bytes_mean"},
			{Name: "biggest", Type: "rows", About: "the ten biggest keys: key (long tokens hidden), family, type, bytes, items (length; null where it does not apply), ttl_s (null without)"},
			{Name: "types", Type: "object", About: "number of keys by type in every tenth key of the sample"},
			{Name: "purposes", Type: "list", About: "queue, session, lock, cache: what the names of families tell, sorted"},
		},
		Outcomes: []probe.Outcome{
			{When: "no_ttl_share above 0.5 on a cache", Means: "keys stay for ever, memory only grows"},
			{When: "same_second_share above 0.3", Means: "a mass expiry is coming: many lookups will miss at the same moment"},
			{When: "biggest_bytes above 1 MB", Means: "one key holds everyone up whenever it is read whole or deleted"},
		},
	}}
}

type sampledKey struct {
	name  string
	ttlMs int64 // −1 without
	bytes int64
}

func askKeys(ctx context.Context, t *target, args arguments) evidence.Answer {
	budget := int(min(max(args.number("keys"), 1), keyBudget))
	var keys []sampledKey
	types := map[string]any{}
	cursor, complete, total := "0", false, int64(0)
	stop := t.tools.Now().Add(timeBudget)
	for {
		cmds := [][]any{{"SCAN", cursor, "MATCH", args.text("match"), "COUNT", stepCount}}
		if total == 0 {
			cmds = append(cmds, []any{"DBSIZE"})
		}
		replies, err := t.client.do(ctx, cmds...)
		if err != nil {
			return t.client.answer("SCAN", err)
		}
		if e := replies[0].Err; e != "" {
			return redisapi.Refused("scan", e, t.client.at)
		}
		if len(replies) > 1 {
			total, _ = replies[1].Val.(int64)
		}
		next, names := scanReply(replies[0].Val)
		batch, failed := t.look(ctx, names, len(keys), types)
		if failed != nil {
			return *failed
		}
		keys = append(keys, batch...)
		cursor = next
		if cursor == "0" {
			complete = true
			break
		}
		if len(keys) >= budget || !t.tools.Now().Before(stop) || ctx.Err() != nil {
			break
		}
	}
	keys = unique(keys) // SCAN may give a key twice
	out := keysObject(keys, total, complete)
	out["types"] = types
	if failed := t.detail(ctx, out); failed != nil {
		return *failed
	}
	a := evidence.Of(out)
	if len(keys) > 0 && keys[0].bytes < 0 {
		a.Notes = append(a.Notes, "sizes are not known: MEMORY USAGE is not permitted ("+redisapi.Grant("memory usage", t.client.at)+")")
	}
	return a
}

func scanReply(v any) (cursor string, names []string) {
	pair, _ := v.([]any)
	if len(pair) < 2 {
		return "0", nil
	}
	cursor, _ = pair[0].(string)
	list, _ := pair[1].([]any)
	for _, n := range list {
		if s, ok := n.(string); ok {
			names = append(names, s)
		}
	}
	return cursor, names
}

// look asks for time to live and size of each key, and the type of every tenth.
func (t *target) look(ctx context.Context, names []string, offset int, types map[string]any) ([]sampledKey, *evidence.Answer) {
	var out []sampledKey
	for len(names) > 0 {
		step := names[:min(len(names), stepCount)]
		names = names[len(step):]
		var cmds [][]any
		for _, n := range step {
			cmds = append(cmds, []any{"PTTL", n}, []any{"MEMORY", "USAGE", n, "SAMPLES", 3})
		}
		for i := range step {
			if (offset+i)%10 == 0 {
				cmds = append(cmds, []any{"TYPE", step[i]})
			}
		}
		replies, err := t.client.do(ctx, cmds...)
		if err != nil {
			a := t.client.answer("PTTL", err)
			return nil, &a
		}
		for i, n := range step {
			ttl, usage := replies[2*i], replies[2*i+1]
			if ttl.Err != "" {
				a := redisapi.Refused("pttl", ttl.Err, t.client.at)
				return nil, &a
			}
			k := sampledKey{name: n, bytes: -1}
			k.ttlMs, _ = ttl.Val.(int64)
			if k.ttlMs == -2 {
				continue // gone since
			}
			if b, ok := usage.Val.(int64); ok {
				k.bytes = b
			}
			out = append(out, k)
		}
		for _, r := range replies[2*len(step):] {
			if kind, ok := r.Val.(string); ok && kind != "none" {
				n, _ := types[kind].(int64)
				types[kind] = n + 1
			}
		}
		offset += len(step)
	}
	return out, nil
}

func unique(keys []sampledKey) []sampledKey {
	seen := make(map[string]bool, len(keys))
	out := keys[:0]
	for _, k := range keys {
		if !seen[k.name] {
			seen[k.name] = true
			out = append(out, k)
		}
	}
	return out
}

// lengths are the commands that count a collection's items.
var lengths = map[string]string{"list": "LLEN", "set": "SCARD", "zset": "ZCARD", "hash": "HLEN", "stream": "XLEN"}

// detail adds type and length to the biggest keys.
func (t *target) detail(ctx context.Context, out map[string]any) *evidence.Answer {
	rows, _ := out["biggest"].([]any)
	var cmds [][]any
	for _, r := range rows {
		cmds = append(cmds, []any{"TYPE", r.(map[string]any)["name"]})
	}
	if len(cmds) == 0 {
		return nil
	}
	replies, err := t.client.do(ctx, cmds...)
	if err != nil {
		a := t.client.answer("TYPE", err)
		return &a
	}
	cmds = nil
	var counted []map[string]any
	for i, r := range rows {
		row := r.(map[string]any)
		row["type"] = replies[i].Val
		kind, _ := replies[i].Val.(string)
		if length, ok := lengths[kind]; ok {
			cmds = append(cmds, []any{length, row["name"]})
			counted = append(counted, row)
		}
		row["key"] = shown(row["name"].(string))
	}
	if len(cmds) > 0 {
		if replies, err = t.client.do(ctx, cmds...); err != nil {
			a := t.client.answer("LLEN", err)
			return &a
		}
		for i, row := range counted {
			row["items"] = replies[i].Val
		}
	}
	for _, r := range rows {
		delete(r.(map[string]any), "name")
	}
	return nil
}

func keysObject(keys []sampledKey, total int64, complete bool) map[string]any {
	out := map[string]any{"total": total, "sampled": int64(len(keys)), "complete": complete, "no_ttl": int64(0), "no_ttl_share": nil,
		"ttl_median_s": nil, "ttl_max_s": nil, "same_second_share": nil, "same_second_in_s": nil,
		"bytes_sampled": nil, "bytes_estimate": nil, "biggest_bytes": nil}
	var noTTL, bytes int64
	var ttls []float64
	seconds := map[int64]int{}
	for _, k := range keys {
		if k.ttlMs < 0 {
			noTTL++
		} else {
			ttls = append(ttls, float64(k.ttlMs)/1000)
			seconds[k.ttlMs/1000]++
		}
		bytes += max(0, k.bytes)
	}
	if len(keys) > 0 {
		out["no_ttl"], out["no_ttl_share"] = noTTL, share(float64(noTTL), float64(len(keys)))
		if keys[0].bytes >= 0 {
			out["bytes_sampled"] = bytes
			out["bytes_estimate"] = finite(float64(bytes) / float64(len(keys)) * float64(max(total, int64(len(keys)))))
		}
	}
	if len(ttls) > 0 {
		sort.Float64s(ttls)
		out["ttl_median_s"], out["ttl_max_s"] = ttls[len(ttls)/2], ttls[len(ttls)-1]
	}
	if len(ttls) >= 100 {
		most, when := 0, int64(0)
		for s, n := range seconds {
			if n > most || n == most && s < when {
				most, when = n, s
			}
		}
		out["same_second_share"], out["same_second_in_s"] = share(float64(most), float64(len(ttls))), when
	}
	out["families"], out["purposes"] = families(keys)
	out["biggest"] = biggest(keys)
	if rows := out["biggest"].([]any); len(rows) > 0 {
		out["biggest_bytes"] = rows[0].(map[string]any)["bytes"]
	}
	return out
}

type familyStats struct {
	name         string
	count, noTTL int64
	bytes        int64
	ttls         []float64
}

// maxPatterns is how many patterns one first segment may have before they are
// taken together: names, not ids, then make the difference.
const maxPatterns = 20

func families(keys []sampledKey) (rows, purposes []any) {
	patterns := make([]string, len(keys))
	for i, k := range keys {
		patterns[i] = family(k.name)
	}
	groupOf := grouping(patterns)
	stats := map[string]*familyStats{}
	for i, k := range keys {
		name := groupOf(patterns[i]).Family
		f := stats[name]
		if f == nil {
			f = &familyStats{name: name}
			stats[name] = f
		}
		f.count++
		f.bytes += max(0, k.bytes)
		if k.ttlMs < 0 {
			f.noTTL++
		} else {
			f.ttls = append(f.ttls, float64(k.ttlMs)/1000)
		}
	}
	list := make([]*familyStats, 0, len(stats))
	uses := map[string]bool{}
	for _, f := range stats {
		list = append(list, f)
		if p := purpose(f.name); p != "" {
			uses[p] = true
		}
	}
	sort.Slice(list, func(i, j int) bool {
		if list[i].count != list[j].count {
			return list[i].count > list[j].count
		}
		return list[i].name < list[j].name
	})
	rows = []any{}
	for i, f := range list {
		if i == 30 {
			break
		}
		row := map[string]any{"family": f.name, "purpose": purpose(f.name), "count": f.count, "share": share(float64(f.count), float64(len(keys))),
			"no_ttl_share": share(float64(f.noTTL), float64(f.count)), "ttl_low_s": nil, "ttl_median_s": nil, "ttl_max_s": nil,
			"bytes": f.bytes, "bytes_mean": share(float64(f.bytes), float64(f.count))}
		if len(f.ttls) > 0 {
			sort.Float64s(f.ttls)
			row["ttl_low_s"], row["ttl_median_s"], row["ttl_max_s"] = f.ttls[len(f.ttls)/10], f.ttls[len(f.ttls)/2], f.ttls[len(f.ttls)-1]
		}
		rows = append(rows, row)
	}
	return rows, some(uses)
}

// head is a pattern's first segment with its separator.
func head(pattern string) string {
	if i := strings.IndexAny(pattern, ":/.|"); i >= 0 {
		return pattern[:i+1]
	}
	return ""
}

func biggest(keys []sampledKey) []any {
	sorted := make([]sampledKey, len(keys))
	copy(sorted, keys)
	sort.Slice(sorted, func(i, j int) bool {
		if sorted[i].bytes != sorted[j].bytes {
			return sorted[i].bytes > sorted[j].bytes
		}
		return sorted[i].name < sorted[j].name
	})
	rows := []any{}
	for i, k := range sorted {
		if i == 10 || k.bytes < 0 {
			break
		}
		row := map[string]any{"name": k.name, "family": family(k.name), "bytes": k.bytes, "type": nil, "items": nil, "ttl_s": nil}
		if k.ttlMs >= 0 {
			row["ttl_s"] = float64(k.ttlMs) / 1000
		}
		rows = append(rows, row)
	}
	return rows
}
