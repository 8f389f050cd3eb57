package postgres

import (
	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
)

// notYet are changes that are only shown so far.
func notYet() []action.Spec {
	specs := make([]action.Spec, 0, 16)
	for _, group := range [][]action.Spec{sessionActions(), settingActions(), tableActions(), logActions()} {
		specs = append(specs, group...)
	}
	return specs
}

func sessionActions() []action.Spec {
	return []action.Spec{}
}

func settingActions() []action.Spec {
	return []action.Spec{
		{
			Name: "postgres.set_parameter", Risk: action.R2,
			Does: "Sets a server parameter with ALTER SYSTEM and reloads the configuration. A parameter that needs a restart is written and named as waiting.",
			Undo: "sets the former value, or resets it where there was none",
			Params: []probe.Param{
				need("name", probe.Text, "the parameter: \"max_slot_wal_keep_size\""),
				need("value", probe.Text, "its new value, with its unit: \"10GB\""),
				optional("role", probe.Text, "\"\"", "set it for this role alone (ALTER ROLE … SET), which new sessions of it take up"),
			},
		},
	}
}

func tableActions() []action.Spec {
	return []action.Spec{
		{
			Name: "postgres.create_index", Risk: action.R2,
			Does: "Builds an index with CONCURRENTLY, which lets writes go on, and checks that it came out valid.",
			Undo: "drops the index, CONCURRENTLY",
			Params: []probe.Param{
				need("ddl", probe.Text, "the CREATE INDEX CONCURRENTLY statement, as postgres.missing_indexes proposes it"),
			},
		},
		{
			Name: "postgres.reindex", Risk: action.R2,
			Does:   "Rebuilds an index with REINDEX INDEX CONCURRENTLY.",
			Params: []probe.Param{need("index", probe.Text, "the index, with its schema")},
		},
	}
}

func logActions() []action.Spec {
	return []action.Spec{}
}
