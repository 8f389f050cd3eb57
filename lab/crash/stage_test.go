package crash_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/realserver"
)

// stage plays one point after the other in its scene.
type stage struct {
	scene
	quell    string // the binary that dies when it is told to
	store    string // "sqlite" or "postgres"
	postgres *realserver.Postgres
	point    string // names the point: a role, a database, a mark in the environment
	dir      string // of the point: configuration and state
}

// next prepares a fresh world, configuration and record.
func (s *stage) next(t *testing.T, name string) {
	t.Helper()
	s.point = name
	s.dir = filepath.Join(t.TempDir(), name)
	books := filepath.Join(s.dir, "playbooks")
	require.NoError(t, os.MkdirAll(books, 0o700))
	text, err := os.ReadFile(filepath.Join("testdata", "playbooks", s.playbook()))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(books, s.playbook()), text, 0o600))
	yaml := s.fresh(t, s) + "playbooks: [playbooks]\n"
	if s.store == "postgres" {
		sql(t, s.postgres, "DROP DATABASE IF EXISTS record_"+name)
		sql(t, s.postgres, "CREATE DATABASE record_"+name)
		yaml += fmt.Sprintf("store: {postgres: %q}\n", s.postgres.URL("postgres", "record_"+name))
	}
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, "quell.yaml"), []byte(yaml), 0o600))
}

// gone takes away what a point has left in the shared server.
func (s *stage) gone(t *testing.T) {
	t.Helper()
	if s.store == "postgres" {
		sql(t, s.postgres, "DROP DATABASE IF EXISTS record_"+s.point+" WITH (FORCE)")
	}
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
	cmd.Env = append(os.Environ(), "QUELL_STATE="+filepath.Join(s.dir, "state"), "QUELL_POINT="+s.point)
	if crash != "" {
		cmd.Env = append(cmd.Env, "QUELL_CRASH="+crash)
	} else {
		cmd.Env = append(cmd.Env, "QUELL_CRASH_COUNT="+s.counted())
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = 5 * time.Second
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

// orphans counts the processes that quell has left behind.
func (s *stage) orphans() int {
	n := 0
	dirs, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range dirs {
		if env, err := os.ReadFile(file); err == nil && bytes.Contains(env, []byte("QUELL_POINT="+s.point+"\x00")) {
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

// told are the effects that the record says were made, by step and undo, the
// intents that nobody has settled, and the step that only a person can settle.
func told(t *testing.T, events []incident.Event) (made map[string]int, open int, asks string) {
	t.Helper()
	made = map[string]int{}
	begun := map[string]string{}
	for _, e := range events {
		switch e.Kind {
		case incident.KindIntent:
			i, err := incident.Read[incident.Intent](e)
			require.NoError(t, err)
			begun[key(e.Step, i.Undo)] = e.Step
		case incident.KindResult:
			r, err := incident.Read[incident.Result](e)
			require.NoError(t, err)
			asks = ""
			switch r.State {
			case action.CannotTell:
				asks = e.Step
				continue
			case action.Made:
				made[key(e.Step, r.Undo)]++
			case action.NotMade, action.PartlyMade:
			}
			delete(begun, key(e.Step, r.Undo))
		}
	}
	return made, len(begun), asks
}

func key(step string, undo bool) string {
	step = step[strings.LastIndexByte(step, '.')+1:]
	if undo {
		return step + " undone"
	}
	return step
}
