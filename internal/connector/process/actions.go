package process

import (
	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
)

// act is one type of change, and the verb that does it.
type act struct {
	spec action.Spec
	verb verb
	past string // "restarted"
	then string // what an instance will be
	// inverse is the type that takes it back; empty where nothing does.
	inverse string
}

// memory is what a service loses when it ends.
const memory = "what the service holds in memory, and the requests under way"

func onlyParam() probe.Param {
	return probe.Param{Name: "only", Type: probe.List, Default: `""`, About: "names of its instances, as process.state lists them; empty: all"}
}

func killParam() probe.Param {
	return probe.Param{Name: "kill", Type: probe.Bool, Default: "false", About: "managers pid and command: end by SIGKILL what has not ended after stop_timeout (the other managers have a rule of their own)"}
}

// acts lists everything that this connector can change.
func acts() []act {
	state := []string{"process.state"}
	return []act{
		{
			verb: start, past: "started", then: "runs", inverse: "process.stop",
			spec: action.Spec{
				Name: "process.start", Risk: action.R2,
				Does: "Starts the service where it does not run.", Undo: "stops what was started",
				Tells:  "the service runs",
				Params: []probe.Param{onlyParam(), action.ForParam()},
			},
		},
		{
			verb: stop, past: "stopped", then: "is stopped, and not started again", inverse: "process.start",
			spec: action.Spec{
				Name: "process.stop", Risk: action.R3,
				Does: "Stops the service.", Undo: "starts it again; its memory stays lost",
				Tells:    "nothing of the service runs",
				Destroys: memory, Captures: state,
				Params: []probe.Param{onlyParam(), killParam(), action.ForParam()},
			},
		},
		{
			verb: restart, past: "restarted", then: "runs anew",
			spec: action.Spec{
				Name: "process.restart", Risk: action.R2,
				Does:     "Stops what runs of the service and starts it again.",
				Tells:    "another process of the service runs, younger than the decision",
				Destroys: memory, Captures: state,
				Params: []probe.Param{onlyParam(), killParam()},
			},
		},
		{
			verb: reload, past: "reloaded", then: "goes on with its configuration read again",
			spec: action.Spec{
				Name: "process.reload", Risk: action.R1,
				Does:   "Lets the service read its configuration again without ending it.",
				Tells:  "the same process runs, and its manager's record or its worker processes are younger than the decision; where there are neither, nobody can tell",
				Params: []probe.Param{onlyParam()},
			},
		},
	}
}
