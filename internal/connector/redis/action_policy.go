package redis

import (
	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisact"
)

// policyChange is a change of maxmemory-policy under a name of its own: what is
// thrown away is a decision about data, not about a number.
func policyChange() redisact.Change {
	k := settingChange{
		wanted: func(a action.Args) ([]setting, error) {
			return []setting{{name: "maxmemory-policy", value: a.Text("policy")}}, nil
		},
		back: func(former []setting) action.Args { return action.Args{"policy": former[0].value, "for": "0s"} },
	}
	return k.change(action.Spec{
		Name: "redis.memory_policy", Risk: action.R2,
		Does:  "Changes what the server throws away when its memory is full. Where sessions, queues, locks or keys without a time to live would go too, two people approve.",
		Undo:  "sets the former policy; what was evicted meanwhile does not come back",
		Tells: "CONFIG GET shows the new policy",
		Params: []probe.Param{
			need("policy", probe.Text, "noeviction, allkeys-lru, allkeys-lfu, volatile-ttl…"),
			action.ForParam(),
		},
	})
}
