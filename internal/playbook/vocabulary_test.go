package playbook_test

import (
	"strings"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/playbook"
	"github.com/quellhq/quell/internal/probe"
)

// vocabulary is a small world of its own: the real connectors stand above this
// package, and their words change for reasons of theirs.
func vocabulary() playbook.Vocabulary {
	refuse := func(word, text string) func(probe.Template, map[string]string) []connector.Problem {
		return func(t probe.Template, _ map[string]string) []connector.Problem {
			if i := strings.Index(strings.ToUpper(t.Source()), word); i >= 0 {
				return []connector.Problem{{Offset: i, Text: text}}
			}
			return nil
		}
	}
	window := []probe.Param{
		{Name: "range", Type: probe.Duration, Default: "30m", About: "how far back"},
		{Name: "step", Type: probe.Duration, Default: "15s", About: "one point each"},
	}
	promql := connector.Language{Name: "promql", Shape: probe.Series, Options: window}
	logql := connector.Language{Name: "logql", Patterns: true, Shape: probe.Any, Options: []probe.Param{{Name: "since", Type: probe.Duration, Default: "30m"}}}
	return playbook.Vocabulary{Kinds: []connector.Kind{
		{
			Name: "postgres",
			Languages: []connector.Language{{
				Name: "sql", Shape: probe.Rows, Options: []probe.Param{{Name: "limit", Type: probe.Number, Default: "500"}},
				Check: refuse("DELETE", "this statement changes the database: a probe only reads"),
			}},
			Probes: []probe.Spec{
				{
					Name: "postgres.lock_roots", Question: "Which sessions hold up the others?", Why: "The one at the head of the queue is the one to end.",
					Cost: "one statement", Shape: probe.Object,
					Params: []probe.Param{{Name: "min_wait", Type: probe.Duration, Default: "5s", About: "waits shorter than this are not counted"}},
					Fields: []probe.Field{{Name: "roots", Type: "number", About: "sessions that block others and wait for nobody"}, {Name: "waiting", Type: "number", About: "sessions that wait"}},
				},
				{
					Name: "postgres.table_health", Question: "How is this table?", Shape: probe.Object, Cost: "one statement",
					Params: []probe.Param{{Name: "table", Type: probe.Text, About: "name of the table"}},
					Fields: []probe.Field{{Name: "dead", Type: "number", About: "dead rows"}},
				},
				{
					Name: "postgres.tables", Question: "How are the tables?", Shape: probe.Rows, Cost: "one statement",
					Fields: []probe.Field{{Name: "name", Type: "text"}, {Name: "dead", Type: "number", About: "dead rows"}},
				},
			},
			Actions: []action.Spec{{
				Name: "postgres.terminate", Does: "Ends sessions.", Risk: action.R2,
				Params: []probe.Param{
					{Name: "sessions", Type: probe.List, About: "rows with a pid each"},
					{Name: "reason", Type: probe.Text, Default: "asked by a playbook", About: "what the log says"},
				},
			}},
		},
		{
			Name: "redis",
			Languages: []connector.Language{{
				Name: "redis", Shape: probe.Any,
				Check: refuse("KEYS", "KEYS walks the whole key space and stops the server meanwhile: write SCAN 0 COUNT 100"),
			}},
		},
		{Name: "prometheus", Languages: []connector.Language{promql}},
		{Name: "series", Serves: []string{"prometheus"}, Languages: []connector.Language{promql}},
		{Name: "logs", Languages: []connector.Language{logql}},
		{Name: "loki", Serves: []string{"logs"}, Languages: []connector.Language{logql}},
		{
			Name: "http",
			Languages: []connector.Language{{
				Name: "http", Shape: probe.Object,
				Fields: []probe.Field{{Name: "status", Type: "number", About: "of the answer"}},
			}},
		},
	}}
}
