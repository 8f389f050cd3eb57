package celery_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
)

// starts starts a program of Celery that goes on, in a process group of its own.
func (s *site) starts(t testing.TB, argv ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(s.python, append([]string{"-m", "celery", "-A", "app"}, argv...)...)
	cmd.Env, cmd.Dir, cmd.SysProcAttr = append(s.environ(t), "QUELL_TEST_RESULTS="+s.server.URL()), s.dir, &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { s.kills(cmd) })
	return cmd
}

func (s *site) kills(cmd *exec.Cmd) {
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	_ = cmd.Wait()
}

func TestWhatAKilledWorkerHadInHandIsLeft(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	target := open(t, connector.Settings{"url": s.server.URL()})
	worker := s.starts(t, "worker", "-c", "1", "-l", "warning")
	s.send(t, "celery", "slow", 600)
	require.Eventually(t, func() bool {
		_, err := os.Stat(filepath.Join(s.dir, "begun"))
		return err == nil
	}, time.Minute, 50*time.Millisecond)
	v := ask(t, target, "celery.taken")
	require.EqualValues(t, 1, v["due"])
	require.EqualValues(t, 0, v["left"], "a worker has it in hand")
	require.Equal(t, []any{map[string]any{"task": "app.slow", "count": int64(1)}}, v["tasks"])
	s.kills(worker)
	require.EqualValues(t, 1, ask(t, target, "celery.taken")["left"])
	time.Sleep(4 * time.Second) // far enough from the beginning of the next one
	s.starts(t, "worker", "-c", "1", "-l", "warning")
	require.Eventually(t, func() bool { return ask(t, target, "celery.queues")["listeners"] != int64(0) }, time.Minute, 2*time.Second)
	require.EqualValues(t, 1, ask(t, target, "celery.taken")["left"], "the new worker does not have it")
}

func TestFailedTasksAreGroupedByWhatRaisedThem(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	target := open(t, connector.Settings{"url": s.server.URL()})
	s.starts(t, "worker", "-c", "1", "-l", "critical")
	s.send(t, "celery", "absent", 1, 2)
	s.send(t, "celery", "limited", 60)
	s.send(t, "celery", "work", 3)
	require.Eventually(t, func() bool {
		return len(s.cmd(t, "KEYS", "celery-task-meta-*").([]any)) == 4
	}, time.Minute, 100*time.Millisecond)
	v := ask(t, target, "celery.results")
	require.EqualValues(t, 3, v["recent"], "%v", v)
	require.EqualValues(t, 2, v["absent"])
	require.EqualValues(t, 1, v["timeouts"])
	require.EqualValues(t, 0, v["kept"])
	first := v["groups"].([]any)[0].(map[string]any)
	require.Equal(t, "LookupError", first["exception"])
	require.Equal(t, "order <*> does not exist, <*>", first["says"])
}

func TestABeatIsSeenByItsProcessAndItsFile(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	file := filepath.Join(s.dir, "schedule")
	target := open(t, connector.Settings{"url": s.server.URL(), "beat_schedule": file})
	require.Equal(t, false, ask(t, target, "celery.beat")["file"])
	s.starts(t, "beat", "-s", file)
	require.Eventually(t, func() bool {
		v := ask(t, target, "celery.beat")
		return v["file"] == true && v["alive"] == true
	}, time.Minute, 100*time.Millisecond)
	v := ask(t, target, "celery.beat")
	require.InDelta(t, 10, v["file_age_s"], 30)
	require.EqualValues(t, 1, v["processes"])
	other := open(t, connector.Settings{"url": s.server.URL(), "beat_schedule": filepath.Join(s.dir, "of", "another")})
	require.Equal(t, false, ask(t, other, "celery.beat")["alive"], "that beat has another schedule")
	require.Contains(t, v["list"].([]any)[0].(map[string]any)["command"], "beat")
}

func TestWhatPickleWroteIsNotRead(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.cmd(t, "SET", "celery-task-meta-1", "\x80\x04\x95cos\nsystem\n")
	s.cmd(t, "LPUSH", "celery-task-meta-2", "a list")
	v := ask(t, open(t, connector.Settings{"url": s.server.URL()}), "celery.results")
	require.Equal(t, []any{map[string]any{"state": "unreadable", "count": int64(1)}}, v["states"])
	require.EqualValues(t, 1, v["kept"])
}
