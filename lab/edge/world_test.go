// Package edge_test breaks real web servers, names, certificates and processes,
// and asks the whole of Quell what is wrong, through the ordinary connectors.
package edge_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/app"
	"github.com/quellhq/quell/internal/diagnosis"
	"github.com/quellhq/quell/internal/realserver"
)

// The processes that are broken are this test binary, started again under
// other command lines; what each does stands in its environment.
const roleKey = "QUELL_LAB_ROLE"

func TestMain(m *testing.M) {
	if role := strings.Fields(os.Getenv(roleKey)); len(role) > 0 {
		if err := play(role); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// play runs a role: server ADDRESS [fds], pool ADDRESS WORKERS, or spin.
func play(role []string) error {
	if role[0] == "spin" {
		fmt.Println("ready")
		for end := time.Now().Add(time.Hour); time.Now().Before(end); {
		}
		return nil
	}
	l, err := net.Listen("tcp", role[1])
	if err != nil {
		return err
	}
	switch role[0] {
	case "server":
		if len(role) > 2 && role[2] == "fds" {
			keep := hoard()
			defer func() { _ = keep[0].Close() }()
		}
	case "pool":
		n, _ := strconv.Atoi(role[2])
		for range n {
			c := exec.Command("/proc/self/exe")
			c.Args, c.Env = os.Args, []string{roleKey + "=server 127.0.0.1:0"}
			if err := c.Start(); err != nil {
				return err
			}
		}
	}
	fmt.Println("ready")
	return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "ok") }))
}

// hoard opens files until few are left below a limit of 100.
func hoard() []*os.File {
	_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 100, Max: 100})
	var keep []*os.File
	for len(keep) < 88 {
		f, err := os.Open("/dev/null")
		if err != nil {
			break
		}
		keep = append(keep, f)
	}
	return keep
}

// start runs a role under a command line. Its group is killed when the test ends.
func start(t *testing.T, role string, argv ...string) *os.Process {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self)
	cmd.Args, cmd.Dir = argv, t.TempDir()
	cmd.Env = []string{roleKey + "=" + role}
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
	return cmd.Process
}

// world is one service with its log, and what stands in its quell.yaml.
type world struct {
	t       *testing.T
	service string
	port    int
	url     string
	health  string
	targets []string // lines of quell.yaml
	needs   []string
	params  string // a line of quell.yaml
	apart   bool   // what else happens on this machine is none of its business
	log     string
}

func newWorld(t *testing.T, service string) *world {
	w := &world{t: t, service: service, port: realserver.Port(t), log: filepath.Join(t.TempDir(), "app.log")}
	w.url = fmt.Sprintf("http://127.0.0.1:%d", w.port)
	w.says("started")
	return w
}

// says writes a line into the service's log.
func (w *world) says(lines ...string) {
	w.t.Helper()
	f, err := os.OpenFile(w.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(w.t, err)
	for _, l := range lines {
		_, err := fmt.Fprintf(f, "%s %s\n", time.Now().UTC().Format(time.RFC3339), l)
		require.NoError(w.t, err)
	}
	require.NoError(w.t, f.Close())
}

// target adds a target that the service depends on.
func (w *world) target(name, settings string) {
	w.targets = append(w.targets, fmt.Sprintf("  %s: %s", name, settings))
	w.needs = append(w.needs, name)
}

// ask diagnoses the service with all shipped playbooks.
func (w *world) ask() diagnosis.Diagnosis {
	w.t.Helper()
	health := ""
	if w.health != "" {
		health = "\n    health: " + w.health
	}
	host := "  this-host: {kind: host}\n"
	if w.apart {
		host = ""
	}
	text := fmt.Sprintf("services:\n  %s:\n    url: %s%s\n    logs: [app-logs]\n    depends_on: [%s]\ntargets:\n%s  app-logs: {kind: logs, paths: [%q], labels: {service: %s}}\n%s\n%s",
		w.service, w.url, health, strings.Join(w.needs, ", "), host, w.log, w.service, strings.Join(w.targets, "\n"), w.params)
	path := filepath.Join(w.t.TempDir(), "quell.yaml")
	require.NoError(w.t, os.WriteFile(path, []byte(text), 0o600))
	setup, err := app.LoadSetup(path)
	require.NoError(w.t, err, text)
	session, err := app.Open(setup)
	require.NoError(w.t, err)
	defer session.Close()
	require.Empty(w.t, session.Unopened)
	out, err := session.Diagnose(context.Background(), app.Request{})
	require.NoError(w.t, err)
	return out.Page.Diagnosis
}

// ofMachine are causes that may well be true of the machine that tests share, and
// are none of a world's business.
var ofMachine = []string{"app/cpu#another-program-takes-the-processors", "startup/limits#the-processors-are-overloaded"}

// first expects a cause to be the first root. Where none is found it asks once
// more, as a person does: on a full machine seconds are few.
func (w *world) first(id string) {
	w.t.Helper()
	var ranking, roots []string
	var d diagnosis.Diagnosis
	for try := 0; try < 2 && len(roots) == 0; try++ {
		d = w.ask()
		ranking = ranking[:0]
		for _, f := range d.Causes[:min(5, len(d.Causes))] {
			ranking = append(ranking, fmt.Sprintf("%s %.2f", f.ID, f.Probability))
			for _, s := range f.Signs {
				if f.ID == id {
					ranking = append(ranking, fmt.Sprintf("\n\t%s %s (%s) %s", s.Truth, s.Sign, s.Means, s.Why))
				}
			}
		}
		for _, r := range d.Roots {
			if !slices.Contains(ofMachine, r.ID) {
				roots = append(roots, r.ID)
			}
		}
	}
	require.NotEmpty(w.t, roots, "%s: %s; %v", d.Verdict, d.Summary, ranking)
	require.Equal(w.t, id, roots[0], "%v", ranking)
}

// healthy expects no likely cause.
func (w *world) healthy() {
	w.t.Helper()
	d := w.ask()
	require.Empty(w.t, d.Roots, d.Summary)
}
