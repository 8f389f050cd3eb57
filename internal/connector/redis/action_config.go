package redis

import (
	"strings"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisact"
)

func configChange() redisact.Change {
	k := settingChange{
		wanted: func(a action.Args) ([]setting, error) {
			return []setting{{name: strings.ToLower(strings.TrimSpace(a.Text("name"))), value: a.Text("value")}}, nil
		},
		back: func(former []setting) action.Args {
			return action.Args{"name": former[0].name, "value": former[0].value, "for": "0s"}
		},
	}
	return k.change(action.Spec{
		Name: "redis.config_set", Risk: action.R2,
		Does:  "Changes one setting of the running server; a restart forgets it unless the file is changed too. What opens the server or its file system is refused.",
		Undo:  "sets the former value, which is read before the change",
		Tells: "CONFIG GET shows the new value",
		Params: []probe.Param{
			need("name", probe.Text, "setting: maxmemory, maxclients, appendfsync…"),
			need("value", probe.Text, "new value, as redis.conf has it: 2gb, yes, allkeys-lru"),
			action.ForParam(),
		},
	})
}
