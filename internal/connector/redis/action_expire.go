package redis

import (
	"fmt"
	"hash/fnv"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisact"
)

func expireChange() redisact.Change {
	return sweep{
		spec: action.Spec{
			Name: "redis.expire", Risk: action.R2,
			Does:  "Gives keys without one a time to live, with jitter, in small steps.",
			Undo:  "PERSIST on the same keys, while they live: those whose time to live is still the one that was given (Redis 7.0 and later)",
			Tells: "a note that each step writes with its effect, for a week (quell:done:…)",
			Params: []probe.Param{
				need("family", probe.Text, "pattern of keys, as redis.keys names it"),
				need("ttl", probe.Duration, "time to live; at least 10s"),
				optional("jitter", probe.Duration, "60s", "up to so much is added, differently for each key"),
				mostParam(100_000),
				action.ForParam(),
			},
		},
		pick: pickExpiry,
		want: func(k found, _ action.Args) bool { return k.ttl == -1 },
		summary: func(n int, a action.Args) string {
			return fmt.Sprintf("gives %s a time to live of %s, and up to %s more", redisact.Count(n, "key"), a.Text("ttl"), a.Text("jitter"))
		},
		then: func(a action.Args) string { return "expire in " + a.Text("ttl") + " and a little" },
		past: "given a time to live",
		script: `
local n = 0
for i = 2, #KEYS do
  if redis.call('PTTL', KEYS[i]) == -1 and string.find(',' .. ARGV[2 * i - 2] .. ',', ',' .. redis.call('TYPE', KEYS[i]).ok .. ',', 1, true) then
    n = n + redis.call('PEXPIREAT', KEYS[i], ARGV[2 * i - 1])
  end
end
return counted(n)`,
		until:  expiryOf,
		advise: adviseExpire,
		back: func(o action.Order, base int64) *action.Change {
			return &action.Change{Type: "redis.persist", Args: action.Args{
				"family": o.Args.Text("family"), "ttl": o.Args.Text("ttl"), "jitter": o.Args.Text("jitter"), "most": o.Args.Number("most"),
				"base": float64(base), "order": o.Key,
			}}
		},
	}.change()
}

func pickExpiry(a action.Args) (selection, error) {
	if a.Duration("ttl") < 10*time.Second || a.Duration("jitter") < 0 {
		return selection{}, action.Refuse("to delete keys, use redis.unlink", "a time to live of %s is too short", a.Text("ttl"))
	}
	return pickKeys(a)
}

// expiryOf is when a key shall end, in ms since 1970 by the server's clock. The
// jitter follows from the order and the key alone: whoever goes on after a
// crash gives the same, and an undo knows its own again.
func expiryOf(o action.Order, base int64, key string) int64 {
	return expiry(o.Key, base, o.Args, key)
}

func expiry(order string, base int64, a action.Args, key string) int64 {
	at := base + a.Duration("ttl").Milliseconds()
	if most := a.Duration("jitter").Milliseconds(); most > 0 {
		h := fnv.New64a()
		_, _ = h.Write([]byte(order + "\x00" + key))
		at += int64(h.Sum64() % uint64(most+1))
	}
	return at
}

func adviseExpire(p *action.Preview, families []swept, _ action.Args) {
	p.Warnings = append(p.Warnings, "writers that set these keys without a time to live take it away again")
	if why := notOnlyCache(families, false); why != "" {
		p.TwoPeople, p.Risk = why+", and they would end", action.R3
	}
}
