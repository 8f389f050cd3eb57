package redis

import (
	"slices"
	"strings"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisact"
)

// keep is the argument that leaves a setting as it is; off the one for a
// schedule of snapshots that is empty.
const (
	keep = "keep"
	off  = "off"
)

func persistenceChange() redisact.Change {
	k := settingChange{wanted: wantedPersistence, back: formerPersistence}
	return k.change(action.Spec{
		Name: "redis.persistence", Risk: action.R2,
		Does:  "Switches the append-only file or the schedule of snapshots on or off. Off, writes no longer wait for a full or slow disk, and a stop of the server loses them.",
		Undo:  "sets both as they were",
		Tells: "CONFIG GET shows the new settings",
		Params: []probe.Param{
			optional("appendonly", probe.Text, keep, "yes, no, or keep"),
			optional("save", probe.Text, keep, "schedule of snapshots as redis.conf has it (3600 1 300 100), off, or keep"),
			action.ForParam(),
		},
	})
}

func wantedPersistence(a action.Args) ([]setting, error) {
	var wanted []setting
	if v := a.Text("appendonly"); v != keep {
		wanted = append(wanted, setting{"appendonly", v})
	}
	if v := a.Text("save"); v != keep {
		// false is what YAML makes of off
		if slices.Contains([]string{off, "no", "false"}, strings.ToLower(strings.TrimSpace(v))) {
			v = ""
		}
		wanted = append(wanted, setting{"save", v})
	}
	if len(wanted) == 0 {
		return nil, action.Refuse("say appendonly: no, or save: off", "redis.persistence was not told what to switch")
	}
	return wanted, nil
}

func formerPersistence(former []setting) action.Args {
	a := action.Args{"appendonly": keep, "save": keep, "for": "0s"}
	for _, f := range former {
		if a[f.name] = f.value; f.value == "" {
			a[f.name] = off
		}
	}
	return a
}
