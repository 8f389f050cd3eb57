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
	return []action.Spec{
		{
			Name: "postgres.rollback_prepared", Risk: action.R4,
			Does:   "Rolls back a prepared transaction for good; ask its coordinator first whether it was meant to commit.",
			Params: []probe.Param{need("transactions", probe.List, "names (gid) of prepared transactions of this database")},
		},
	}
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
		{
			Name: "postgres.role_limit", Risk: action.R2,
			Does: "Changes a role's CONNECTION LIMIT.", Undo: "sets the former limit",
			Params: []probe.Param{
				need("role", probe.Text, "the role"),
				need("limit", probe.Number, "sessions it may have; -1 for no limit of its own"),
			},
		},
		{
			Name: "postgres.database_limit", Risk: action.R2,
			Does: "Changes a database's CONNECTION LIMIT.", Undo: "sets the former limit",
			Params: []probe.Param{
				need("database", probe.Text, "the database"),
				need("limit", probe.Number, "sessions it may have; -1 for no limit of its own"),
			},
		},
	}
}

func tableActions() []action.Spec {
	table := need("table", probe.Text, "the table, with its schema: \"public.orders\"")
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
		{
			Name: "postgres.analyze", Risk: action.R1,
			Does:   "Refreshes a table's planner statistics with ANALYZE.",
			Params: []probe.Param{table},
		},
		{
			Name: "postgres.vacuum", Risk: action.R2,
			Does: "Vacuums a table without an exclusive lock. It reads the whole table, so it costs disk.",
			Params: []probe.Param{
				table,
				optional("freeze", probe.Bool, "false", "freeze all rows as well, against wraparound"),
				optional("analyze", probe.Bool, "false", "refresh the planner statistics as well"),
			},
		},
		{
			Name: "postgres.table_option", Risk: action.R1,
			Does: "Sets a storage parameter of a table, such as autovacuum_enabled.", Undo: "sets or resets the former value",
			Params: []probe.Param{
				table,
				need("option", probe.Text, "the storage parameter: \"autovacuum_enabled\""),
				need("value", probe.Text, "its new value"),
			},
		},
	}
}

func logActions() []action.Spec {
	return []action.Spec{
		{
			Name: "postgres.drop_slot", Risk: action.R4,
			Does:   "Drops a replication slot that nobody reads. Its consumer has to be set up anew.",
			Params: []probe.Param{need("slots", probe.List, "names of inactive slots")},
		},
		{
			Name: "postgres.resume_replay", Risk: action.R1,
			Does: "Resumes replay on a standby where someone paused it.", Undo: "pauses replay again",
		},
	}
}

