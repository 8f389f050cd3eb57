package nginx_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/nginx"
)

// down is the change that most of these tests make.
func (s *site) down(t *testing.T) action.Change {
	t.Helper()
	return change(t, "nginx.upstream", map[string]any{"upstream": "shop", "server": s.b, "state": "down"})
}

func notMade(t *testing.T, err error) *action.Failure {
	t.Helper()
	var failure *action.Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, action.NotMade, failure.State)
	return failure
}

func TestAChangeThatNginxWouldNotTakeNeverReachesTheFile(t *testing.T) {
	t.Parallel()
	s := start(t, "")
	// The snippet that limits would clash with this zone of the same name.
	d := s.doer(t, "nginx.rate_limit")
	o := order(t, d, change(t, "nginx.rate_limit", map[string]any{"rate": "1r/s"}))
	zone := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(o.Preview.Items[0].ID), "quell-limit-"), ".conf")
	clash := filepath.Join(s.Dir, "snippets/clash.conf")
	require.NoError(t, os.WriteFile(clash, []byte("\nlimit_req_zone $uri zone=quell_"+zone+":1m rate=1r/s;\n"), 0o644))
	_, err := d.Preview(t.Context(), o.Change)
	var refusal *action.Refusal
	require.ErrorAs(t, err, &refusal)
	require.ErrorContains(t, err, "conflicts with already declared size", "nginx says why")
	require.ErrorContains(t, err, "quell-limit-"+zone+".conf:", "and a fault is told with the file that it is in")
	_, err = d.Apply(t.Context(), o)
	notMade(t, err)
	require.NoFileExists(t, o.Preview.Items[0].ID)
	require.Zero(t, s.loads(t))
}

// What is on disk is broken already, so a copy of it says nothing: the change is
// tested in its place, and taken back.
func TestWhereACopyCannotBeTestedTheFormerTextComesBack(t *testing.T) {
	t.Parallel()
	s := start(t, "")
	broken := strings.Replace(read(t, s.shopFile()), "upstream alone {", "upstream alone { no_such_thing;", 1)
	require.NoError(t, os.WriteFile(s.shopFile(), []byte(broken), 0o644))
	d := s.doer(t, "nginx.upstream")
	p, err := d.Preview(t.Context(), s.down(t))
	require.NoError(t, err)
	require.Contains(t, strings.Join(p.Warnings, " "), "no_such_thing")
	require.Contains(t, strings.Join(p.Warnings, " "), s.shopFile()+":8")
	_, err = d.Apply(t.Context(), action.Order{Change: s.down(t), Preview: p, Key: "INC-1.1.1-a", Intended: time.Now()})
	notMade(t, err)
	require.Equal(t, broken, read(t, s.shopFile()), "the former text is back")
	require.Zero(t, s.loads(t))
}

// nginx -t takes a listener whose port is in use; the master does not.
func TestWhatTheMasterDoesNotLoadIsTakenBack(t *testing.T) {
	t.Parallel()
	s := start(t, "")
	d := s.doer(t, "nginx.upstream")
	o := order(t, d, s.down(t))
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer busy.Close()
	require.NoError(t, os.WriteFile(filepath.Join(s.Dir, "snippets/busy.conf"), []byte("server { listen "+busy.Addr().String()+"; }\n"), 0o644))
	before := read(t, s.shopFile())
	info, err := os.Stat(s.shopFile())
	require.NoError(t, err)
	_, err = d.Apply(t.Context(), o)
	require.Contains(t, notMade(t, err).Text, "Address already in use")
	require.Equal(t, before, read(t, s.shopFile()))
	again, err := os.Stat(s.shopFile())
	require.NoError(t, err)
	require.Equal(t, info.ModTime(), again.ModTime(), "it looks as if it had never been away")
	require.Contains(t, s.backends(t), "b:", "it goes on with what it had")
	standing, err := d.Standing(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, action.NotMade, standing.State)
}

// The master is stopped, so the one who acts waits for new workers, and is
// killed there: written and not loaded.
func TestAKillBetweenWritingAndLoadingIsTold(t *testing.T) {
	t.Parallel()
	s := start(t, "")
	d := s.doer(t, "nginx.upstream")
	o := order(t, d, s.down(t))
	before := read(t, s.shopFile())
	master := s.Proc.Cmd.Process
	require.NoError(t, master.Signal(syscall.SIGSTOP))
	t.Cleanup(func() { _ = master.Signal(syscall.SIGCONT) })

	text, err := json.Marshal(errand{s.settings(), o})
	require.NoError(t, err)
	self, err := os.Executable()
	require.NoError(t, err)
	applier := exec.Command(self)
	applier.Env = append(os.Environ(), asApplier+"="+string(text))
	require.NoError(t, applier.Start())
	t.Cleanup(func() { _ = applier.Process.Kill(); _ = applier.Wait() })
	eventually(t, "the file is written", func() bool { return read(t, s.shopFile()) != before })
	require.NoError(t, applier.Process.Kill())
	_ = applier.Wait()

	standing, err := s.doer(t, "nginx.upstream").Standing(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, action.PartlyMade, standing.State)
	require.Contains(t, standing.Text, "nginx.reload")
	require.NotNil(t, standing.Done.Inverse, "a person can choose to take it back")
	p, err := d.Preview(t.Context(), o.Change)
	require.NoError(t, err)
	require.False(t, p.Already, "there is something left to do")

	// It is undone from there.
	require.NoError(t, master.Signal(syscall.SIGCONT))
	undo := s.doer(t, "nginx.restore")
	_, err = undo.Apply(t.Context(), order(t, undo, *standing.Done.Inverse))
	require.NoError(t, err)
	require.Equal(t, before, read(t, s.shopFile()))
	require.Contains(t, s.backends(t), "b:")
}

// Written by somebody who died before the signal: applying it again only loads.
func TestWhatIsWrittenAndNotLoadedIsFinished(t *testing.T) {
	t.Parallel()
	s := start(t, "")
	d := s.doer(t, "nginx.upstream")
	o := order(t, d, s.down(t))
	text := strings.Replace(read(t, s.shopFile()), "fail_timeout=5s", "fail_timeout=5s down", 1)
	var standing action.Standing
	eventually(t, "the file is younger than the workers", func() bool {
		require.NoError(t, os.WriteFile(s.shopFile(), []byte(text), 0o644))
		var err error
		standing, err = d.Standing(t.Context(), o)
		return err == nil && standing.State == action.PartlyMade
	})
	_, err := d.Apply(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, 1, s.loads(t))
	require.NotContains(t, s.backends(t), "b:")
}

func TestADrainedServerIsWaitedFor(t *testing.T) {
	t.Parallel()
	s := start(t, `server { listen 127.0.0.1:PORT; server_name slow.test; location / { root DIR/slow; limit_rate 1; } }`)
	require.NoError(t, os.Mkdir(filepath.Join(s.Dir, "slow"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(s.Dir, "slow/long"), []byte(strings.Repeat("x", 1000)), 0o644))
	slow, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.Port))
	require.NoError(t, err)
	defer slow.Close()
	_, err = slow.Write([]byte("GET /long HTTP/1.1\r\nHost: slow.test\r\n\r\n"))
	require.NoError(t, err)
	_, err = slow.Read(make([]byte, 1)) // the long answer is under way
	require.NoError(t, err)

	d := s.doer(t, "nginx.upstream")
	o := order(t, d, change(t, "nginx.upstream", map[string]any{"upstream": "shop", "server": s.b, "state": "drain"}))
	short, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_, err = d.Apply(short, o)
	var failure *action.Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, action.PartlyMade, failure.State)
	require.NotNil(t, failure.Done.Inverse)
	standing, err := d.Standing(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, action.PartlyMade, standing.State)
	require.Contains(t, standing.Text, "still finish")
	require.NoError(t, slow.Close())
	eventually(t, "the old workers have ended", func() bool {
		standing, err = d.Standing(t.Context(), o)
		return err == nil && standing.State == action.Made
	})
	require.Equal(t, 1, s.loads(t))
}

func TestOnlyTheMasterThatIsMeantIsSignalled(t *testing.T) {
	t.Parallel()
	s := start(t, "")
	other := start(t, "")
	stranger := exec.Command("sleep", "600")
	require.NoError(t, stranger.Start())
	t.Cleanup(func() { _ = stranger.Process.Kill(); _ = stranger.Wait() })
	pidfile := func(text string) string {
		path := filepath.Join(t.TempDir(), "pid")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		return path
	}
	for name, c := range map[string]struct {
		key, value, says string
	}{
		"another nginx":               {"pidfile", other.Dir + "/pid", "it has loaded " + other.Dir},
		"another program":             {"pidfile", pidfile(strconv.Itoa(stranger.Process.Pid)), "no nginx master"},
		"a worker":                    {"pidfile", pidfile(strconv.Itoa(worker(t, s))), "no nginx master"},
		"nobody":                      {"pidfile", pidfile("4194000"), "there is no process"},
		"no pid":                      {"pidfile", pidfile("x"), "no pid"},
		"everybody":                   {"pidfile", pidfile("-1"), "no pid"},
		"no file":                     {"pidfile", "/nowhere/pid", "does not run"},
		"a program that is none":      {"binary", "/bin/true", "no nginx"},
		"a program that is not there": {"binary", "/no/nginx", "not started"},
	} {
		t.Run(name, func(t *testing.T) {
			settings := s.settings()
			settings[c.key] = c.value
			d, _ := open(t, settings).(action.Changer).Doer("nginx.reload")
			_, err := d.Preview(t.Context(), action.Change{Type: "nginx.reload", Args: action.Args{}})
			var unavailable *action.Unavailable
			require.ErrorAs(t, err, &unavailable)
			require.ErrorContains(t, err, c.says)
		})
	}
	require.Zero(t, other.loads(t))
}

// worker is the pid of a worker of a site.
func worker(t *testing.T, s *site) int {
	t.Helper()
	master := strconv.Itoa(s.Proc.Cmd.Process.Pid)
	out, err := os.ReadFile("/proc/" + master + "/task/" + master + "/children")
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.Fields(string(out))[0])
	require.NoError(t, err)
	return pid
}

func TestFormerTextsAreNeverIncluded(t *testing.T) {
	t.Parallel()
	s := start(t, "")
	settings := s.settings()
	settings["backups"] = s.Dir + "/sites-enabled"
	d, _ := open(t, settings).(action.Changer).Doer("nginx.upstream")
	_, err := d.Preview(t.Context(), s.down(t))
	var refusal *action.Refusal
	require.ErrorAs(t, err, &refusal)
	require.ErrorContains(t, err, "set backups")
	settings["backups"] = settings["snippets"]
	_, err = nginx.Kind().Open(settings, connector.Tools{})
	require.ErrorContains(t, err, "same directory")
}
