package redis

import (
	"context"
	"strings"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisapi"
)

// curated are the settings that faults turn on.
var curated = []struct{ name, kind, about string }{
	{"maxmemory", "number", "limit of memory, bytes; 0 is none"},
	{"maxmemory-policy", "text", "what is evicted at the limit"},
	{"maxclients", "number", "limit of clients"},
	{"timeout", "number", "seconds after which idle clients are closed; 0 is never"},
	{"tcp-keepalive", "number", "seconds"},
	{"databases", "number", "how many"},
	{"save", "text", "when a snapshot is written; empty is never"},
	{"appendonly", "text", "yes or no"},
	{"appendfsync", "text", "always, everysec or no"},
	{"no-appendfsync-on-rewrite", "text", "yes or no"},
	{"stop-writes-on-bgsave-error", "text", "yes or no"},
	{"dir", "text", "where snapshots and the append-only file go"},
	{"hz", "number", "cycles of the background work per second"},
	{"slowlog-log-slower-than", "number", "microseconds; below 0 the slow log is off"},
	{"slowlog-max-len", "number", "entries kept"},
	{"latency-monitor-threshold", "number", "milliseconds; 0 is off"},
	{"client-output-buffer-limit", "text", "class, hard, soft, seconds; three times"},
	{"activedefrag", "text", "yes or no"},
	{"lazyfree-lazy-expire", "text", "yes or no"}, {"lazyfree-lazy-eviction", "text", "yes or no"}, {"lazyfree-lazy-user-del", "text", "yes or no"},
	{"replica-read-only", "text", "yes or no"}, {"replica-serve-stale-data", "text", "yes or no"},
	{"min-replicas-to-write", "number", "writes are refused with fewer replicas"},
	{"repl-backlog-size", "number", "bytes"},
	{"protected-mode", "text", "yes or no"}, {"bind", "text", "addresses it listens on"},
	{"io-threads", "number", "threads for the network"},
	{"busy-reply-threshold", "number", "milliseconds after which a script makes others hear BUSY"},
}

func field(name string) string { return strings.ReplaceAll(name, "-", "_") }

func configQuestion() builtin {
	var fields []probe.Field
	for _, c := range curated {
		fields = append(fields, probe.Field{Name: field(c.name), Type: c.kind, About: c.about})
	}
	return builtin{ask: askConfig, spec: probe.Spec{
		Name:     "redis.config",
		Question: "How is the server set up, where it matters for faults?",
		Why:      "A limit or a policy explains a refusal better than any counter. No password is among these settings.",
		Cost:     "about thirty CONFIG GET in one round trip",
		Shape:    probe.Object,
		Fields:   fields,
		Outcomes: []probe.Outcome{{When: "a field is null", Means: "this version of the server has no such setting"}},
	}}
}

func askConfig(ctx context.Context, t *target, _ arguments) evidence.Answer {
	cmds := make([][]any, len(curated))
	for i, c := range curated {
		cmds[i] = []any{"CONFIG", "GET", c.name}
	}
	replies, err := t.client.do(ctx, cmds...)
	if err != nil {
		return t.client.answer("CONFIG GET", err)
	}
	if e := replies[0].Err; e != "" {
		return redisapi.Refused("config get", e, t.client.at)
	}
	out := map[string]any{}
	for i, c := range curated {
		value, ok := configText(replies[i])
		switch {
		case !ok:
			out[field(c.name)] = nil
		case c.kind == "number":
			out[field(c.name)] = typed(value)
		default:
			out[field(c.name)] = value
		}
	}
	return evidence.Of(out)
}

// configText reads the reply of CONFIG GET for one name.
func configText(r redisapi.Reply) (string, bool) {
	pair, _ := r.Val.([]any)
	if len(pair) < 2 {
		return "", false
	}
	s, ok := pair[1].(string)
	return s, ok
}

// configNumber reads a number from CONFIG GET; nil where it was not told.
func configNumber(r redisapi.Reply) any {
	if s, ok := configText(r); ok {
		return typed(s)
	}
	return nil
}

// configNote says why a setting is not known.
func configNote(name string, r redisapi.Reply, at redisapi.Address) string {
	switch {
	case r.Err == "":
		return ""
	case strings.HasPrefix(r.Err, "NOPERM"):
		return name + " is not known: CONFIG GET is not permitted (" + redisapi.Grant("config get", at) + ")"
	}
	return name + " is not known: " + r.Err
}
