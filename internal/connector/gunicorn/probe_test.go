package gunicorn_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/realserver"
)

func ask(t *testing.T, s connector.Settings, builtin string) evidence.Answer {
	t.Helper()
	return open(t, s).Ask(within(t), probe.Question{Lang: "probe", Builtin: builtin, Now: time.Now()})
}

// said waits until the log says something of a kind.
func said(t *testing.T, s connector.Settings, kind string) (row map[string]any) {
	t.Helper()
	require.Eventually(t, func() bool {
		a := ask(t, s, "gunicorn.log")
		require.Equal(t, evidence.Answered, a.Status, a.Reason)
		for _, r := range a.Value.([]any) {
			if m := r.(map[string]any); m["kind"] == kind {
				row = m
				return true
			}
		}
		return false
	}, patience, 10*step)
	return row
}

func TestTheLogSaysWhatBecameOfWorkers(t *testing.T) {
	t.Parallel()
	s := started(t, 1, "--timeout", "1")
	worker := s.workers(t)[0]
	require.NoError(t, syscall.Kill(worker.PID, syscall.SIGSTOP))
	row := said(t, s.settings, "timeout")
	require.Equal(t, []any{int64(worker.PID)}, row["pids"])
	require.InDelta(t, float64(time.Now().Unix()), row["last"], 60)
	require.Contains(t, row["line"], "WORKER TIMEOUT")
	require.NoError(t, syscall.Kill(s.Proc.Cmd.Process.Pid, syscall.SIGHUP))
	said(t, s.settings, "reload_asked")
	require.EqualValues(t, 1, said(t, s.settings, "started")["count"])

	s.settings["log"] = filepath.Join(t.TempDir(), "none.log")
	require.Equal(t, evidence.Unreachable, ask(t, s.settings, "gunicorn.log").Status)
}

func TestAPidfileThatAReloadIsReplacingIsWaitedFor(t *testing.T) {
	t.Parallel()
	s := started(t, 1)
	away := s.Pidfile + ".away"
	require.NoError(t, os.Rename(s.Pidfile, away))
	back := make(chan error, 1)
	time.AfterFunc(2*step, func() { back <- os.Rename(away, s.Pidfile) })
	a := ask(t, s.settings, "gunicorn.workers")
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	require.NoError(t, <-back)
}

func TestATitleHidesTheCommandLineAndTheServerIsFoundAllTheSame(t *testing.T) {
	t.Parallel()
	if exec.Command("/usr/bin/python3", "-c", "import setproctitle").Run() != nil {
		realserver.Missing(t, "python3-setproctitle is not installed: gunicorn gives itself no title")
	}
	conf := filepath.Join(t.TempDir(), "conf.py")
	require.NoError(t, os.WriteFile(conf, []byte("workers = 2\n"), 0o644))
	g := realserver.StartTitledGunicorn(t, "-c", conf, "--preload")
	by := connector.Settings{"match": g.Address}
	require.Eventually(t, func() bool {
		a := ask(t, by, "gunicorn.workers")
		return a.Status == evidence.Answered && a.Value.(map[string]any)["workers"] == int64(2)
	}, patience, step)
	v := ask(t, by, "gunicorn.workers").Value.(map[string]any)
	require.Equal(t, int64(g.Proc.Cmd.Process.Pid), v["master_pid"])
	require.Equal(t, "unknown", v["preload"], "it may stand on the command line, and does")
	require.Nil(t, v["configured"])
	require.Equal(t, []any{g.Address}, v["listens_on"])
	require.Equal(t, int64(0), v["dead"])
}
