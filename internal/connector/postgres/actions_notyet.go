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
	return []action.Spec{}
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
