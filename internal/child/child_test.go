package child_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/child"
)

// asParent makes the test binary run a program through this package, so that a
// test can kill the one who runs it.
const asParent = "QUELL_TEST_CHILD_PARENT"

func TestMain(m *testing.M) {
	if argv := os.Getenv(asParent); argv != "" {
		_, err := child.Run(context.Background(), child.Command{Argv: strings.Split(argv, "\x1f"), Env: child.Environment(nil)})
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func TestAProgramRunsToItsEnd(t *testing.T) {
	t.Parallel()
	r, err := child.Run(t.Context(), child.Command{Argv: []string{"/bin/sh", "-c", "echo out; echo err >&2; cat; exit 3"}, Stdin: strings.NewReader("in")})
	require.NoError(t, err)
	require.Equal(t, 3, r.Code)
	require.Equal(t, "out\nin", string(r.Stdout))
	require.Equal(t, "err\n", string(r.Stderr))
	require.False(t, r.Cut)
}

func TestOutputWithoutEndIsCutAndDoesNotBlock(t *testing.T) {
	t.Parallel()
	r, err := child.Run(t.Context(), child.Command{Argv: []string{"/usr/bin/head", "-c", "3000000", "/dev/zero"}, Most: 1000})
	require.NoError(t, err)
	require.Zero(t, r.Code)
	require.Len(t, r.Stdout, 1000)
	require.True(t, r.Cut)
}

func TestWhatDoesNotStartSaysSo(t *testing.T) {
	t.Parallel()
	stopped, stop := context.WithCancel(t.Context())
	stop()
	for name, run := range map[string]func() error{
		"no such program": func() error {
			_, err := child.Run(t.Context(), child.Command{Argv: []string{"/no/such/program"}})
			return err
		},
		"no program":       func() error { _, err := child.Run(t.Context(), child.Command{}); return err },
		"the time is over": func() error { _, err := child.Run(stopped, child.Command{Argv: []string{"/bin/true"}}); return err },
	} {
		t.Run(name, func(t *testing.T) { require.ErrorIs(t, run(), child.ErrNotStarted) })
	}
}

func TestOurEnvironmentStaysWithUs(t *testing.T) {
	t.Setenv("QUELL_TEST_PASSWORD", "hunter22")
	r, err := child.Run(t.Context(), child.Command{Argv: []string{"/usr/bin/env"}, Env: child.Environment(map[string]string{"KEY": "INC-1"})})
	require.NoError(t, err)
	require.NotContains(t, string(r.Stdout), "hunter22")
	require.Contains(t, string(r.Stdout), "KEY=INC-1")
	require.Contains(t, string(r.Stdout), "PATH=")
	r, err = child.Run(t.Context(), child.Command{Argv: []string{"/usr/bin/env"}})
	require.NoError(t, err)
	require.NotContains(t, string(r.Stdout), "hunter22")
}

// The shell starts a second process and both refuse SIGTERM.
func TestTheDeadlineEndsTheWholeGroup(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "pids")
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	start := time.Now()
	r, err := child.Run(ctx, child.Command{
		Argv: []string{"/bin/sh", "-c", `trap '' TERM; (trap '' TERM; echo $$ >>"$0"; while :; do sleep 0.05; done) & echo $$ $! >"$0"; wait; wait`, file},
		Env:  child.Environment(nil), Grace: 200 * time.Millisecond,
	})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Equal(t, syscall.SIGKILL, r.Signal)
	require.Less(t, time.Since(start), 5*time.Second)
	for _, pid := range pids(t, file) {
		gone(t, pid)
	}
}

func TestAStragglerIsEndedWithItsProgram(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "pids")
	r, err := child.Run(t.Context(), child.Command{Argv: []string{"/bin/sh", "-c", `sleep 600 & echo $! >"$0"`, file}, Env: child.Environment(nil), Grace: 100 * time.Millisecond})
	require.NoError(t, err)
	require.Zero(t, r.Code)
	for _, pid := range pids(t, file) {
		gone(t, pid)
	}
}

func TestAServiceThatAProgramStartsLivesOnWhereThatIsMeant(t *testing.T) {
	t.Parallel()
	for script, lives := range map[string]bool{`sleep 600 >/dev/null 2>&1 & echo $! >"$0"`: true, `sleep 600 >/dev/null 2>&1 & echo $! >"$0"; exit 1`: false} {
		file := filepath.Join(t.TempDir(), "pids")
		_, err := child.Run(t.Context(), child.Command{Argv: []string{"/bin/sh", "-c", script, file}, Env: child.Environment(nil), Leaves: true})
		require.NoError(t, err)
		pid := pids(t, file)[0]
		t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) })
		if !lives {
			gone(t, pid)
			continue
		}
		require.NoError(t, syscall.Kill(pid, 0))
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		require.NoError(t, err)
		require.NotContains(t, string(stat), ") Z ")
	}
}

func TestWhenWeAreKilledTheProgramDies(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "pids")
	self, err := os.Executable()
	require.NoError(t, err)
	parent := exec.Command(self)
	parent.Env = append(os.Environ(), asParent+"="+strings.Join([]string{"/bin/sh", "-c", `echo $$ >"$0"; exec sleep 600`, file}, "\x1f"))
	require.NoError(t, parent.Start())
	t.Cleanup(func() { _ = parent.Process.Kill(); _ = parent.Wait() })
	eventually(t, "the program runs", func() bool { return len(pids(t, file)) == 1 })
	pid := pids(t, file)[0]
	require.NoError(t, syscall.Kill(pid, 0), "the program runs")
	require.NoError(t, parent.Process.Kill())
	gone(t, pid)
}

func pids(t *testing.T, file string) []int {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	var out []int
	for words := bufio.NewScanner(f); words.Scan(); {
		for _, w := range strings.Fields(words.Text()) {
			pid, err := strconv.Atoi(w)
			require.NoError(t, err)
			out = append(out, pid)
		}
	}
	return out
}

// gone waits until a process is no more, or a zombie that nobody has to end.
func gone(t *testing.T, pid int) {
	t.Helper()
	eventually(t, fmt.Sprintf("process %d is gone", pid), func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
}

func eventually(t *testing.T, what string, shown func() bool) {
	t.Helper()
	require.Eventually(t, shown, 5*time.Second, 10*time.Millisecond, what)
}
