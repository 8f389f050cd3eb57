package redis

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisapi"
)

func slowlogQuestion() builtin {
	number := func(name, about string) probe.Field { return probe.Field{Name: name, Type: "number", About: about} }
	return builtin{ask: askSlowlog, spec: probe.Spec{
		Name:     "redis.slowlog",
		Question: "Which commands took long, and do they go on?",
		Why:      "Redis runs one command at a time: whatever stands here made every other client wait. Values are never shown, keys only as patterns.",
		Cost:     "two SLOWLOG GET 128, one window apart; the log is never reset",
		Shape:    probe.Object,
		Params: []probe.Param{windowParam(),
			{Name: "recent", Type: probe.Duration, Default: "10m", About: "how old an entry may be to count as recent"}},
		Fields: []probe.Field{
			number("threshold_usec", "commands slower than this are logged; null when CONFIG GET is not permitted; below 0 the log is off"),
			number("new", "entries written within the window"),
			number("new_usec", "microseconds that these took together"),
			number("new_share", "share of the window that they took, 0 to 1 and above"),
			number("recent", "entries not older than the argument recent"),
			number("recent_max_usec", "longest of these; null without"),
			number("recent_usec", "microseconds of these together"),
			{Name: "by_command", Type: "rows", About: "recent entries by command, most time first: command, count, max_usec, total_usec, keys (patterns), clients, whole (it reads whole collections by nature)"},
			{Name: "entries", Type: "rows", About: "newest first, at most 50: id, age_s, usec, command, key (pattern), args (count), client, name, new, whole"},
		},
		Outcomes: []probe.Outcome{
			{When: "new is above 0", Means: "slow commands run at this moment"},
			{When: "recent is 0", Means: "no slow command lately, as far as the threshold shows"},
		},
	}}
}

// slowLen is how many entries are read: the server's own default length.
const slowLen = 128

type slowEntry struct {
	id           int64
	at           int64 // seconds since 1970, the server's clock
	usec         int64
	command, key string
	args         int
	client, name string
}

// slowEntries parses SLOWLOG GET and leaves ours out: by our name, and by the
// address that the server sees, for what was said before we had a name.
func slowEntries(v any, self string) []slowEntry {
	list, _ := v.([]any)
	out := make([]slowEntry, 0, len(list))
	for _, item := range list {
		f, _ := item.([]any)
		if len(f) < 4 {
			continue
		}
		e := slowEntry{}
		e.id, _ = f[0].(int64)
		e.at, _ = f[1].(int64)
		e.usec, _ = f[2].(int64)
		words, _ := f[3].([]any)
		e.args = len(words)
		e.command, e.key = slowCommand(words)
		if len(f) > 5 {
			e.client, _ = f[4].(string)
			e.name, _ = f[5].(string)
		}
		if e.name == redisapi.OwnName || e.client != "" && e.client == self {
			continue
		}
		out = append(out, e)
	}
	return out
}

// slowCommand names the command and the pattern of its key, no value.
func slowCommand(words []any) (command, key string) {
	if len(words) == 0 {
		return "?", ""
	}
	command = strings.ToLower(fmt.Sprint(words[0]))
	switch {
	case containers[command] && len(words) > 1:
		return command + " " + strings.ToLower(fmt.Sprint(words[1])), ""
	case strings.HasPrefix(command, "eval") || strings.HasPrefix(command, "fcall"):
		return command, "(script)"
	case command == "keys" && len(words) > 1:
		return command, redisapi.Clip(fmt.Sprint(words[1]))
	case command == "auth" || command == "hello" || command == "ping" || command == "echo" || len(words) < 2:
		return command, ""
	}
	return command, family(fmt.Sprint(words[1]))
}

// whole lists the commands that read whole collections by nature, or run
// without a bound.
func whole(command string) bool {
	switch command {
	case "keys", "smembers", "hgetall", "hkeys", "hvals", "sort", "sort_ro", "lrange", "zrange", "zrevrange", "zrangebyscore", "zrevrangebyscore",
		"sinter", "sunion", "sdiff", "sinterstore", "sunionstore", "sdiffstore", "zunionstore", "zinterstore", "zunion", "zinter", "zdiff",
		"lrem", "lpos", "linsert", "eval", "evalsha", "eval_ro", "evalsha_ro", "fcall", "fcall_ro", "del", "flushdb", "flushall", "debug", "dump",
		"getrange", "get", "mget", "bitcount", "xrange", "xrevrange", "zremrangebyscore", "zremrangebyrank", "ltrim", "restore", "rename":
		return true
	}
	return false
}

func askSlowlog(ctx context.Context, t *target, args arguments) evidence.Answer {
	get := []any{"SLOWLOG", "GET", slowLen}
	got, err := t.client.exchange(ctx, get, []any{"CONFIG", "GET", "slowlog-log-slower-than"}, []any{"TIME"})
	if err != nil {
		return t.client.answer("SLOWLOG GET", err)
	}
	first := got.replies
	if first[0].Err != "" {
		return redisapi.Refused("slowlog get", first[0].Err, t.client.at)
	}
	start := t.tools.Now()
	if err := pause(ctx, args.window()); err != nil {
		return t.client.answer("wait between two samples", err)
	}
	second, err := t.client.do(ctx, get)
	if err != nil {
		return t.client.answer("SLOWLOG GET", err)
	}
	if e := second[0].Err; e != "" {
		return redisapi.Refused("slowlog get", e, t.client.at)
	}
	elapsed := t.tools.Now().Sub(start).Seconds()
	clock := serverTime(first[2], start) + elapsed
	self := got.visit.Conn.LocalAddr().String()
	s := summary{before: slowEntries(first[0].Val, self), after: slowEntries(second[0].Val, self),
		now: clock, elapsed: elapsed, recent: args.duration("recent")}
	out := s.object()
	out["threshold_usec"] = configNumber(first[1])
	a := evidence.Of(out)
	if note := configNote("slowlog-log-slower-than", first[1], t.client.at); note != "" {
		a.Notes = append(a.Notes, note)
	}
	return a
}

type summary struct {
	before, after []slowEntry
	now, elapsed  float64
	recent        time.Duration
}

func (s summary) object() map[string]any {
	last := int64(-1)
	for _, e := range s.before {
		last = max(last, e.id)
	}
	type group struct {
		count, total, longest int64
		keys, clients         map[string]bool
	}
	groups := map[string]*group{}
	var fresh, freshUsec, recent, recentUsec, longest int64
	entries := []any{}
	for _, e := range s.after {
		age := max(0, s.now-float64(e.at))
		isNew := e.id > last
		if isNew {
			fresh, freshUsec = fresh+1, freshUsec+e.usec
		}
		if len(entries) < 50 {
			entries = append(entries, map[string]any{"id": e.id, "age_s": age, "usec": e.usec, "command": e.command, "key": e.key,
				"args": int64(e.args), "client": e.client, "name": e.name, "new": isNew, "whole": whole(e.command)})
		}
		if age > s.recent.Seconds() {
			continue
		}
		recent, recentUsec, longest = recent+1, recentUsec+e.usec, max(longest, e.usec)
		g := groups[e.command]
		if g == nil {
			g = &group{keys: map[string]bool{}, clients: map[string]bool{}}
			groups[e.command] = g
		}
		g.count, g.total, g.longest = g.count+1, g.total+e.usec, max(g.longest, e.usec)
		if e.key != "" {
			g.keys[e.key] = true
		}
		host, _, _ := strings.Cut(e.client, ":")
		g.clients[host] = true
	}
	names := make([]string, 0, len(groups))
	for name := range groups {
		names = append(names, name)
	}
	sort.Slice(names, func(i, j int) bool {
		a, b := groups[names[i]], groups[names[j]]
		if a.total != b.total {
			return a.total > b.total
		}
		return names[i] < names[j]
	})
	by := []any{}
	for _, name := range names {
		g := groups[name]
		by = append(by, map[string]any{"command": name, "count": g.count, "max_usec": g.longest, "total_usec": g.total,
			"keys": some(g.keys), "clients": some(g.clients), "whole": whole(name)})
	}
	out := map[string]any{"new": fresh, "new_usec": freshUsec, "new_share": finite(float64(freshUsec) / 1e6 / s.elapsed),
		"recent": recent, "recent_usec": recentUsec, "recent_max_usec": nil, "by_command": by, "entries": entries}
	if recent > 0 {
		out["recent_max_usec"] = longest
	}
	return out
}

// some lists up to five names of a set, sorted.
func some(set map[string]bool) []any {
	names := make([]string, 0, len(set))
	for n := range set {
		names = append(names, n)
	}
	sort.Strings(names)
	out := []any{}
	for i, n := range names {
		if i == 5 {
			break
		}
		out = append(out, n)
	}
	return out
}

// serverTime is the server's clock in seconds since 1970; ours where it does
// not tell. Ages are by the clock that stamped the entries.
func serverTime(r redisapi.Reply, ours time.Time) float64 {
	if pair, ok := r.Val.([]any); ok && len(pair) == 2 {
		if s, ok := typed(fmt.Sprint(pair[0])).(int64); ok {
			return float64(s)
		}
	}
	return float64(ours.Unix())
}
