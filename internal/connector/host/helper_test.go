package host_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/host"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/realserver"
)

// The tests look at real processes. Each is this test binary, started again
// under the name and arguments of what it plays; what it does stands in its
// environment.
const roleKey = "QUELL_TEST_ROLE"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleKey); role != "" {
		play(strings.Fields(role))
		return
	}
	os.Exit(m.Run())
}

func play(role []string) {
	ready := func() { fmt.Println("ready") }
	switch role[0] {
	case "sleep":
		ready()
		time.Sleep(time.Hour)
	case "spin":
		ready()
		for end := time.Now().Add(time.Hour); time.Now().Before(end); {
		}
	case "listen": // listen ADDRESS
		l, err := net.Listen("tcp", role[1])
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		defer func() { _ = l.Close() }()
		ready()
		time.Sleep(time.Hour)
	case "master": // master ADDRESS WORKERS: listens, and starts workers with the same command line
		if role[1] != "-" {
			l, err := net.Listen("tcp", role[1])
			if err != nil {
				fmt.Println(err)
				os.Exit(1)
			}
			defer func() { _ = l.Close() }()
		}
		n, _ := strconv.Atoi(role[2])
		for range n {
			c := exec.Command("/proc/self/exe")
			c.Args = os.Args
			c.Env = append(os.Environ(), roleKey+"=sleep")
			c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: 0}
			if err := c.Start(); err != nil {
				fmt.Println(err)
				os.Exit(1)
			}
		}
		ready()
		time.Sleep(time.Hour)
	case "heed": // heed JOURNAL [deaf]: writes down each signal, and ends by TERM
		heard := make(chan os.Signal, 8)
		signal.Notify(heard, syscall.SIGTERM, syscall.SIGHUP)
		ready()
		for s := range heard {
			note(role[1], s.String())
			if s == syscall.SIGTERM && len(role) == 2 {
				os.Exit(0)
			}
		}
	case "share": // share ADDRESS JOURNAL [deaf]: listens, and shares the socket with a worker
		l, err := net.Listen("tcp", role[1])
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		f, _ := l.(*net.TCPListener).File()
		heard := make(chan os.Signal, 8)
		signal.Notify(heard, syscall.SIGTERM)
		c := exec.Command("/proc/self/exe")
		c.Args, c.Env, c.ExtraFiles = os.Args, append(os.Environ(), roleKey+"="+strings.Join(append([]string{"heed", role[2]}, role[3:]...), " ")), []*os.File{f}
		if err := c.Start(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		ready()
		<-heard
		note(role[2], "master ends")
		os.Exit(0)
	case "append": // append PATH: keeps a log file open and writes to it at its end
		f, err := os.OpenFile(role[1], os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o644)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		heard := make(chan os.Signal, 1)
		signal.Notify(heard, syscall.SIGUSR1)
		ready()
		for range heard {
			_, _ = f.WriteString("written later\n")
		}
	case "zombie":
		c := exec.Command("/bin/true")
		_ = c.Start() // and never waits
		time.Sleep(100 * time.Millisecond)
		ready()
		time.Sleep(time.Hour)
	case "files": // files N: opens files until N are open, with a limit of 100
		_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 100, Max: 100})
		n, _ := strconv.Atoi(role[1])
		var keep []*os.File
		for {
			f, err := os.Open("/dev/null")
			if err != nil {
				break
			}
			keep = append(keep, f)
			if len(keep) >= n {
				break
			}
		}
		ready()
		time.Sleep(time.Hour)
		_ = keep
	case "ask": // ask QUESTION: prints status, hint and notes of the answer
		target, err := host.Kind().Open(nil, connector.Tools{})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		a := target.Ask(context.Background(), probe.Question{Builtin: role[1], Args: map[string]any{"sample": 50 * time.Millisecond}})
		fmt.Println(a.Status, "|", a.Hint, "|", strings.Join(a.Notes, "; "))
	case "deleted": // deleted PATH BYTES
		f, err := os.Create(role[1])
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		n, _ := strconv.Atoi(role[2])
		_, _ = f.Write(make([]byte, n))
		_ = f.Sync()
		_ = os.Remove(role[1])
		ready()
		time.Sleep(time.Hour)
		_ = f.Close()
	}
}

// note writes a line into a journal, which is how effects are counted.
func note(journal, line string) {
	f, err := os.OpenFile(journal, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		os.Exit(1)
	}
	_, _ = fmt.Fprintln(f, line)
	_ = f.Close()
}

// start runs a role under a command line and waits until it says that it is
// ready. Its whole group is killed when the test ends.
func start(t *testing.T, role string, argv ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	return startFile(t, self, role, argv...)
}

// startNamed is start of a program that the kernel knows by a name too, and not
// by its command line alone.
func startNamed(t *testing.T, name, role string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	link := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.Symlink(self, link))
	return startFile(t, link, role, name)
}

func startFile(t *testing.T, file, role string, argv ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(file)
	cmd.Args = argv
	cmd.Dir = t.TempDir()
	cmd.Env = []string{roleKey + "=" + role, "PATH=/bin:/usr/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "ready\n", line)
	return cmd
}

// fixture writes files below a directory, as another machine's /proc or /sys.
func fixture(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	return dir
}

// askAsNobody asks a question as a user who may not look into others' processes.
func askAsNobody(t *testing.T, builtin string) string {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	data, err := os.ReadFile(self)
	require.NoError(t, err)
	dir := realserver.TempDir(t, "nobody") // go test keeps its binary where others may not go
	path := filepath.Join(dir, "host.test")
	require.NoError(t, os.WriteFile(path, data, 0o755))
	require.NoError(t, os.Chmod(path, 0o755))
	cmd := exec.Command(path)
	cmd.Env = []string{roleKey + "=ask " + builtin}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	return string(out)
}
