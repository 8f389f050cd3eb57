package postgres_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/postgres"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/realserver"
)

// server is shared by all tests of the package; tests that break a server
// start one of their own.
var server *realserver.Postgres

func TestMain(m *testing.M) {
	os.Exit(realserver.Main(m, func(t testing.TB) {
		server = realserver.StartPostgres(t, realserver.PostgresConfig{})
		server.Exec(t, "app",
			"CREATE ROLE app LOGIN", "CREATE ROLE monitor LOGIN", "GRANT pg_monitor TO monitor", "CREATE ROLE nobody LOGIN",
			"CREATE TABLE orders (id bigserial PRIMARY KEY, customer_id int, state text, total numeric, note jsonb, at timestamptz DEFAULT now())",
			"INSERT INTO orders (customer_id, state, total) SELECT g % 5000, CASE WHEN g % 50 = 0 THEN 'open' ELSE 'done' END, g / 10.0 FROM generate_series(1, 50000) g",
			"ANALYZE orders", "GRANT ALL ON orders TO app", "GRANT SELECT ON orders TO monitor",
			"GRANT ALL ON SEQUENCE orders_id_seq TO app")
		startChanged(t)
	}))
}

// needServer skips the test, loudly, where the machine has no Postgres.
func needServer(t *testing.T) {
	t.Helper()
	realserver.Find(t, "postgres", "postgresql-15")
	require.NotNil(t, server)
}

// openAt opens a target at an address.
func openAt(t testing.TB, url string, more connector.Settings, limits connector.Limits) connector.Target {
	t.Helper()
	settings := connector.Settings{"kind": "postgres", "url": url}
	for k, v := range more {
		settings[k] = v
	}
	target, err := postgres.Kind().Open(settings, connector.Tools{Gate: connector.NewGate(limits)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, target.Close()) })
	return target
}

// as opens the shared server as a role, with a short window between samples.
func as(t testing.TB, role string) connector.Target {
	t.Helper()
	return openAt(t, server.URL(role, "app"), connector.Settings{"window": "300ms"}, connector.Limits{})
}

func ask(t testing.TB, target connector.Target, builtin string, args map[string]any) evidence.Answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return target.Ask(ctx, probe.Question{Name: "q", Lang: "probe", Builtin: builtin, Args: args, Now: time.Now(), Since: time.Hour})
}

func sql(t testing.TB, target connector.Target, text string, values map[string]any) evidence.Answer {
	t.Helper()
	template, err := probe.ParseTemplate(text)
	require.NoError(t, err)
	template, err = template.WithValues(values)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return target.Ask(ctx, probe.Question{Name: "q", Lang: "sql", Text: template, Now: time.Now(), Since: time.Hour})
}

func object(t testing.TB, a evidence.Answer) map[string]any {
	t.Helper()
	require.Equal(t, evidence.Answered, a.Status, "%+v", a)
	require.IsType(t, map[string]any{}, a.Value)
	return a.Value.(map[string]any)
}

func rowsOf(t testing.TB, a evidence.Answer) []map[string]any {
	t.Helper()
	require.Equal(t, evidence.Answered, a.Status, "%+v", a)
	out := []map[string]any{}
	for _, row := range a.Value.([]any) {
		out = append(out, row.(map[string]any))
	}
	return out
}
