package crash_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/realserver"
)

// stage is a world that quell changes: a role of a real Postgres, and a real
// Redis. One stage plays one point after the other.
type stage struct {
	quell    string // the binary that dies when it is told to
	postgres *realserver.Postgres
	redis    *realserver.RedisServer
	client   *redis.Client
	role     string // fresh for each point
	dir      string // of the point: configuration and state
	store    string // "sqlite" or "postgres"
	number   int
}

// next prepares a fresh role, configuration and record.
func (s *stage) next(t *testing.T, number int) {
	t.Helper()
	s.number, s.role = number, fmt.Sprintf("svc_%d", number)
	s.dir = filepath.Join(t.TempDir(), strconv.Itoa(number))
	require.NoError(t, os.MkdirAll(s.dir, 0o700))
	s.sql(t, "DROP ROLE IF EXISTS "+s.role)
	s.sql(t, "CREATE ROLE "+s.role+" LOGIN")
	require.NoError(t, s.client.ConfigSet(t.Context(), "maxmemory", "100mb").Err())
	require.NoError(t, s.client.ConfigResetStat(t.Context()).Err())
	playbooks, err := filepath.Abs("testdata/playbooks")
	require.NoError(t, err)
	text := fmt.Sprintf(`services:
  api: {depends_on: [main, cache]}
targets:
  main: {kind: postgres, url: %q}
  cache: {kind: redis, url: %q}
playbooks: [%q]
params: {limits: {role: %s}}
`, s.postgres.URL("postgres", "app"), s.redis.URL(), playbooks, s.role)
	if s.store == "postgres" {
		text += fmt.Sprintf("store: {postgres: %q}\n", s.postgres.URL("postgres", s.database(t)))
	}
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, "quell.yaml"), []byte(text), 0o600))
}

// database makes an empty one for the record.
func (s *stage) database(t *testing.T) string {
	t.Helper()
	name := "record_" + strconv.Itoa(s.number)
	s.sql(t, "DROP DATABASE IF EXISTS "+name)
	s.sql(t, "CREATE DATABASE "+name)
	return name
}

func (s *stage) sql(t *testing.T, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.postgres.URL("postgres", "postgres"))
	require.NoError(t, err)
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, text)
	require.NoError(t, err, text)
}

// limit is the role's connection limit as the server has it.
func (s *stage) limit(t *testing.T) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.postgres.URL("postgres", "postgres"))
	require.NoError(t, err)
	defer func() { _ = conn.Close(ctx) }()
	var n int
	require.NoError(t, conn.QueryRow(ctx, "SELECT rolconnlimit FROM pg_roles WHERE rolname = $1", s.role).Scan(&n))
	return n
}

// effects counts at the servers how often each change was made: in Postgres'
// own log of statements, and in Redis' statistics of commands.
func (s *stage) effects(t *testing.T) (limited, unlimited, configured int) {
	t.Helper()
	log, err := os.ReadFile(s.postgres.LogFile)
	require.NoError(t, err)
	re := regexp.MustCompile(`(?i)ALTER ROLE "?` + s.role + `"? (?:WITH )?CONNECTION LIMIT (-?\d+)`)
	for _, m := range re.FindAllSubmatch(log, -1) {
		if string(m[1]) == "5" {
			limited++
		} else {
			unlimited++
		}
	}
	info, err := s.client.Info(t.Context(), "commandstats").Result()
	require.NoError(t, err)
	if m := regexp.MustCompile(`cmdstat_config\|set:calls=(\d+)`).FindStringSubmatch(info); m != nil {
		configured, err = strconv.Atoi(m[1])
		require.NoError(t, err)
	}
	return limited, unlimited, configured
}

// answer is what a call of quell came to.
type answer struct {
	code   int
	killed bool
	hung   bool
	out    string
}

// longest is how long one call of quell may take. The longest honest one is an
// apply of two verified steps, some 8 s on a quiet machine.
const longest = 90 * time.Second

// run calls quell; crash, where not empty, says where it dies.
func (s *stage) run(t *testing.T, crash string, args ...string) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.quell, args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "QUELL_STATE="+filepath.Join(s.dir, "state"), "QUELL_POINT="+s.role)
	if crash != "" {
		cmd.Env = append(cmd.Env, "QUELL_CRASH="+crash)
	} else {
		cmd.Env = append(cmd.Env, "QUELL_CRASH_COUNT="+s.counted())
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	a := answer{out: out.String(), hung: ctx.Err() != nil}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		a.code, a.killed = exit.ExitCode(), exit.ExitCode() == -1 && !a.hung
	} else {
		require.NoError(t, err)
	}
	return a
}

func (s *stage) counted() string { return filepath.Join(s.dir, "calls") }

// calls is how many calls to the outside the latest command made.
func (s *stage) calls(t *testing.T) int {
	t.Helper()
	data, err := os.ReadFile(s.counted())
	require.NoError(t, err)
	n, err := strconv.Atoi(string(data))
	require.NoError(t, err)
	return n
}

// orphans are processes that quell has left behind.
func (s *stage) orphans() int {
	n := 0
	dirs, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range dirs {
		if env, err := os.ReadFile(file); err == nil && bytes.Contains(env, []byte("QUELL_POINT="+s.role+"\x00")) {
			n++
		}
	}
	return n
}

// events is the record, as quell gives it.
func (s *stage) events(t *testing.T) []incident.Event {
	t.Helper()
	a := s.run(t, "", "incident", "show", "INC-1", "--json")
	var events []incident.Event
	if at := strings.IndexByte(a.out, '['); at >= 0 {
		require.NoError(t, json.Unmarshal([]byte(a.out[at:]), &events), a.out)
	}
	return events
}

// told are the effects that the record says were made, by step and undo, and
// the intents that nobody has settled.
func told(t *testing.T, events []incident.Event) (made map[string]int, open int) {
	t.Helper()
	made = map[string]int{}
	begun := map[string]bool{}
	for _, e := range events {
		switch e.Kind {
		case incident.KindIntent:
			i, err := incident.Read[incident.Intent](e)
			require.NoError(t, err)
			begun[key(e.Step, i.Undo)] = true
		case incident.KindResult:
			r, err := incident.Read[incident.Result](e)
			require.NoError(t, err)
			delete(begun, key(e.Step, r.Undo))
			if r.State == action.Made {
				made[key(e.Step, r.Undo)]++
			}
		}
	}
	return made, len(begun)
}

func key(step string, undo bool) string {
	step = step[strings.LastIndexByte(step, '.')+1:]
	if undo {
		return step + " undone"
	}
	return step
}

// newStage starts a Redis of its own beside a shared Postgres.
func newStage(t *testing.T, quell, store string, postgres *realserver.Postgres) *stage {
	t.Helper()
	server := realserver.Redis(t)
	client := redis.NewClient(&redis.Options{Addr: net.JoinHostPort(server.Host, strconv.Itoa(server.Port))})
	t.Cleanup(func() { _ = client.Close() })
	return &stage{quell: quell, store: store, postgres: postgres, redis: server, client: client}
}
