package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/config"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/all"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/secret"
)

// kinds have the forms of settings that there are.
func kinds() []connector.Kind {
	return []connector.Kind{
		{Name: "postgres", Settings: []connector.Setting{
			{Name: "url", Type: probe.Text, Secret: true, About: "address of the database"},
			{Name: "password", Type: probe.Text, Secret: true, Optional: true},
			{Name: "window", Type: probe.Duration, Default: "1s"},
		}, Actions: []action.Spec{{Name: "postgres.cancel"}, {Name: "postgres.terminate"}}},
		{Name: "redis", Settings: []connector.Setting{{Name: "url", Type: probe.Text, Secret: true}, {Name: "db", Type: probe.Number, Optional: true}}},
		{Name: "series", Serves: []string{"prometheus"}, Settings: []connector.Setting{{Name: "scrape", Type: probe.List}, {Name: "insecure", Type: probe.Bool, Default: "false"}}},
		{Name: "logs", Settings: []connector.Setting{{Name: "paths", Type: probe.List}, {Name: "labels", Type: probe.Map, Optional: true}}},
		{Name: "host"},
	}
}

func load(t *testing.T, text string, env map[string]string) (config.Config, error) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "quell.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	c, err := config.Load(config.Options{Dir: dir, Kinds: kinds(), Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok }})
	if err != nil {
		err = fmt.Errorf("%s", strings.ReplaceAll(err.Error(), dir+"/", ""))
	}
	return c, err
}

func TestWholeFile(t *testing.T) {
	t.Parallel()
	c, err := load(t, `
services:
  shop:
    url: http://127.0.0.1:8000
    health: /health
    depends_on: [db, cache, billing]
    logs: app-logs
    metrics: [app-metrics]
    runs_on: [here]
  billing:
    depends_on: [db, shop]     # a circle is no mistake
targets:
  db: {kind: postgres, url: "env:DATABASE_URL", window: 500ms, limits: {concurrency: 1}}
  cache: {kind: redis, url: "redis://:${env:REDIS_PASSWORD}@127.0.0.1:6379/0", db: 3}
  app-metrics: {kind: series, scrape: "http://127.0.0.1:8000/metrics"}
  app-logs: {kind: logs, paths: ["logs/*.json"], labels: {service: shop}}
  here: {kind: host}
limits: {timeout: 3s, bytes: 8MB}
playbooks: [runbooks, /srv/runbooks]
params:
  idle_after: 10m
  db/connections: {share: 0.5, names: [a, b]}
`, map[string]string{"DATABASE_URL": "postgres://app:s3cret%2F@db:5432/shop", "REDIS_PASSWORD": "a/b@c"})
	require.NoError(t, err)
	require.Empty(t, c.Warnings)
	shop := c.Services[0]
	require.Equal(t, []string{"db", "cache", "app-logs", "app-metrics", "here"}, shop.Targets())
	require.Equal(t, []string{"billing"}, shop.Upstream)
	require.Equal(t, connector.Settings{"url": "postgres://app:s3cret%2F@db:5432/shop", "window": "500ms"}, c.Targets[0].Settings)
	require.Equal(t, connector.Limits{Concurrency: 1, Timeout: 3 * time.Second, Bytes: 8_000_000}, c.Targets[0].Limits)
	require.Equal(t, connector.Settings{"url": "redis://:a%2Fb%40c@127.0.0.1:6379/0", "db": int64(3)}, c.Targets[1].Settings)
	require.Equal(t, []any{"http://127.0.0.1:8000/metrics"}, c.Targets[2].Settings["scrape"])
	require.Equal(t, map[string]any{"service": "shop"}, c.Targets[3].Settings["labels"])
	require.Equal(t, []string{filepath.Join(c.Dir, "runbooks"), "/srv/runbooks"}, c.Playbooks)
	require.Equal(t, map[string]map[string]any{"": {"idle_after": "10m"}, "db/connections": {"share": 0.5, "names": []any{"a", "b"}}}, c.Params)

	redact := secret.NewRedactor(c.Secrets...)
	for _, text := range []string{"s3cret/", "s3cret%2F", "a/b@c", "a%2Fb%40c"} {
		require.NotContains(t, redact.Text("x "+text+" y"), text)
	}
	require.Equal(t, "http://127.0.0.1:8000/metrics", redact.Text("http://127.0.0.1:8000/metrics"), "addresses without a password stay readable")
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"an unknown section":      {"servces:\n  a: {}\n", `quell.yaml:1:1: quell.yaml has no key "servces": did you mean services?`},
		"an unknown setting":      {"targets:\n  db: {kind: postgres, ulr: x, url: y}\n", `quell.yaml:2:24: target db (postgres) has no key "ulr": did you mean url?`},
		"an unknown kind":         {"targets:\n  db: {kind: postgresql, url: x}\n", `quell.yaml:2:14: there is no kind "postgresql": did you mean postgres?`},
		"no kind":                 {"targets:\n  db: {url: x}\n", `quell.yaml:2:3: target db has no kind: one of host, logs, postgres, redis, series`},
		"a missing setting":       {"targets:\n  db: {kind: postgres}\n", `quell.yaml:2:3: target db (postgres) needs url: address of the database`},
		"an unknown target":       {"services:\n  a: {depends_on: [orders-bd]}\ntargets:\n  orders-db: {kind: host}\n", `quell.yaml:2:20: there is no target "orders-bd": did you mean orders-db?`},
		"a process that is none":  {"targets:\n  db: {kind: postgres, url: x, process: h}\n  h: {kind: host}\n", `quell.yaml:2:41: h is a host, which does not serve process`},
		"an unknown process":      {"targets:\n  db: {kind: postgres, url: x, process: dbb}\n", `quell.yaml:2:41: there is no target "dbb": did you mean db?`},
		"operations of a host":    {"services:\n  a: {operations: [h]}\ntargets:\n  h: {kind: host}\n", `quell.yaml:2:20: h is a host, which does not serve operations`},
		"logs from a host":        {"services:\n  a: {logs: [h]}\ntargets:\n  h: {kind: host}\n", `quell.yaml:2:14: h is a host, which does not serve logs`},
		"health without url":      {"services:\n  a: {health: /h, depends_on: [h]}\ntargets:\n  h: {kind: host}\n", `quell.yaml:2:15: health is a path below url, and service a has no url`},
		"a url of another scheme": {"services:\n  a: {url: \"ftp://x\"}\n", `quell.yaml:2:12: url is an address like http://127.0.0.1:8000`},
		"a password in a url":     {"services:\n  a: {url: \"http://u:p@x\"}\n", `quell.yaml:2:12: url holds a user or a password: define a target of kind http with headers instead`},
		"a key twice":             {"targets:\n  h: {kind: host}\n  h: {kind: host}\n", `quell.yaml:3:3: h stands twice: first in line 2`},
		"a bad duration":          {"targets:\n  db: {kind: postgres, url: x, window: 5}\n", `quell.yaml:2:40: window is a duration like 5s or 1m30s, not "5"`},
		"a bad number":            {"targets:\n  c: {kind: redis, url: x, db: three}\n", `quell.yaml:2:32: db is a number, not "three"`},
		"a bad bool":              {"targets:\n  m: {kind: series, scrape: [x], insecure: maybe}\n", `quell.yaml:2:44: insecure is true or false, not "maybe"`},
		"a map for a list":        {"targets:\n  m: {kind: series, scrape: {a: b}}\n", "quell.yaml:2:29: scrape is a list like [a, b], not `name: value`"},
		"limits that contradict":  {"limits: {timeout: 40s, busy: 10s}\ntargets: {h: {kind: host}}\n", `quell.yaml:1:1: limits contradict each other: a request may take 40s (timeout), and all of them together only 10s (busy)`},
		"a limit of zero":         {"limits: {concurrency: 0}\ntargets: {h: {kind: host}}\n", `quell.yaml:1:23: concurrency is a whole number from 1 to 64, not "0"`},
		"a name with a slash":     {"targets:\n  a/b: {kind: host}\n", `quell.yaml:2:3: "a/b" is no name for a target: use letters, digits, dot, dash and underscore`},
		"a list of services":      {"services: [a]\n", "quell.yaml:1:11: services is a list of `name: value`, not a list"},
		"no YAML":                 {"targets:\n\tdb: x\n", `quell.yaml:2:1: not YAML: found character that cannot start any token: indent with blanks, and put texts with special characters in quotes`},
		"two passwords":           {"targets:\n  db: {kind: postgres, url: \"postgres://a:b@h/d\", password: c}\n", `quell.yaml:2:3: target db has two passwords, one in url and one in password: keep one`},
		"an alias":                {"targets: &a {h: {kind: host}}\nservices: *a\n", `quell.yaml:2:11: an alias (*a): write the value out`},
		"two documents":           {"targets: {h: {kind: host}}\n---\ntargets: {}\n", `quell.yaml:2:1: a second document begins here: put everything into one`},
		"a param without value":   {"targets: {h: {kind: host}}\nparams: {a: }\n", `quell.yaml:2:13: a needs a value or a list, not nothing`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := load(t, c.text, nil)
			require.EqualError(t, err, c.want)
		})
	}
}

func TestAllMistakesAtOnce(t *testing.T) {
	t.Parallel()
	_, err := load(t, "services:\n  a: {depends_on: [x]}\ntargets:\n  db: {kind: postgres}\nnonsense: 1\n", nil)
	require.Equal(t, 3, strings.Count(err.Error(), "quell.yaml:"))
	require.Less(t, strings.Index(err.Error(), ":2:"), strings.Index(err.Error(), ":4:"), "in the order of the file")
}

func TestReferences(t *testing.T) {
	t.Parallel()
	text := "services:\n  s: {depends_on: [db, h]}\ntargets:\n  db: {kind: postgres, url: \"%s\"}\n  h: {kind: host}\n"
	missing := func(ref string, env map[string]string) string {
		c, err := load(t, fmt.Sprintf(text, ref), env)
		require.NoError(t, err, "one target without its secret does not keep the others out")
		require.Len(t, c.Targets, 2)
		require.NoError(t, c.Targets[1].Err)
		require.Len(t, c.Missing(), 1)
		return c.Missing()[0].Error()
	}
	require.Contains(t, missing("env:NOPE", nil), "quell.yaml:4:29: target db, url: the environment variable NOPE is not set")
	require.Contains(t, missing("env:EMPTY", map[string]string{"EMPTY": ""}), "EMPTY is empty")
	require.Contains(t, missing("postgres://a:${env:NOPE}@h/d", nil), "NOPE is not set")
	require.Contains(t, missing("file:/nonexistent/x", nil), "there is no file /nonexistent/x")

	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "quell.yaml"), []byte(fmt.Sprintf(text, "file:secrets/url")+"  two: {kind: postgres, url: \"env:FROM_DOTENV\"}\n  three: {kind: postgres, url: x, password: plain}\n"), 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "secrets"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "secrets", "url"), []byte("postgres://a:fromfile@h/d\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".env"), []byte("# x\nexport FROM_DOTENV=\"host=h password='fromdotenv' dbname=d\" # y\n"), 0o600))
	c, err := config.Load(config.Options{Dir: dir, Kinds: kinds(), Env: func(string) (string, bool) { return "", false }})
	require.NoError(t, err)
	require.Empty(t, c.Missing())
	require.Equal(t, "postgres://a:fromfile@h/d", c.Targets[0].Settings["url"])
	require.Len(t, c.Warnings, 1)
	require.Contains(t, c.Warnings[0].Text, "password holds a secret in plain text")
	text = secret.NewRedactor(c.Secrets...).Text("fromfile fromdotenv plain")
	require.Equal(t, "••• ••• •••", text)
}

func TestFindingTheFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	deep := filepath.Join(dir, "a", "b")
	require.NoError(t, os.MkdirAll(deep, 0o755))
	_, err := config.Load(config.Options{Dir: deep, Kinds: kinds()})
	require.ErrorIs(t, err, config.ErrNone)

	path := filepath.Join(dir, "quell.yaml")
	for _, empty := range []string{"", "# only a comment\n", "services:\ntargets:\n", "playbooks: [x]\n"} {
		require.NoError(t, os.WriteFile(path, []byte(empty), 0o600))
		_, err = config.Load(config.Options{Dir: deep, Kinds: kinds()})
		require.ErrorIs(t, err, config.ErrEmpty, "%q", empty)
		require.NotErrorIs(t, err, config.ErrNone)
	}
	require.NoError(t, os.WriteFile(path, []byte("targets: {h: {kind: host}}\n"), 0o600))
	c, err := config.Load(config.Options{Dir: deep, Kinds: kinds()})
	require.NoError(t, err)
	require.Equal(t, dir, c.Dir)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "quell.yml"), nil, 0o600))
	_, err = config.Load(config.Options{Dir: deep, Kinds: kinds()})
	require.ErrorContains(t, err, "remove one of them")
	_, err = config.Load(config.Options{Path: filepath.Join(dir, "other.yaml"), Kinds: kinds()})
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NotErrorIs(t, err, config.ErrNone)
}

// The example is true to the connectors that there are.
func TestExample(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "quell.yaml"), []byte(config.Example()), 0o600))
	c, err := config.Load(config.Options{Dir: dir, Kinds: all.Kinds(), Env: func(string) (string, bool) { return "redis://127.0.0.1:6379", true }})
	require.NoError(t, err)
	require.Empty(t, c.Warnings)
	require.Empty(t, c.Missing())
	for _, target := range c.Targets {
		opens(t, dir, target)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(config.Example())
	f.Add("targets: &a {h: {kind: host}}\nservices: *a\n")
	f.Add("a: &a [*a]\n")
	f.Fuzz(func(t *testing.T, text string) {
		_, _ = load(t, text, nil)
	})
}
