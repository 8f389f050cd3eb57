package pid_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/pid"
	"github.com/quellhq/quell/internal/secret"
)

// sleeper starts a process that does nothing, and ends it with the test.
func sleeper(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("/bin/sleep", "600")
	if args != nil {
		cmd = exec.Command(args[0], args[1:]...)
	}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	require.Eventually(t, func() bool { // until it has become the program
		p, err := pid.Look(cmd.Process.Pid)
		return err == nil && len(p.Args) == len(cmd.Args)
	}, 5*time.Second, time.Millisecond)
	return cmd
}

func TestAProcessHasANameOfItsOwn(t *testing.T) {
	t.Parallel()
	before := time.Now()
	cmd := sleeper(t)
	p, err := pid.Look(cmd.Process.Pid)
	require.NoError(t, err)
	require.Equal(t, os.Getpid(), p.Parent)
	require.Equal(t, os.Getuid(), p.UID)
	require.Equal(t, "sleep", p.Comm)
	require.Eventually(t, func() bool { // the kernel counts in batches
		p, err := pid.Look(cmd.Process.Pid)
		return err == nil && p.RSS > 0
	}, 5*time.Second, 10*time.Millisecond)
	require.False(t, p.Kernel)
	require.True(t, pid.Lives(p.ID))
	require.WithinDuration(t, before, p.Started(), 2*pid.Slack)
	require.True(t, p.Since(before))
	require.False(t, p.Since(time.Now().Add(time.Minute)))

	again, err := pid.Parse(p.ID.String())
	require.NoError(t, err)
	require.Equal(t, p.ID, again)
}

func TestWhatIsNoNameIsNotRead(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "4711", "pid x start 1 boot b", "pid -1 start 1 boot b", "pid 0 start 0 boot b", "pid 1 start 1"} {
		_, err := pid.Parse(text)
		require.Error(t, err, text)
	}
}

func TestTheDeadAreGone(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("/bin/true") // nobody collects it until the end of the test
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Wait() })
	require.Eventually(t, func() bool {
		_, err := pid.Look(cmd.Process.Pid)
		return errors.Is(err, pid.ErrGone)
	}, 5*time.Second, time.Millisecond)
	p, err := pid.Read(cmd.Process.Pid)
	require.NoError(t, err)
	require.True(t, p.Dead())
	require.False(t, pid.Lives(p.ID))
	require.ErrorIs(t, pid.Signal(p.ID, syscall.SIGTERM), pid.ErrGone)
}

// A number is given again: whoever has it now is not who had it.
func TestANumberThatIsReusedIsNotSignalled(t *testing.T) {
	t.Parallel()
	cmd := sleeper(t)
	now, err := pid.Look(cmd.Process.Pid)
	require.NoError(t, err)
	former := now.ID
	former.Start--
	require.ErrorIs(t, pid.Signal(former, syscall.SIGKILL), pid.ErrGone)
	other := now.ID
	other.Boot = "00000000-0000-0000-0000-000000000000"
	require.ErrorIs(t, pid.Signal(other, syscall.SIGKILL), pid.ErrGone)
	require.True(t, pid.Lives(now.ID), "the process that has the number now was hit")

	require.NoError(t, pid.MaySignal(now.ID))
	require.True(t, pid.Lives(now.ID))
	require.NoError(t, pid.Signal(now.ID, syscall.SIGTERM))
	require.Empty(t, pid.AwaitEnd(t.Context(), 5*time.Second, now.ID))
}

func TestAWaitForAnEndIsBounded(t *testing.T) {
	t.Parallel()
	cmd := sleeper(t)
	p, err := pid.Look(cmd.Process.Pid)
	require.NoError(t, err)
	require.Equal(t, []pid.ID{p.ID}, pid.AwaitEnd(t.Context(), 30*time.Millisecond, p.ID))
	stopped, stop := context.WithCancel(t.Context())
	stop()
	start := time.Now()
	require.Equal(t, []pid.ID{p.ID}, pid.AwaitEnd(stopped, time.Minute, p.ID))
	require.Less(t, time.Since(start), 10*time.Second)
}

func TestTheTreeKnowsWhoDescendsFromWhom(t *testing.T) {
	t.Parallel()
	shell := sleeper(t, "/bin/sh", "-c", "/bin/sleep 600 & /bin/sleep 600 & wait")
	t.Cleanup(func() {
		tree, _ := pid.All(context.Background())
		for _, p := range tree.Family(shell.Process.Pid) {
			_ = pid.Signal(p.ID, syscall.SIGKILL)
		}
	})
	require.Eventually(t, func() bool {
		tree, err := pid.All(t.Context())
		return err == nil && len(tree.Family(shell.Process.Pid)) == 3
	}, 5*time.Second, 10*time.Millisecond)
	tree, err := pid.All(t.Context())
	require.NoError(t, err)
	require.Len(t, tree.Children(shell.Process.Pid), 2)
	require.Equal(t, shell.Process.Pid, tree.Family(shell.Process.Pid)[0].PID)
	above := tree.Ancestors(shell.Process.Pid)
	require.Equal(t, os.Getpid(), above[0].PID)
	require.Equal(t, 1, above[len(above)-1].PID)
	require.Empty(t, tree.Family(1<<30))
}

func TestWhatTheMachineAndWeLiveOnIsProtected(t *testing.T) {
	t.Parallel()
	tree, err := pid.All(t.Context())
	require.NoError(t, err)
	us, ok := tree.Of(os.Getpid())
	require.True(t, ok)
	first, ok := tree.Of(1)
	require.True(t, ok)
	require.Contains(t, tree.Protected(us), "quell itself")
	require.Contains(t, tree.Protected(first), "process 1")
	for _, a := range tree.Ancestors(os.Getpid()) {
		require.NotEmpty(t, tree.Protected(a), a.Line())
	}
	if kernel, ok := tree.Of(2); ok && kernel.Comm == "kthreadd" {
		require.Contains(t, tree.Protected(kernel), "kernel")
	}
	for _, comm := range []string{"sshd", "systemd-logind", "containerd-shim-runc-v2", "quell"} {
		require.NotEmpty(t, tree.Protected(pid.Process{ID: pid.ID{PID: 1 << 30}, Comm: comm}), comm)
	}
	cmd := sleeper(t)
	p, err := pid.Look(cmd.Process.Pid)
	require.NoError(t, err)
	require.Empty(t, tree.Protected(p))
}

func TestALineShowsNoSecret(t *testing.T) {
	t.Parallel()
	p := pid.Process{Args: []string{"app", "--db-password", "hunter22", "--url=postgres://u:hunter22@h/d", "--token=hunter22"}}
	require.NotContains(t, p.Line(), "hunter22")
	require.Contains(t, p.Line(), secret.Placeholder)
	require.Equal(t, "[kworker]", pid.Process{Comm: "kworker"}.Line())
	require.Less(t, len(pid.Process{Args: []string{strings.Repeat("ä", 5000)}}.Line()), 200)
	require.NotEqual(t, p.Digest(), pid.Process{Args: []string{"app"}}.Digest())
}

func TestOnlyOneHasTheTurn(t *testing.T) {
	t.Parallel()
	name := fmt.Sprint("turn of ", t.Name(), os.Getpid())
	release, err := pid.Turn(t.Context(), time.Second, name)
	require.NoError(t, err)
	_, err = pid.Turn(t.Context(), 50*time.Millisecond, name)
	require.ErrorIs(t, err, pid.ErrTaken)
	other, err := pid.Turn(t.Context(), time.Second, name+" of somebody else")
	require.NoError(t, err)
	other()
	release()
	release, err = pid.Turn(t.Context(), time.Second, name)
	require.NoError(t, err)
	release()
}

func TestConnectionsOfAProcessAreCounted(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	python, err := exec.LookPath("python3")
	require.NoError(t, err, "python3 is needed: apt-get install python3-minimal")
	for range 2 {
		cmd := sleeper(t, python, "-c", "import socket,sys,time; s=socket.create_connection(('127.0.0.1',int(sys.argv[1]))); time.sleep(600)", fmt.Sprint(l.Addr().(*net.TCPAddr).Port))
		c, err := l.Accept()
		require.NoError(t, err)
		t.Cleanup(func() { _ = c.Close() })
		p, err := pid.Look(cmd.Process.Pid)
		require.NoError(t, err)
		n, known := pid.Connections(t.Context(), []pid.Process{p})
		require.True(t, known)
		require.Equal(t, 1, n)
		files, known := pid.Files(p.PID)
		require.True(t, known)
		require.GreaterOrEqual(t, files, 4)
	}
}

// The command of a process may hold anything, brackets and spaces included.
func TestAnyCommandIsRead(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("/bin/sleep")
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "a) R (b 1")
	require.NoError(t, os.WriteFile(path, data, 0o755))
	cmd := sleeper(t, path, "600")
	p, err := pid.Look(cmd.Process.Pid)
	require.NoError(t, err)
	require.Equal(t, "a) R (b 1", p.Comm)
	require.Equal(t, os.Getpid(), p.Parent)
}
