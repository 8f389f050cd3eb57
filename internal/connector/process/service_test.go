package process_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/pid"
)

// The services of these tests are this test binary, started again by whoever
// looks after it. What it plays stands in its environment; it keeps a journal
// of what happens to it, which is how effects are counted.
const roleKey = "QUELL_TEST_SERVICE"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleKey); role != "" {
		play(strings.Fields(role))
		return
	}
	if order := os.Getenv(applyKey); order != "" {
		carryOut(order)
		return
	}
	os.Exit(m.Run())
}

// play is "JOURNAL [deaf] [frail] [slow] [workers] [stubborn] [own-pidfile] [port=…]".
func play(role []string) {
	if role[0] == "worker" {
		if len(role) > 1 {
			signal.Ignore(syscall.SIGTERM)
		}
		time.Sleep(time.Hour)
		return
	}
	is := map[string]bool{}
	for _, r := range role[1:] {
		is[r] = true
		if address, ok := strings.CutPrefix(r, "port="); ok {
			serve(address)
		}
	}
	// Whoever reads "start" may send a signal at once.
	heard := make(chan os.Signal, 8)
	signal.Notify(heard, syscall.SIGTERM, syscall.SIGHUP)
	if is["own-pidfile"] {
		_ = os.WriteFile(role[0]+".pid", fmt.Append(nil, os.Getpid(), "\n"), 0o644)
	}
	write(role[0], "start")
	if is["frail"] {
		fmt.Println("cannot go on: secret is", os.Getenv("APP_SECRET"))
		os.Exit(3)
	}
	heed(heard, role[0], is)
}

// heed does what signals say, as a server with workers does.
func heed(heard <-chan os.Signal, file string, is map[string]bool) {
	worker := work(is)
	for s := range heard {
		switch {
		case s == syscall.SIGHUP:
			write(file, "reload")
			next := work(is)
			dismiss(worker)
			worker = next
		case is["deaf"]:
			write(file, "deaf")
		default:
			if is["slow"] {
				time.Sleep(300 * time.Millisecond)
			}
			write(file, "end")
			os.Exit(0)
		}
	}
}

// work starts a worker, which dies with its master unless it is stubborn.
func work(is map[string]bool) *exec.Cmd {
	if !is["workers"] && !is["stubborn"] {
		return nil
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Args, cmd.Env = []string{"worker"}, []string{roleKey + "=worker"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if is["stubborn"] {
		cmd.Env, cmd.SysProcAttr = []string{roleKey + "=worker stubborn"}, nil
	}
	if err := cmd.Start(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	return cmd
}

func dismiss(worker *exec.Cmd) {
	if worker != nil {
		_ = worker.Process.Kill()
		_ = worker.Wait()
	}
}

func serve(address string) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		fmt.Println("cannot listen:", err)
		os.Exit(1)
	}
	go func() { _ = http.Serve(l, http.NotFoundHandler()) }()
}

func write(journal, word string) {
	f, err := os.OpenFile(journal, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	_, _ = fmt.Fprintf(f, "%s %d\n", word, os.Getpid())
	_ = f.Close()
}

// self is this test binary.
func self(t testing.TB) string {
	t.Helper()
	path, err := os.Executable()
	require.NoError(t, err)
	return path
}

// journal is the file that a service keeps of what has happened to it.
type journal string

func newJournal(t testing.TB) journal { return journal(filepath.Join(t.TempDir(), "journal")) }

// count is how often a word stands in it.
func (j journal) count(t testing.TB, word string) (n int) {
	t.Helper()
	for lines := bufio.NewScanner(strings.NewReader(j.text(t))); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), word+" ") {
			n++
		}
	}
	return n
}

// awaits a service that says for the nth time that it has started: on a busy
// machine it does so a while after it was found to run.
func (j journal) awaits(t testing.TB, n int) {
	t.Helper()
	require.Eventually(t, func() bool { return j.count(t, "start") == n }, patience, step, "started %d times", n)
}

// text is all that stands in it.
func (j journal) text(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(string(j))
	if !os.IsNotExist(err) {
		require.NoError(t, err)
	}
	return string(text)
}

// running are the processes of the service, by what they are called with.
func (j journal) running(t testing.TB) []pid.Process {
	t.Helper()
	tree, err := pid.All(context.Background())
	require.NoError(t, err)
	var out []pid.Process
	for _, p := range tree.Processes() {
		env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", p.PID))
		if err == nil && !p.Dead() && p.Comm != "sh" && strings.Contains(string(env), roleKey+"="+string(j)) {
			out = append(out, p)
		}
	}
	return out
}

// kill ends what a test has left running.
func (j journal) kill(t testing.TB) {
	t.Helper()
	for _, p := range j.running(t) {
		tree, _ := pid.All(context.Background())
		for _, f := range tree.Family(p.PID) {
			_ = pid.Signal(f.ID, syscall.SIGKILL)
		}
	}
}

func dial(address string) (net.Conn, error) { return net.DialTimeout("tcp", address, 5*time.Second) }
