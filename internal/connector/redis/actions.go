package redis

import (
	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
)

// actions are the changes that playbooks may propose. This release shows them.
func actions() []action.Spec {
	text := func(name, about string) probe.Param { return probe.Param{Name: name, Type: probe.Text, About: about} }
	list := func(name, about string) probe.Param { return probe.Param{Name: name, Type: probe.List, About: about} }
	return []action.Spec{
		{Name: "redis.config_set", Does: "Changes one setting of the running server; a restart forgets it unless the file is changed too.", Risk: action.R2,
			Undo:   "set the former value, which is read before the change",
			Params: []probe.Param{text("name", "setting: maxmemory, maxclients, appendfsync…"), text("value", "new value")}},
		{Name: "redis.client_kill", Does: "Closes client connections by id, after checking that address and age are still those of the evidence.", Risk: action.R2,
			Params: []probe.Param{list("ids", "ids from redis.clients")}},
		{Name: "redis.unlink", Does: "Deletes keys by name, freeing their memory in the background. For keys that a cache rebuilds.", Risk: action.R3,
			Params: []probe.Param{list("keys", "names of keys, no patterns")}},
		{Name: "redis.expire", Does: "Gives keys without one a time to live, with jitter, in small batches.", Risk: action.R2,
			Undo:   "PERSIST on the same keys, while they live",
			Params: []probe.Param{text("family", "pattern of keys, as redis.keys names it"), {Name: "ttl", Type: probe.Duration, About: "time to live"}, {Name: "jitter", Type: probe.Duration, Default: "60s", About: "up to so much is added, at random"}}},
		{Name: "redis.script_kill", Does: "Stops the script or function that runs, if it has not written yet.", Risk: action.R2},
		{Name: "redis.bgsave", Does: "Writes a snapshot in the background: needs a fork and free disk as large as the data.", Risk: action.R2},
		{Name: "redis.memory_purge", Does: "Asks the allocator to give free pages back to the system.", Risk: action.R1},
	}
}
