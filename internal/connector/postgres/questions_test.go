package postgres_test

import (
	"fmt"
	"sort"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector/postgres"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// Every built-in question answers, as superuser and with pg_monitor alone, in
// the shape and with the fields that its spec promises; or it names the grant
// that the role lacks.
func TestQuestionsAnswerAsTheySay(t *testing.T) {
	needServer(t)
	for _, role := range []string{"postgres", "monitor", "nobody"} {
		target := as(t, role)
		for _, spec := range postgres.Specs() {
			t.Run(role+"/"+spec.Name, func(t *testing.T) {
				t.Parallel()
				a := ask(t, target, spec.Name, nil)
				if a.Status == evidence.Denied && needsMore(role, spec.Name) {
					require.Contains(t, a.Hint, "GRANT")
					return
				}
				require.Equal(t, evidence.Answered, a.Status, "%+v", a)
				switch spec.Shape {
				case probe.Object:
					requireFields(t, spec, a.Value.(map[string]any))
				case probe.Rows:
					for _, row := range a.Value.([]any) {
						requireFields(t, spec, row.(map[string]any))
					}
				default:
					t.Fatalf("shape %s", spec.Shape)
				}
			})
		}
	}
}

// needsMore reports questions that a role may be refused: sequences need SELECT
// on them, and what other roles' sessions do needs pg_monitor.
func needsMore(role, question string) bool {
	switch question {
	case "postgres.sequences":
		return role != "postgres"
	case "postgres.long_statements", "postgres.horizon", "postgres.lock_waits", "postgres.locks", "postgres.lock_roots",
		"postgres.waits", "postgres.load", "postgres.idle_in_transaction", "postgres.activity", "postgres.sessions":
		return role == "nobody"
	}
	return false
}

func requireFields(t *testing.T, spec probe.Spec, value map[string]any) {
	t.Helper()
	var want, got []string
	types := map[string]string{}
	for _, f := range spec.Fields {
		want, types[f.Name] = append(want, f.Name), f.Type
	}
	for name, v := range value {
		got = append(got, name)
		ok := true
		switch v := v.(type) {
		case nil:
		case string:
			ok = types[name] == "text"
		case bool:
			ok = types[name] == "bool"
		case int64, float64:
			ok = types[name] == "number"
		case []any:
			ok = types[name] == "list" || types[name] == "rows"
		case map[string]any:
			ok = types[name] == "object"
		default:
			ok = false
			_ = v
		}
		require.True(t, ok, "%s: %s is a %T and not a %s", spec.Name, name, v, types[name])
	}
	sort.Strings(want)
	sort.Strings(got)
	require.Equal(t, want, got, spec.Name)
}

func TestSpecsAreComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range postgres.Specs() {
		require.False(t, seen[s.Name], s.Name)
		seen[s.Name] = true
		for what, text := range map[string]string{"question": s.Question, "why": s.Why, "cost": s.Cost} {
			require.NotEmpty(t, text, "%s has no %s", s.Name, what)
		}
		require.NotEmpty(t, s.Outcomes, s.Name)
		require.NotEmpty(t, s.Fields, s.Name)
		for _, p := range s.Params {
			require.NotEmpty(t, p.Default, fmt.Sprintf("%s %s", s.Name, p.Name))
			require.NotEmpty(t, p.About, fmt.Sprintf("%s %s", s.Name, p.Name))
		}
	}
}
