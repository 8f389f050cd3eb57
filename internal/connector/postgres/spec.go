// Package postgres asks a PostgreSQL server questions that change nothing. A
// question is either a built-in one (postgres.lock_roots) or a SQL statement of
// a playbook, which is proved to be read-only before the server sees it.
//
// The connector keeps one connection per target, works with the role
// pg_monitor alone, and says what it could not see.
package postgres

import "github.com/quellhq/quell/internal/probe"

// Specs returns what every built-in question says of itself, in the order in
// which they are listed to people.
func Specs() []probe.Spec {
	specs := make([]probe.Spec, 0, 32)
	for _, group := range [][]probe.Spec{
		reachSpecs(), sessionSpecs(), lockSpecs(), querySpecs(),
		tableSpecs(), vacuumSpecs(), serverSpecs(), walSpecs(), schemaSpecs(),
	} {
		specs = append(specs, group...)
	}
	return specs
}

// The costs that most questions have.
const (
	costOne     = "one statement on the statistics views"
	costWindow  = "one statement, twice, a second apart; the pause is shared by all questions of this kind"
	costCatalog = "one statement on the system catalogs"
)

func field(name, kind, about string) probe.Field {
	return probe.Field{Name: name, Type: kind, About: about}
}

func number(name, about string) probe.Field { return field(name, "number", about) }
func text(name, about string) probe.Field   { return field(name, "text", about) }
func flag(name, about string) probe.Field   { return field(name, "bool", about) }
func list(name, about string) probe.Field   { return field(name, "list", about) }
func rows(name, about string) probe.Field   { return field(name, "rows", about) }

func limitParam(def string) probe.Param {
	return probe.Param{Name: "limit", Type: probe.Number, Default: def, About: "at most this many rows"}
}

// who are the fields that say who a session belongs to.
func who() []probe.Field {
	return []probe.Field{
		text("user", "role that is logged in"),
		text("application", "application_name; empty where the client gave none"),
		text("database", "database of the session"),
		text("client", "address of the client; \"local\" for a unix socket"),
	}
}

func fields(groups ...[]probe.Field) []probe.Field {
	var all []probe.Field
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}
