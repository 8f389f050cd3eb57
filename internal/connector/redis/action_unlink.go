package redis

import (
	"fmt"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisact"
)

func unlinkChange() redisact.Change {
	return sweep{
		spec: action.Spec{
			Name: "redis.unlink", Risk: action.R3,
			Does:     "Deletes keys by name or pattern, freeing their memory in the background. For keys that a cache rebuilds: those that look like sessions, queues or locks, or have no time to live, need two people.",
			Tells:    "a note that each step writes with its deletions, for a week (quell:done:…); the keys themselves may be back",
			Destroys: "the values of the keys",
			Captures: []string{"redis.keys"},
			Params: []probe.Param{
				optional("keys", probe.List, `""`, "exact names of keys"),
				optional("pattern", probe.Text, `""`, "names as the server's SCAN matches them: page:*"),
				mostParam(10_000),
			},
		},
		pick:    pickKeys,
		want:    func(found, action.Args) bool { return true },
		summary: func(n int, _ action.Args) string { return "deletes " + redisact.Count(n, "key") },
		then:    func(action.Args) string { return "deleted" },
		past:    "deleted",
		script: `
local gone = {}
for i = 2, #KEYS do
  local kind = redis.call('TYPE', KEYS[i]).ok
  if kind ~= 'none' and string.find(',' .. ARGV[2 * i - 2] .. ',', ',' .. kind .. ',', 1, true) then gone[#gone + 1] = KEYS[i] end
end
if #gone == 0 then return 0 end
return counted(redis.call('UNLINK', unpack(gone)))`,
		until:  func(action.Order, int64, string) int64 { return 0 },
		advise: adviseUnlink,
	}.change()
}

func adviseUnlink(p *action.Preview, families []swept, _ action.Args) {
	for _, f := range families {
		if f.guard.Use == "queue" {
			p.Warnings = append(p.Warnings, fmt.Sprintf("%s is a queue's: rq.drop and celery.drop keep a copy", f.guard.Family))
		}
	}
	if why := notOnlyCache(families, true); why != "" {
		p.TwoPeople, p.Risk = why, action.R4
	}
}
