// Package connectortest is the contract of a connector's questions, as a suite:
// it states each, answers within its deadline, tells unreachable from sick, and
// shows no secret.
package connectortest

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// Case is one connector with systems to hold it to.
type Case struct {
	Kind connector.Kind
	// Well is a target that answers all Questions.
	Well connector.Settings
	// Gone is a target where nobody listens.
	Gone connector.Settings
	// Silent is a target that takes connections and never answers.
	Silent connector.Settings
	// Questions hold at least one of each built-in question.
	Questions []probe.Question
	// Secret stands in all three settings, and must stand nowhere else.
	Secret string
}

// Run runs the suite.
func Run(t *testing.T, c Case) {
	t.Run("every question states itself", func(t *testing.T) { states(t, c.Kind) })
	t.Run("answers have the fields that are documented", func(t *testing.T) { answers(t, c) })
	t.Run("a target that is gone is unreachable", func(t *testing.T) {
		target := open(t, c, c.Gone)
		for _, q := range c.Questions {
			a := target.Ask(t.Context(), q)
			require.Equal(t, evidence.Unreachable, a.Status, "%s: %s", q.Builtin, a.Reason)
			require.NotEmpty(t, a.Reason)
			hides(t, c, a)
		}
		if e, ok := target.(connector.Examiner); ok {
			checks := e.Examine(t.Context())
			require.NotEmpty(t, checks)
			require.False(t, checks[0].OK)
			hides(t, c, checks)
		}
	})
	t.Run("a target that is silent does not hold us past the deadline", func(t *testing.T) {
		target := open(t, c, c.Silent)
		for _, q := range c.Questions {
			const patience = 150 * time.Millisecond
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			start := time.Now()
			a := target.Ask(ctx, q)
			cancel()
			require.Equal(t, evidence.TimedOut, a.Status, "%s: %s", q.Builtin, a.Reason)
			require.Less(t, time.Since(start), patience+2*time.Second, q.Builtin)
			hides(t, c, a)
		}
	})
	t.Run("an interrupted question is not asked", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		target := open(t, c, c.Well)
		for _, q := range c.Questions {
			require.NotEqual(t, evidence.Answered, target.Ask(ctx, q).Status, q.Builtin)
		}
	})
	t.Run("closing twice is fine, and nothing is asked behind it", func(t *testing.T) {
		target := open(t, c, c.Well)
		require.NoError(t, target.Close())
		require.NoError(t, target.Close())
		for _, q := range c.Questions {
			require.Equal(t, evidence.NotAsked, target.Ask(t.Context(), q).Status, q.Builtin)
		}
	})
	t.Run("an unknown question is not applicable", func(t *testing.T) {
		a := open(t, c, c.Well).Ask(t.Context(), probe.Question{Lang: "probe", Builtin: c.Kind.Name + ".nonsense"})
		require.Equal(t, evidence.NotApplicable, a.Status)
	})
	t.Run("an unknown setting is refused by name", func(t *testing.T) {
		settings := connector.Settings{"colour_of_socks": "red"}
		for k, v := range c.Well {
			settings[k] = v
		}
		_, err := c.Kind.Open(settings, connector.Tools{})
		require.ErrorContains(t, err, "colour_of_socks")
	})
}

func open(t *testing.T, c Case, s connector.Settings) connector.Target {
	t.Helper()
	require.NotEmpty(t, s)
	target, err := c.Kind.Open(s, connector.Tools{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = target.Close() })
	return target
}

func hides(t *testing.T, c Case, what any) {
	t.Helper()
	if c.Secret != "" {
		require.NotContains(t, fmt.Sprintf("%+v", what), c.Secret)
	}
}

func states(t *testing.T, kind connector.Kind) {
	require.NotEmpty(t, kind.About)
	for _, s := range kind.Settings {
		require.NotEmpty(t, s.About, "setting %s", s.Name)
	}
	for _, s := range kind.Probes {
		require.True(t, strings.HasPrefix(s.Name, kind.Name+"."), s.Name)
		require.True(t, strings.HasSuffix(s.Question, "?"), "%s asks nothing", s.Name)
		require.NotEmpty(t, s.Why, s.Name)
		require.NotEmpty(t, s.Cost, s.Name)
		require.NotEmpty(t, s.Outcomes, s.Name)
		require.NotEmpty(t, s.Fields, s.Name)
		for _, p := range s.Params {
			require.NotEmpty(t, p.About, "%s: %s", s.Name, p.Name)
		}
		for _, f := range s.Fields {
			require.NotEmpty(t, f.About, "%s: %s", s.Name, f.Name)
		}
	}
}

func answers(t *testing.T, c Case) {
	target := open(t, c, c.Well)
	asked := map[string]bool{}
	for _, q := range c.Questions {
		asked[q.Builtin] = true
		a := target.Ask(t.Context(), q)
		require.Equal(t, evidence.Answered, a.Status, "%s: %s", q.Builtin, a.Reason)
		hides(t, c, a)
		for _, s := range c.Kind.Probes {
			if s.Name == q.Builtin {
				fits(t, s, a.Value)
			}
		}
	}
	for _, s := range c.Kind.Probes {
		require.True(t, asked[s.Name], "the case does not ask %s", s.Name)
	}
}

func fits(t *testing.T, s probe.Spec, value any) {
	t.Helper()
	var objects []any
	switch s.Shape {
	case probe.Rows:
		rows, ok := value.([]any)
		require.True(t, ok, "%s gives %T", s.Name, value)
		require.NotEmpty(t, rows, "%s: the case's system should give a row", s.Name)
		objects = rows
	case probe.Object:
		objects = []any{value}
	default:
		return
	}
	for _, o := range objects {
		m, ok := o.(map[string]any)
		require.True(t, ok, "%s gives %T", s.Name, o)
		for _, f := range s.Fields {
			v, there := m[f.Name]
			require.True(t, there, "%s: %s is missing", s.Name, f.Name)
			require.True(t, v == nil || kinds[f.Type](v), "%s: %s is a %T, documented as %s", s.Name, f.Name, v, f.Type)
		}
		require.Len(t, m, len(s.Fields), "%s gives fields that are not documented: %v", s.Name, reflect.ValueOf(m).MapKeys())
	}
}

var kinds = map[string]func(any) bool{
	"number": func(v any) bool {
		switch v.(type) {
		case int64, float64:
			return true
		}
		return false
	},
	"text":   func(v any) bool { _, ok := v.(string); return ok },
	"bool":   func(v any) bool { _, ok := v.(bool); return ok },
	"list":   func(v any) bool { _, ok := v.([]any); return ok },
	"rows":   func(v any) bool { _, ok := v.([]any); return ok },
	"object": func(v any) bool { _, ok := v.(map[string]any); return ok },
}
