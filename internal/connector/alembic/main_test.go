package alembic_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/alembic"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/realserver"
)

// server holds a database for each project. Its log has every statement that
// was carried out, which is how effects are counted.
var server *realserver.Postgres

func TestMain(m *testing.M) {
	if file := os.Getenv(orderFile); file != "" {
		os.Exit(applyFrom(file))
	}
	os.Exit(realserver.Main(m, func(t testing.TB) {
		server = realserver.StartPostgres(t, realserver.PostgresConfig{Settings: map[string]string{"log_min_duration_statement": "0"}})
		// A password is asked for by nobody here, and must be shown by nobody.
		server.Exec(t, "", "CREATE ROLE migrator LOGIN CREATEDB PASSWORD '"+password+"'")
	}))
}

// orderFile names the environment variable with the file of an order that this
// process shall carry out, to be killed at it.
const orderFile = "QUELL_TEST_ORDER"

// carried is what such a file holds.
type carried struct {
	Settings connector.Settings
	Order    action.Order
}

func applyFrom(file string) int {
	var c carried
	data, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(data, &c)
	}
	if err == nil {
		var target connector.Target
		if target, err = alembic.Kind().Open(c.Settings, connector.Tools{}); err == nil {
			d, _ := target.(action.Changer).Doer(c.Order.Type)
			_, err = d.Apply(context.Background(), c.Order)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

const password = "corn-beef-hash"

// project is a real Alembic project with a database of its own.
type project struct {
	dir, database string
	env           map[string]any
}

var projects = make(chan int, 1)

func init() { projects <- 0 }

// newProject makes a project without any revision.
func newProject(t testing.TB) *project {
	t.Helper()
	realserver.Find(t, "alembic", "alembic")
	_ = realserver.Python(t, "psycopg2", "python3-psycopg2")
	n := <-projects + 1
	projects <- n
	p := &project{dir: t.TempDir(), database: fmt.Sprintf("project_%d", n)}
	server.Exec(t, "", "CREATE DATABASE "+p.database+" OWNER migrator")
	p.env = map[string]any{"DATABASE_URL": p.url(server.Port)}
	p.write(t, "alembic.ini", "[alembic]\nscript_location = migrations\n")
	p.write(t, "migrations/env.py", envPy)
	p.write(t, "migrations/script.py.mako", "")
	require.NoError(t, os.MkdirAll(filepath.Join(p.dir, "migrations", "versions"), 0o755))
	return p
}

func (p *project) url(port int) string {
	return fmt.Sprintf("postgresql://migrator:%s@127.0.0.1:%d/%s", password, port, p.database)
}

// envPy finds the database as most projects do.
const envPy = `import os
from alembic import context
from sqlalchemy import create_engine, pool

url = os.environ["DATABASE_URL"]
if context.is_offline_mode():
    context.configure(url=url, literal_binds=True, dialect_opts={"paramstyle": "named"})
    with context.begin_transaction():
        context.run_migrations()
else:
    with create_engine(url, poolclass=pool.NullPool).connect() as connection:
        context.configure(connection=connection, transaction_per_migration=bool(os.environ.get("EACH")))
        with context.begin_transaction():
            context.run_migrations()
`

func (p *project) write(t testing.TB, name, text string) {
	t.Helper()
	path := filepath.Join(p.dir, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
}

// revision adds a script. up and down are SQL or, beginning with "py:", Python.
func (p *project) revision(t testing.TB, id, before, up, down string) {
	t.Helper()
	parents := "None"
	if before != "" {
		var quoted []string
		for _, b := range strings.Split(before, ",") {
			quoted = append(quoted, fmt.Sprintf("%q", b))
		}
		parents = "(" + strings.Join(quoted, ", ") + ",)"
	}
	p.write(t, "migrations/versions/"+id+".py", fmt.Sprintf("\"\"\"about %s\n\nRevision ID: %s\n\"\"\"\nfrom alembic import op\nimport sqlalchemy as sa\n\nrevision = %q\ndown_revision = %s\n\n\ndef upgrade():\n%s\n\ndef downgrade():\n%s\n",
		id, id, id, parents, body(up), body(down)))
}

func body(text string) string {
	if code, python := strings.CutPrefix(text, "py:"); python {
		return "    " + strings.ReplaceAll(strings.TrimSpace(code), "\n", "\n    ") + "\n"
	}
	out := "    pass\n"
	for _, s := range strings.Split(text, ";") {
		if s = strings.TrimSpace(s); s != "" {
			out += fmt.Sprintf("    op.execute(%q)\n", s)
		}
	}
	return out
}

// shop is a project with three revisions.
func shop(t testing.TB) *project {
	t.Helper()
	p := newProject(t)
	p.revision(t, "a1", "", "CREATE TABLE things (id int PRIMARY KEY)", "DROP TABLE things")
	p.revision(t, "b2", "a1", "ALTER TABLE things ADD COLUMN name text", "ALTER TABLE things DROP COLUMN name")
	p.revision(t, "c3", "b2", "CREATE INDEX things_name ON things (name)", "DROP INDEX things_name")
	return p
}

func (p *project) open(t testing.TB) *alembic.Target {
	t.Helper()
	target, err := alembic.Kind().Open(connector.Settings{"kind": "alembic", "dir": p.dir, "env": p.env, "timeout": "1m"}, connector.Tools{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, target.Close()) })
	return target.(*alembic.Target)
}

func (p *project) changer(t *testing.T) action.Changer { return p.open(t) }

// at moves the database of the project, as the team itself would.
func (p *project) at(t testing.TB, revision string) {
	t.Helper()
	cmd := exec.Command("alembic", "upgrade", revision)
	cmd.Dir, cmd.Env = p.dir, append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "DATABASE_URL="+p.env["DATABASE_URL"].(string))
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
}

// value asks the project's database for one text.
func (p *project) value(t testing.TB, query string) string {
	t.Helper()
	conn, err := server.Dial("postgres", p.database, "look")
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	defer func() { _ = conn.Close(ctx) }()
	var out string
	require.NoError(t, conn.QueryRow(ctx, "SELECT coalesce(("+query+")::text, '')").Scan(&out))
	return out
}

// schema is everything in the database, Alembic's own table included.
func (p *project) schema(t *testing.T) string {
	t.Helper()
	out := p.value(t, "SELECT string_agg(c.relname || '.' || coalesce(a.attname, ''), ' ' ORDER BY c.relname, a.attname) FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped WHERE c.relnamespace = 'public'::regnamespace")
	if strings.Contains(out, "alembic_version.") {
		out += " at " + p.value(t, "SELECT string_agg(version_num, ',') FROM alembic_version")
	}
	return out
}

func (p *project) ask(t testing.TB) evidence.Answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	return p.open(t).Ask(ctx, probe.Question{Name: "q", Lang: "probe", Builtin: "alembic.current", Now: time.Now(), Since: time.Hour})
}

func specOf(t testing.TB, name string) action.Spec {
	t.Helper()
	for _, s := range alembic.Kind().Actions {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("there is no action %s", name)
	return action.Spec{}
}

func doerOf(t testing.TB, target action.Changer, name string) action.Doer {
	t.Helper()
	d, ok := target.Doer(name)
	require.True(t, ok)
	return d
}

func (p *project) preview(t testing.TB, name string, args map[string]any) (action.Preview, error) {
	t.Helper()
	complete, err := specOf(t, name).Complete(args)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	return doerOf(t, p.open(t), name).Preview(ctx, action.Change{Type: name, Args: complete})
}

func (p *project) planned(t testing.TB, name string, args map[string]any) action.Order {
	t.Helper()
	preview, err := p.preview(t, name, args)
	require.NoError(t, err)
	require.False(t, preview.Already, preview.Summary)
	complete, err := specOf(t, name).Complete(args)
	require.NoError(t, err)
	return action.Order{Change: action.Change{Type: name, Args: complete}, Preview: preview, Key: "INC-9.1.1", By: "tester", Intended: time.Now()}
}

func (p *project) apply(t testing.TB, o action.Order) (action.Done, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	return doerOf(t, p.open(t), o.Type).Apply(ctx, o)
}

func (p *project) standing(t testing.TB, o action.Order) action.Standing {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	s, err := doerOf(t, p.open(t), o.Type).Standing(ctx, o)
	require.NoError(t, err)
	return s
}

func refuses(t testing.TB, err error, says ...string) {
	t.Helper()
	var refusal *action.Refusal
	require.ErrorAs(t, err, &refusal)
	for _, s := range says {
		require.Contains(t, refusal.Error(), s)
	}
}

func notMade(t testing.TB, err error, says ...string) {
	t.Helper()
	var failure *action.Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, action.NotMade, failure.State)
	for _, s := range says {
		require.Contains(t, failure.Error(), s)
	}
}
