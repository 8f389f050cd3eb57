package crash_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/realserver"
)

// scene is a world that quell changes, and that counts by itself how often.
type scene interface {
	// fresh makes the world as it is before an incident, and gives the
	// services and targets of its quell.yaml.
	fresh(t *testing.T, s *stage) (yaml string)
	playbook() string
	// story is what is said to quell, in order.
	story() []command
	effects(t *testing.T) []effect
	// cured says whether the world is as a recovery would have it.
	cured(t *testing.T) bool
	// happened is what a person sees of a step that nobody else can tell of.
	happened(t *testing.T, step string) bool
	// made are the steps (and undos) that the record must have as made, once.
	made() []string
}

// effect is one thing that was done, as the world has counted it.
type effect struct {
	what      string
	got, want int
}

var beginning = []command{
	{"diagnose", []string{"diagnose", "--save"}},
	{"plan", []string{"plan", "INC-1"}},
	{"approve", []string{"approve", "INC-1.1"}},
	{"apply", []string{"apply", "INC-1.1"}},
}

// guarded is a role of a real Postgres and the memory of a real Redis: changes
// that can be told of afterwards, and taken back. The one of Redis does not
// help, so it is undone; the one of Postgres helps, and is undone by a person.
type guarded struct {
	postgres *realserver.Postgres
	redis    *realserver.RedisServer
	client   *redis.Client
	role     string
}

func newGuarded(t *testing.T, postgres *realserver.Postgres) *guarded {
	t.Helper()
	server := realserver.Redis(t)
	client := redis.NewClient(&redis.Options{Addr: net.JoinHostPort(server.Host, strconv.Itoa(server.Port))})
	t.Cleanup(func() { _ = client.Close() })
	return &guarded{postgres: postgres, redis: server, client: client}
}

func (g *guarded) playbook() string { return "limits.md" }

func (g *guarded) story() []command {
	return append(beginning[:len(beginning):len(beginning)], command{"undo", []string{"undo", "INC-1.1.2", "the limit hits the nightly batch"}})
}

func (g *guarded) fresh(t *testing.T, s *stage) string {
	t.Helper()
	g.role = s.point
	sql(t, g.postgres, "DROP ROLE IF EXISTS "+g.role)
	sql(t, g.postgres, "CREATE ROLE "+g.role+" LOGIN")
	require.NoError(t, g.client.ConfigSet(t.Context(), "maxmemory", "100mb").Err())
	require.NoError(t, g.client.ConfigResetStat(t.Context()).Err())
	return fmt.Sprintf(`services:
  api: {depends_on: [main, cache]}
targets:
  main: {kind: postgres, url: %q}
  cache: {kind: redis, url: %q}
params: {limits: {role: %s}}
`, g.postgres.URL("postgres", "app"), g.redis.URL(), g.role)
}

// effects counts in Postgres' own log of statements, and in Redis' statistics
// of commands.
func (g *guarded) effects(t *testing.T) []effect {
	t.Helper()
	log, err := os.ReadFile(g.postgres.LogFile)
	require.NoError(t, err)
	limited, unlimited := 0, 0
	re := regexp.MustCompile(`(?i)ALTER ROLE "?` + g.role + `"? (?:WITH )?CONNECTION LIMIT (-?\d+)`)
	for _, m := range re.FindAllSubmatch(log, -1) {
		if string(m[1]) == "5" {
			limited++
		} else {
			unlimited++
		}
	}
	info, err := g.client.Info(t.Context(), "commandstats").Result()
	require.NoError(t, err)
	configured := 0
	if m := regexp.MustCompile(`cmdstat_config\|set:calls=(\d+)`).FindStringSubmatch(info); m != nil {
		configured, err = strconv.Atoi(m[1])
		require.NoError(t, err)
	}
	memory, err := g.client.ConfigGet(t.Context(), "maxmemory").Result()
	require.NoError(t, err)
	restored := 0
	if memory["maxmemory"] == strconv.Itoa(100<<20) {
		restored = 1
	}
	final := 0
	if g.limit(t) == -1 {
		final = 1
	}
	return []effect{
		{"the limit was set", limited, 1}, {"the limit was taken back", unlimited, 1}, {"the cache was configured", configured, 2},
		{"the cache is as it was", restored, 1}, {"the role is as it was", final, 1},
	}
}

func (g *guarded) limit(t *testing.T) (n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, g.postgres.URL("postgres", "postgres"))
	require.NoError(t, err)
	defer func() { _ = conn.Close(ctx) }()
	require.NoError(t, conn.QueryRow(ctx, "SELECT rolconnlimit FROM pg_roles WHERE rolname = $1", g.role).Scan(&n))
	return n
}

func (g *guarded) cured(t *testing.T) bool { return g.limit(t) == 5 }

func (g *guarded) happened(*testing.T, string) bool { return false } // never asked: the servers can tell

func (g *guarded) made() []string { return []string{"1", "1 undone", "2", "2 undone"} }

func sql(t *testing.T, server *realserver.Postgres, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, server.URL("postgres", "postgres"))
	require.NoError(t, err)
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, text)
	require.NoError(t, err, text)
}

// untold is a web service that has to be told once, and a program that writes a
// line: changes that nothing can tell of afterwards. Whether they happened is
// for a person, and here the test is that person.
type untold struct {
	server *httptest.Server
	posts  atomic.Int64
	file   string
}

func newUntold(t *testing.T) *untold {
	t.Helper()
	u := &untold{}
	u.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost:
			u.posts.Add(1)
			time.Sleep(2 * time.Millisecond) // so that a kill can fall between the effect and the answer
		case u.posts.Load() == 0:
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(u.server.Close)
	return u
}

func (u *untold) playbook() string { return "once.md" }

func (u *untold) story() []command { return beginning }

func (u *untold) fresh(_ *testing.T, s *stage) string {
	u.posts.Store(0)
	u.file = filepath.Join(s.dir, "lines")
	return fmt.Sprintf(`services:
  api: {depends_on: [hook, ops]}
targets:
  hook: {kind: http, url: %q, calls: {fix: {request: POST /fix}}}
  ops:
    kind: command
    enabled: true
    commands:
      write: {run: [python3, -c, "import time; time.sleep(0.05); open('lines', 'a').write('x'); time.sleep(0.05)"], risk: R2}
`, u.server.URL)
}

func (u *untold) lines() int {
	data, err := os.ReadFile(u.file)
	if err != nil {
		return 0
	}
	return len(data)
}

func (u *untold) effects(*testing.T) []effect {
	return []effect{{"a line was written", u.lines(), 1}, {"the service was told", int(u.posts.Load()), 1}}
}

func (u *untold) cured(*testing.T) bool { return u.posts.Load() > 0 }

func (u *untold) happened(_ *testing.T, step string) bool {
	if step == "1" {
		return u.lines() > 0
	}
	return u.posts.Load() > 0
}

func (u *untold) made() []string { return []string{"1", "2"} }
