package daemon_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/daemon"
	"github.com/quellhq/quell/internal/pid"
	"github.com/quellhq/quell/internal/secret"
)

// sleeper is a program that says its name and stays.
func sleeper(t *testing.T) daemon.Daemon {
	t.Helper()
	return daemon.Daemon{
		Argv: []string{"/bin/sh", "-c", `echo "$0 sees $QUELL_TEST and ${QUELL_OTHER-nothing}"; exec sleep 600`, "{name}"},
		Env:  map[string]string{"QUELL_TEST": "it"}, Records: filepath.Join(t.TempDir(), "records"),
	}
}

// found waits for the record and ends the process when the test does.
func found(t *testing.T, d daemon.Daemon, name string) pid.ID {
	t.Helper()
	var id pid.ID
	require.Eventually(t, func() bool {
		var err error
		id, err = d.Find(name)
		return err == nil
	}, 5*time.Second, 10*time.Millisecond)
	t.Cleanup(func() { _ = pid.Signal(id, syscall.SIGKILL) })
	return id
}

func TestADaemonIsStartedAndFoundAgain(t *testing.T) {
	t.Setenv("QUELL_OTHER", "ours")
	d := sleeper(t)
	_, err := d.Find("w-1")
	require.ErrorIs(t, err, daemon.ErrNever)
	require.NoError(t, d.Start("w-1"))
	id := found(t, d, "w-1")
	require.True(t, pid.Lives(id))
	p, err := pid.Look(id.PID)
	require.NoError(t, err)
	require.Equal(t, id.PID, p.Session, "it has a session of its own")
	require.Eventually(t, func() bool { return d.LastWords("w-1") == "w-1 sees it and nothing" }, 5*time.Second, 10*time.Millisecond)

	require.ErrorIs(t, d.Start("w-1"), daemon.ErrTaken)
	require.NoError(t, pid.Signal(id, syscall.SIGKILL))
	require.Eventually(t, func() bool { return !pid.Lives(id) }, 5*time.Second, 10*time.Millisecond)
	require.ErrorIs(t, d.Start("w-1"), daemon.ErrTaken, "not a second time either")
	again, err := d.Find("w-1")
	require.NoError(t, err)
	require.Equal(t, id, again)
}

func TestTwoWhoStartTheSameAtOnceStartOne(t *testing.T) {
	t.Parallel()
	d := sleeper(t)
	var both sync.WaitGroup
	for range 8 {
		both.Go(func() { _ = d.Start("w-1") })
	}
	both.Wait()
	id := found(t, d, "w-1")
	require.Eventually(t, func() bool {
		tree, err := pid.All(t.Context())
		require.NoError(t, err)
		n := 0
		for _, p := range tree.Processes() {
			if !p.Dead() && strings.Contains(strings.Join(p.Args, " "), d.Records) {
				n++ // still on its way to becoming one
			}
		}
		return n == 0
	}, 5*time.Second, 10*time.Millisecond)
	require.True(t, pid.Lives(id))
	log, err := os.ReadFile(filepath.Join(d.Records, "w-1.log"))
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(log), "sees it"))
}

func TestWhatCannotStartSaysSo(t *testing.T) {
	t.Parallel()
	d := sleeper(t)
	d.Argv[0] = "quell-no-such-program"
	require.ErrorContains(t, d.Start("w-1"), "find its program")
	_, err := d.Find("w-1")
	require.ErrorIs(t, err, daemon.ErrNever)
	d = sleeper(t)
	d.Argv = []string{"/bin/sh", "-c", "echo no >&2; exit 3"}
	require.NoError(t, d.Start("w-2"))
	id := found(t, d, "w-2")
	require.Eventually(t, func() bool { return !pid.Lives(id) }, 5*time.Second, 10*time.Millisecond)
	require.Equal(t, "no", d.LastWords("w-2"))
}

func TestADaemonIsAskedToEndOnce(t *testing.T) {
	t.Parallel()
	d := sleeper(t)
	d.Argv = []string{"/bin/sh", "-c", `trap 'echo asked' TERM; echo up; while :; do sleep 0.02; done`, "{name}"}
	require.NoError(t, d.Start("w-1"))
	id := found(t, d, "w-1")
	require.Eventually(t, func() bool { return d.LastWords("w-1") == "up" }, 5*time.Second, 10*time.Millisecond)
	require.False(t, d.Asked("w-1"))
	for range 3 {
		require.NoError(t, d.Stop("w-1", id))
	}
	require.True(t, d.Asked("w-1"))
	require.Eventually(t, func() bool { return d.LastWords("w-1") != "up" }, 5*time.Second, 10*time.Millisecond)
	require.NoError(t, pid.Signal(id, syscall.SIGKILL))
	require.Eventually(t, func() bool { return !pid.Lives(id) }, 5*time.Second, 10*time.Millisecond)
	require.Equal(t, "up\nasked", d.LastWords("w-1"))
	require.NoError(t, d.Stop("w-2", pid.ID{PID: id.PID, Start: 1, Boot: id.Boot}), "one that is gone")
}

func TestOldRecordsOfTheDeadAreForgotten(t *testing.T) {
	t.Parallel()
	d := sleeper(t)
	require.NoError(t, d.Start("old"))
	require.NoError(t, d.Start("alive"))
	dead, alive := found(t, d, "old"), found(t, d, "alive")
	require.NoError(t, pid.Signal(dead, syscall.SIGKILL))
	require.Eventually(t, func() bool { return !pid.Lives(dead) }, 5*time.Second, 10*time.Millisecond)
	long := time.Now().Add(-60 * 24 * time.Hour)
	for _, name := range []string{"old", "alive"} {
		require.NoError(t, os.Chtimes(filepath.Join(d.Records, name+".run"), long, long))
	}
	require.NoError(t, d.Start("new"))
	found(t, d, "new")
	_, err := d.Find("old")
	require.ErrorIs(t, err, daemon.ErrNever)
	kept, err := d.Find("alive")
	require.NoError(t, err)
	require.Equal(t, alive, kept)
}

func TestSettingsOfADaemon(t *testing.T) {
	t.Parallel()
	d, err := daemon.Declared{}.Daemon("/etc/quell", nil)
	require.NoError(t, err)
	require.Nil(t, d)
	d, err = daemon.Declared{
		Worker: []string{"rq", "worker", "--name", "{name}"}, RunDir: "run", WorkerDir: "/srv/app",
		WorkerEnv: map[string]secret.String{"TOKEN": secret.New("x")},
	}.Daemon("/etc/quell", map[string]string{"URL": "u"})
	require.NoError(t, err)
	require.Equal(t, "/etc/quell/run", d.Records)
	require.Equal(t, "/srv/app", d.Dir)
	require.Equal(t, map[string]string{"TOKEN": "x", "URL": "u"}, d.Env)
	for name, s := range map[string]daemon.Declared{
		"no name":    {Worker: []string{"rq", "worker"}, RunDir: "run"},
		"no run_dir": {Worker: []string{"rq", "{name}"}},
		"no program": {Worker: []string{"", "{name}"}, RunDir: "run"},
	} {
		_, err := s.Daemon("", nil)
		require.Error(t, err, name)
	}
}
