package redis

import (
	"fmt"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisact"
)

// extendChange relieves a stampede: what is about to expire, all at once or one
// hot key, lives on, and ends at different moments. It only ever moves an end
// later, to a moment that the order fixes, so going on after a crash adds
// nothing.
func extendChange() redisact.Change {
	return sweep{
		spec: action.Spec{
			Name: "redis.extend", Risk: action.R2,
			Does:  "Lets keys that expire live at least so much longer, each with a different jitter: a hot key, or a family that would all expire at once. Readers get values that are older by as much.",
			Tells: "a note that each step writes with its effect, for a week (quell:done:…)",
			Params: []probe.Param{
				optional("keys", probe.List, `""`, "exact names of keys"),
				optional("family", probe.Text, `""`, "pattern of keys, as redis.keys names it"),
				need("ttl", probe.Duration, "they live at least so long from now; at least 10s"),
				optional("jitter", probe.Duration, "60s", "up to so much is added, differently for each key"),
				mostParam(100_000),
			},
		},
		pick: pickExpiry,
		want: func(k found, a action.Args) bool { return k.ttl >= 0 && k.ttl < a.Duration("ttl").Milliseconds() },
		summary: func(n int, a action.Args) string {
			return fmt.Sprintf("lets %s live at least %s more, and up to %s beyond", redisact.Count(n, "key"), a.Text("ttl"), a.Text("jitter"))
		},
		then: func(a action.Args) string { return "live at least " + a.Text("ttl") + " more" },
		past: "prolonged",
		script: `
local n = 0
for i = 2, #KEYS do
  local left = redis.call('PTTL', KEYS[i])
  local t = redis.call('TIME')
  if left >= 0 and t[1] * 1000 + t[2] / 1000 + left + 1 < tonumber(ARGV[2 * i - 1]) and string.find(',' .. ARGV[2 * i - 2] .. ',', ',' .. redis.call('TYPE', KEYS[i]).ok .. ',', 1, true) then
    n = n + redis.call('PEXPIREAT', KEYS[i], ARGV[2 * i - 1])
  end
end
return counted(n)`,
		until:  expiryOf,
		advise: adviseExtend,
	}.change()
}

func adviseExtend(p *action.Preview, families []swept, a action.Args) {
	p.Warnings = append(p.Warnings, "values get up to "+a.Text("ttl")+" older than their writer wanted")
	if why := notOnlyCache(families, false); why != "" {
		p.TwoPeople, p.Risk = why+", and a session or a lock that lives longer is another thing than an older page", action.R3
	}
}
