package postgres

import (
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/probe"
)

// Kind is the connector, as package all lists it.
func Kind() connector.Kind {
	return connector.Kind{
		Name:     "postgres",
		About:    "A PostgreSQL database, asked through its own statistics views and read-only SQL",
		Settings: settingSpecs(),
		Languages: []connector.Language{{
			Name: "sql", Shape: probe.Rows, Check: Check,
			Options: []probe.Param{{Name: "limit", Type: probe.Number, Default: "500", About: "at most this many rows are kept; a note says when there were more"}},
		}},
		Probes: Specs(), Actions: Actions(),
		Tried: "PostgreSQL 15 with standbys and PgBouncer 1.18; other versions are written from their documentation.",
		Open:  open,
	}
}

// answerers is what answers each built-in question.
func answerers() map[string]answerer {
	return map[string]answerer{
		"postgres.connect":             connectQuestion,
		"postgres.uptime":              uptimeQuestion,
		"postgres.settings":            settingsQuestion,
		"postgres.connections":         connectionsQuestion,
		"postgres.activity":            activityQuestion,
		"postgres.sessions":            sessionsQuestion,
		"postgres.idle_in_transaction": idleInTransactionQuestion,
		"postgres.long_statements":     longStatementsQuestion,
		"postgres.load":                loadQuestion,
		"postgres.waits":               waitsQuestion,
		"postgres.lock_roots":          lockRootsQuestion,
		"postgres.lock_waits":          lockWaitsQuestion,
		"postgres.locks":               locksQuestion,
		"postgres.statements":          statementsQuestion,
		"postgres.database":            databaseQuestion,
		"postgres.missing_indexes":     missingIndexesQuestion,
		"postgres.tables":              tablesQuestion,
		"postgres.indexes":             indexesQuestion,
		"postgres.storage":             storageQuestion,
		"postgres.autovacuum":          one(autovacuumSQL),
		"postgres.horizon":             horizonQuestion,
		"postgres.wraparound":          wraparoundQuestion,
		"postgres.progress":            progressQuestion,
		"postgres.replication":         replicationQuestion,
		"postgres.wal":                 walQuestion,
		"postgres.checkpoints":         checkpointsQuestion,
		"postgres.sequences":           sequencesQuestion,
		"postgres.schema_version":      schemaVersionQuestion,
	}
}
