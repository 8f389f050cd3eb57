package postgres

import (
	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
)

// changes lists everything that this connector can change, in the order in
// which it is shown to people.
func changes() []change {
	return []change{
		cancelChange(), terminateChange(), rollbackPreparedChange(),
		setParameterChange(), roleLimitChange(), databaseLimitChange(),
		createIndexChange(), dropIndexChange(), reindexChange(),
		analyzeChange(), vacuumChange(), tableOptionChange(),
		dropSlotChange(), resumeReplayChange(), pauseReplayChange(),
	}
}

// Actions returns what every change says of itself.
func Actions() []action.Spec {
	all := changes()
	specs := make([]action.Spec, len(all))
	for i, c := range all {
		specs[i] = c.spec
	}
	return specs
}

func need(name string, kind probe.ParamType, about string) probe.Param {
	return probe.Param{Name: name, Type: kind, About: about}
}

func optional(name string, kind probe.ParamType, def, about string) probe.Param {
	return probe.Param{Name: name, Type: kind, Default: def, About: about}
}
