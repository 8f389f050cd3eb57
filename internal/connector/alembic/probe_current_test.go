package alembic_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/alembic"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/realserver"
)

func answered(t *testing.T, a evidence.Answer) map[string]any {
	t.Helper()
	require.Equal(t, evidence.Answered, a.Status, "%+v", a)
	return a.Value.(map[string]any)
}

func TestCurrentTellsWhatIsPending(t *testing.T) {
	t.Parallel()
	p := shop(t)
	v := answered(t, p.ask(t))
	require.Equal(t, "", v["revision"])
	require.Equal(t, int64(3), v["pending_count"])
	require.Equal(t, map[string]any{"revision": "a1", "message": "about a1"}, v["pending"].([]any)[0])

	p.at(t, "b2")
	v = answered(t, p.ask(t))
	require.Equal(t, "b2", v["revision"])
	require.Equal(t, []any{"c3"}, v["heads"])
	require.Equal(t, false, v["at_head"])
	require.Contains(t, v["database"], p.database)
	require.NotContains(t, fmt.Sprint(v), password)

	p.at(t, "c3")
	require.Equal(t, true, answered(t, p.ask(t))["at_head"])
	for _, f := range alembic.Kind().Probes[0].Fields {
		require.Contains(t, v, f.Name)
	}
	require.Len(t, v, len(alembic.Kind().Probes[0].Fields), "every field is documented")
}

func TestCurrentTellsADatabaseThatIsAheadAndHeadsThatAreNotMerged(t *testing.T) {
	t.Parallel()
	p := shop(t)
	p.at(t, "c3")
	require.NoError(t, os.Remove(filepath.Join(p.dir, "migrations/versions/c3.py")))
	p.revision(t, "x9", "a1", "", "")
	v := answered(t, p.ask(t))
	require.Equal(t, false, v["known"])
	require.Equal(t, "c3", v["revision"])
	require.Equal(t, false, v["at_head"])
	require.ElementsMatch(t, []any{"b2", "x9"}, v["heads"])
	require.Equal(t, false, v["one_head"])
}

func TestHowCurrentFails(t *testing.T) {
	t.Parallel()
	nobody := shop(t)
	nobody.env = map[string]any{"DATABASE_URL": nobody.url(realserver.Port(t))}
	stranger := shop(t)
	stranger.env = map[string]any{"DATABASE_URL": fmt.Sprintf("postgresql://stranger:%s@127.0.0.1:%d/%s", password, server.Port, stranger.database)}
	unset := shop(t)
	unset.env = nil
	empty := &project{dir: t.TempDir()}
	broken := shop(t)
	broken.write(t, "migrations/versions/b2.py", "revision = 'b2'\ndown_revision = 'nowhere'\n")
	for how, c := range map[string]struct {
		p      *project
		status evidence.Status
		says   string
	}{
		"nobody listens":                     {nobody, evidence.Unreachable, "Connection refused"},
		"the role is not let in":             {stranger, evidence.Denied, `role "stranger" does not exist`},
		"env.py misses its variable":         {unset, evidence.Invalid, "DATABASE_URL"},
		"the directory has no configuration": {empty, evidence.Invalid, "No config file"},
		"a script names nothing":             {broken, evidence.Invalid, "nowhere"},
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			a := c.p.ask(t)
			require.Equal(t, c.status, a.Status, "%+v", a)
			require.Contains(t, a.Reason+a.Hint, c.says)
			require.NotContains(t, a.Reason+a.Hint, password)
		})
	}
}

func TestASlowProjectIsGivenUpInTime(t *testing.T) {
	t.Parallel()
	p := shop(t)
	p.write(t, "migrations/env.py", "import time\ntime.sleep(600)\n")
	target, err := alembic.Kind().Open(connector.Settings{"dir": p.dir, "env": p.env, "timeout": "1500ms"}, connector.Tools{})
	require.NoError(t, err)
	start := time.Now()
	a := target.Ask(context.Background(), probe.Question{Lang: "probe", Builtin: "alembic.current"})
	require.Equal(t, evidence.TimedOut, a.Status)
	require.Less(t, time.Since(start), 10*time.Second)
	require.NoError(t, target.Close())
	require.NoError(t, target.Close())
	require.Equal(t, evidence.NotAsked, target.Ask(context.Background(), probe.Question{Lang: "probe", Builtin: "alembic.current"}).Status)
}

func TestSettingsThatAreRefused(t *testing.T) {
	t.Parallel()
	for says, s := range map[string]connector.Settings{
		"dir is missing":       {"command": []any{"alembic"}},
		"command is empty":     {"dir": ".", "command": []any{}},
		"no name of a":         {"dir": ".", "env": map[string]any{"A=B": "c"}},
		"unknown setting":      {"dir": ".", "databse": "x"},
		"timeout must be":      {"dir": ".", "timeout": "0s"},
		"a duration is writte": {"dir": ".", "timeout": 5},
	} {
		_, err := alembic.Kind().Open(s, connector.Tools{})
		require.ErrorContains(t, err, says)
	}
}

func TestTheDoctorSeesScriptsDatabaseAndHeads(t *testing.T) {
	t.Parallel()
	p := shop(t)
	checks := p.open(t).Examine(context.Background())
	require.Len(t, checks, 3)
	for _, c := range checks {
		require.True(t, c.OK, "%+v", c)
	}
	p.revision(t, "x9", "a1", "", "")
	require.Contains(t, p.open(t).Examine(context.Background())[2].Fix, "alembic merge heads")
	p.env = map[string]any{"DATABASE_URL": p.url(realserver.Port(t))}
	checks = p.open(t).Examine(context.Background())
	require.False(t, checks[1].OK)
	missing, err := alembic.Kind().Open(connector.Settings{"dir": p.dir, "command": []any{"alembic-that-is-not-there"}}, connector.Tools{})
	require.NoError(t, err)
	checks = missing.(*alembic.Target).Examine(context.Background())
	require.False(t, checks[0].OK)
	require.Contains(t, checks[0].Detail, "cannot be started")
}
