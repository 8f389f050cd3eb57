package redis

import (
	"context"
	"slices"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisact"
	"github.com/quellhq/quell/internal/redisapi"
)

// persistChange takes redis.expire back. It needs no list of keys: a key whose
// end is to the millisecond the one that was given was given it by us, and one
// whose end is another has been written since.
func persistChange() redisact.Change {
	return sweep{
		spec: action.Spec{
			Name: "redis.persist", Risk: action.R2,
			Does:  "Takes redis.expire back: keys that still have the time to live that it gave lose it.",
			Tells: "no key has that time to live any more, or a note says so (quell:done:…)",
			Params: []probe.Param{
				need("family", probe.Text, "as it was given to redis.expire"),
				need("ttl", probe.Duration, "as it was given to redis.expire"),
				need("jitter", probe.Duration, "as it was given to redis.expire"),
				need("base", probe.Number, "when redis.expire began, in ms since 1970 by the server's clock"),
				need("order", probe.Text, "the key of the order"),
				mostParam(100_000),
			},
		},
		pick:    pickKeys,
		want:    func(k found, _ action.Args) bool { return k.ttl >= 0 },
		narrow:  onlyGiven,
		summary: func(n int, _ action.Args) string { return "takes the time to live from " + redisact.Count(n, "key") },
		then:    func(action.Args) string { return "stay for ever, as before" },
		past:    "kept for ever again",
		script: `
local n = 0
for i = 2, #KEYS do
  if tostring(redis.call('PEXPIRETIME', KEYS[i])) == ARGV[2 * i - 1] then n = n + redis.call('PERSIST', KEYS[i]) end
end
return counted(n)`,
		until: func(o action.Order, _ int64, key string) int64 {
			return expiry(o.Args.Text("order"), int64(o.Args.Number("base")), o.Args, key)
		},
		advise: func(*action.Preview, []swept, action.Args) {},
	}.change()
}

// onlyGiven leaves the keys whose end is the one that the order gave.
func onlyGiven(ctx context.Context, s *redisapi.Session, a action.Args, keys []found) ([]found, error) {
	var out []found
	for step := range slices.Chunk(keys, stepCount) {
		var cmds [][]any
		for _, k := range step {
			cmds = append(cmds, []any{"PEXPIRETIME", k.name})
		}
		replies, err := s.All(ctx, cmds...)
		if err != nil {
			return nil, err
		}
		for i, r := range replies {
			if r.Val == expiry(a.Text("order"), int64(a.Number("base")), a, step[i].name) {
				out = append(out, step[i])
			}
		}
	}
	return out, nil
}
