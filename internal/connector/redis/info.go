package redis

import (
	"context"
	"math"
	"strconv"
	"strings"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/redisapi"
)

// info is a reply of INFO, parsed: plain fields by name with numbers as
// numbers, and the sections that are tables.
type info struct {
	fields   map[string]any
	commands map[string]map[string]float64 // commandstats: name → calls, usec, …
	errors   map[string]float64            // errorstats: word → count
	keyspace map[string]map[string]float64 // db0 → keys, expires, avg_ttl
	latency  map[string]map[string]float64 // latencystats: name → p50, p99, p99.9
	replicas []map[string]any              // slave0:ip=…,port=…
}

// texts are the fields that look like numbers and are none.
var texts = map[string]bool{"redis_version": true, "run_id": true, "redis_git_sha1": true, "redis_build_id": true,
	"master_replid": true, "master_replid2": true, "gcc_version": true, "executable": true, "config_file": true, "os": true}

func parseInfo(text string) info {
	in := info{fields: map[string]any{}, commands: map[string]map[string]float64{}, errors: map[string]float64{},
		keyspace: map[string]map[string]float64{}, latency: map[string]map[string]float64{}}
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimRight(line, "\r")
		if line == "" || line[0] == '#' {
			continue
		}
		key, value, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		switch {
		case strings.HasPrefix(key, "cmdstat_"):
			in.commands[strings.TrimPrefix(key, "cmdstat_")] = pairs(value)
		case strings.HasPrefix(key, "latency_percentiles_usec_"):
			in.latency[strings.TrimPrefix(key, "latency_percentiles_usec_")] = pairs(value)
		case strings.HasPrefix(key, "errorstat_"):
			in.errors[strings.TrimPrefix(key, "errorstat_")] = pairs(value)["count"]
		case isIndexed(key, "db"):
			in.keyspace[key] = pairs(value)
		case isIndexed(key, "slave"):
			replica := map[string]any{}
			for _, pair := range strings.Split(value, ",") {
				if k, v, ok := strings.Cut(pair, "="); ok {
					replica[k] = typed(v)
				}
			}
			in.replicas = append(in.replicas, replica)
		case texts[key]:
			in.fields[key] = value
		default:
			in.fields[key] = typed(value)
		}
	}
	return in
}

func isIndexed(key, prefix string) bool {
	digits := strings.TrimPrefix(key, prefix)
	if digits == key || digits == "" {
		return false
	}
	_, err := strconv.Atoi(digits)
	return err == nil
}

func pairs(s string) map[string]float64 {
	out := map[string]float64{}
	for _, pair := range strings.Split(s, ",") {
		if k, v, ok := strings.Cut(pair, "="); ok {
			if f, err := strconv.ParseFloat(v, 64); err == nil && finite(f) != nil {
				out[k] = f
			}
		}
	}
	return out
}

// typed makes a number of what is one. "12.5%" becomes 12.5.
func typed(s string) any {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n
	}
	if f, err := strconv.ParseFloat(strings.TrimSuffix(s, "%"), 64); err == nil && !strings.ContainsAny(s, "xXpPnN") {
		return finite(f)
	}
	return s
}

// finite is nil for what is no number: evidence holds no NaN and no infinity.
func finite(f float64) any {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil
	}
	return f
}

// num returns a field as a number; ok is false where the server has none.
func (in info) num(name string) (float64, bool) {
	switch v := in.fields[name].(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

func (in info) text(name string) string {
	s, _ := in.fields[name].(string)
	return s
}

// totals sums keys and expires over all databases.
func (in info) totals() (keys, expires float64) {
	for _, db := range in.keyspace {
		keys += db["keys"]
		expires += db["expires"]
	}
	return keys, expires
}

// share is part of whole, or nil where there is no whole.
func share(part, whole float64) any {
	if whole <= 0 {
		return nil
	}
	return finite(part / whole)
}

// askInfo asks INFO with all its sections and parses the reply.
func (t *target) askInfo(ctx context.Context, more ...[]any) (info, []redisapi.Reply, *evidence.Answer) {
	replies, err := t.client.do(ctx, append([][]any{{"INFO", "everything"}}, more...)...)
	if err != nil {
		a := t.client.answer("INFO", err)
		return info{}, nil, &a
	}
	if replies[0].Err != "" {
		a := redisapi.Refused("info", replies[0].Err, t.client.at)
		return info{}, nil, &a
	}
	text, _ := replies[0].Val.(string)
	in := parseInfo(text)
	if in.text("redis_mode") == "sentinel" {
		a := evidence.Not(evidence.NotApplicable, "this is a Sentinel, which holds no data of its own", "point the target at the server that the Sentinel watches")
		return info{}, nil, &a
	}
	return in, replies[1:], nil
}
