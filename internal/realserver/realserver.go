// Package realserver starts real servers on localhost for tests, from the
// binaries that Debian installs, and stops them when the test ends. A missing
// binary fails the test in CI and skips it, loudly, elsewhere.
package realserver

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// searchPath are the directories in which Debian keeps servers that are not on
// an ordinary user's PATH.
var searchPath = []string{"/usr/sbin", "/usr/lib/postgresql/*/bin"}

// Find returns the path of a server's binary. hint is the Debian package that
// has it. Where it is missing the test fails in CI and is skipped elsewhere.
func Find(t testing.TB, binary, hint string) string {
	t.Helper()
	if path, err := exec.LookPath(binary); err == nil {
		return path
	}
	for _, dir := range searchPath {
		matches, _ := filepath.Glob(filepath.Join(dir, binary))
		if len(matches) > 0 {
			return matches[len(matches)-1]
		}
	}
	Missing(t, fmt.Sprintf("%s is not installed: apt-get install %s", binary, hint))
	return ""
}

// Missing fails the test in CI, and skips it loudly elsewhere: something that
// it needs is not there.
func Missing(t testing.TB, message string) {
	t.Helper()
	if os.Getenv("CI") != "" || os.Getenv("QUELL_NEED_SERVERS") != "" {
		t.Fatal(message)
	}
	fmt.Fprintf(os.Stderr, "\n*** SKIPPED %s: %s\n\n", t.Name(), message)
	t.Skip(message)
}

// Namespaces makes sure that a server can be put into namespaces of its own,
// which needs root and is often forbidden in containers.
func Namespaces(t testing.TB, what string) {
	t.Helper()
	unshare := Find(t, "unshare", "util-linux")
	if out, err := exec.Command(unshare, "--pid", "--fork", "--mount", "--net", "/bin/true").CombinedOutput(); err != nil {
		Missing(t, fmt.Sprintf("%s is started in namespaces of its own, which needs root and a machine that allows it: %s", what, out))
	}
}

// Ports of tests lie below those that the kernel gives to outgoing connections
// and to listeners on port 0 (from 32768 on), so that no stranger takes one
// between the moment it is found free and its use, nor while nobody is meant to
// answer there. Each process has a hundred of its own.
const (
	firstPort    = 10_000
	portRange    = 20_000
	portsProcess = 100
)

var portsTaken atomic.Int64

// Port returns a TCP port on 127.0.0.1 that is free, and that this process does
// not give out again.
func Port(t testing.TB) int {
	t.Helper()
	for range portRange {
		n := int64(os.Getpid())*portsProcess + portsTaken.Add(1) - 1
		port := firstPort + int(n%portRange)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		_ = l.Close()
		return port
	}
	t.Fatal("no free port")
	return 0
}

// Process is a server that runs.
type Process struct {
	Cmd  *exec.Cmd
	done chan error
}

// Start runs a server in its own process group, as the given system user when
// we are root (empty: as we are), and stops it when the test ends. Its output
// goes to logFile, which is created.
func Start(t testing.TB, asUser, dir, logFile string, argv ...string) *Process {
	t.Helper()
	out, err := os.Create(logFile)
	if err != nil {
		t.Fatalf("start %s: %v", argv[0], err)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if asUser != "" && os.Geteuid() == 0 {
		cmd.SysProcAttr.Credential = credential(t, asUser)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", argv[0], err)
	}
	p := &Process{Cmd: cmd, done: make(chan error, 1)}
	go func() { p.done <- cmd.Wait(); _ = out.Close() }()
	t.Cleanup(func() { p.Stop(syscall.SIGKILL) })
	return p
}

// Stop sends a signal to the server's process group and waits until it is gone.
// It may be called twice.
func (p *Process) Stop(sig syscall.Signal) {
	_ = syscall.Kill(-p.Cmd.Process.Pid, sig)
	select {
	case err := <-p.done:
		p.done <- err
	case <-time.After(10 * time.Second):
		_ = syscall.Kill(-p.Cmd.Process.Pid, syscall.SIGKILL)
	}
}

// Terminate lets the server end by itself, with all that it has started, and
// kills it only when it does not.
func (p *Process) Terminate() {
	_ = p.Cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-p.done:
		p.done <- err
	case <-time.After(20 * time.Second):
		p.Stop(syscall.SIGKILL)
	}
}

// WaitFor calls ready every 20 ms until it returns nil, and fails the test with
// its last error and the end of the log file after the timeout.
func WaitFor(t testing.TB, what string, timeout time.Duration, logFile string, ready func() error) {
	t.Helper()
	deadline := time.Now().Add(timeout)
	for {
		err := ready()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is not ready after %s: %v\n%s", what, timeout, err, tail(logFile))
		}
		time.Sleep(20 * time.Millisecond) // a server outside of this process: there is no signal to wait for
	}
}

// TempDir is a directory that the given system user can enter and write; the
// testing package's own is closed to other users.
func TempDir(t testing.TB, asUser string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "quell-real-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if asUser != "" && os.Geteuid() == 0 {
		c := credential(t, asUser)
		if err := os.Chown(dir, int(c.Uid), int(c.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func credential(t testing.TB, name string) *syscall.Credential {
	t.Helper()
	u, err := user.Lookup(name)
	if err != nil {
		t.Fatalf("look up user %s: %v", name, err)
	}
	uid, errU := strconv.ParseUint(u.Uid, 10, 32)
	gid, errG := strconv.ParseUint(u.Gid, 10, 32)
	if errU != nil || errG != nil {
		t.Fatalf("user %s has ids %s and %s", name, u.Uid, u.Gid)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

func tail(file string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	const last = 2000
	if info, err := f.Stat(); err == nil && info.Size() > last {
		_, _ = f.Seek(-last, io.SeekEnd)
	}
	data, _ := io.ReadAll(f)
	return string(data)
}
