package gunicorn_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/action/actiontest"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/gunicorn"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/pid"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/realserver"
)

// patience bounds what is waited for, and step how often it is looked at.
const (
	patience = 20 * time.Second
	step     = 20 * time.Millisecond
)

// server is a real gunicorn with its workers up.
type server struct {
	*realserver.Gunicorn
	settings connector.Settings
}

func started(t *testing.T, workers int, args ...string) server {
	t.Helper()
	g := realserver.StartGunicorn(t, append([]string{"-w", strconv.Itoa(workers)}, args...)...)
	s := server{g, connector.Settings{"pidfile": g.Pidfile, "timeout": "20s"}}
	require.Eventually(t, func() bool {
		up := 0
		for _, r := range answer(t, s.settings)["list"].([]any) {
			if r.(map[string]any)["up"] == true {
				up++
			}
		}
		return up == workers
	}, patience, step)
	time.Sleep(2 * pid.Slack) // the workers are older than any decision, for the kernel too
	return s
}

// workers are the children of the master, as the kernel shows them.
func (s server) workers(t *testing.T) (out []pid.ID) {
	t.Helper()
	tree, err := pid.All(context.Background())
	require.NoError(t, err)
	for _, p := range tree.Children(s.Proc.Cmd.Process.Pid) {
		out = append(out, p.ID)
	}
	return out
}

func (s server) world(t *testing.T) string { return fmt.Sprint(s.workers(t)) }

// handled counts the signals that gunicorn says it has handled.
func (s server) handled(t *testing.T, signal string) int {
	t.Helper()
	log, err := os.ReadFile(s.Log)
	require.NoError(t, err)
	return strings.Count(string(log), "Handling signal: "+signal)
}

// loads counts how often the application's code was loaded.
func (s server) loads(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.Dir, "loaded"))
	if err != nil {
		return 0
	}
	return strings.Count(string(text), "\n")
}

func open(t *testing.T, s connector.Settings) connector.Target {
	t.Helper()
	target, err := gunicorn.Kind().Open(s, connector.Tools{})
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, target.Close())
		require.NoError(t, target.Close())
	})
	return target
}

func specOf(t *testing.T, name string) action.Spec {
	t.Helper()
	for _, s := range gunicorn.Kind().Actions {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("there is no action %s", name)
	return action.Spec{}
}

func doerOf(t *testing.T, s connector.Settings, name string) action.Doer {
	t.Helper()
	d, ok := open(t, s).(action.Changer).Doer(name)
	require.True(t, ok)
	return d
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func preview(t *testing.T, s connector.Settings, name string, args map[string]any) (action.Order, error) {
	t.Helper()
	complete, err := specOf(t, name).Complete(args)
	require.NoError(t, err)
	change := action.Change{Type: name, Args: complete}
	p, err := doerOf(t, s, name).Preview(within(t), change)
	return action.Order{Change: change, Preview: p, Key: "INC-9.1.1", By: "tester", Intended: time.Now()}, err
}

func planned(t *testing.T, s connector.Settings, name string, args map[string]any) action.Order {
	t.Helper()
	o, err := preview(t, s, name, args)
	require.NoError(t, err)
	require.False(t, o.Preview.Already, o.Preview.Summary)
	return o
}

func apply(t *testing.T, s connector.Settings, o action.Order) (action.Done, error) {
	t.Helper()
	return doerOf(t, s, o.Type).Apply(within(t), o)
}

func standing(t *testing.T, s connector.Settings, o action.Order) action.Standing {
	t.Helper()
	st, err := doerOf(t, s, o.Type).Standing(within(t), o)
	require.NoError(t, err)
	return st
}

func refuses(t *testing.T, err error, says string) {
	t.Helper()
	var refusal *action.Refusal
	require.ErrorAs(t, err, &refusal)
	require.ErrorContains(t, err, says)
}

func fails(t *testing.T, err error, state action.State, says string) {
	t.Helper()
	var failure *action.Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, state, failure.State, failure.Text)
	require.ErrorContains(t, err, says)
}

func TestEveryActionKeepsTheContract(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args    map[string]any
		effects func(t *testing.T, s server, before []pid.ID) int
		same    func(t *testing.T, s server)
		action  string
	}{
		"reload":          {action: "gunicorn.reload", effects: func(t *testing.T, s server, _ []pid.ID) int { return s.handled(t, "hup") }},
		"more workers":    {action: "gunicorn.workers", args: map[string]any{"count": 3}, effects: func(t *testing.T, s server, _ []pid.ID) int { return s.handled(t, "ttin") }},
		"fewer workers":   {action: "gunicorn.workers", args: map[string]any{"count": 1}, effects: func(t *testing.T, s server, _ []pid.ID) int { return s.handled(t, "ttou") }},
		"restart workers": {action: "gunicorn.restart_workers", effects: func(t *testing.T, s server, before []pid.ID) int { return gone(before) / len(before) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := started(t, 2)
			before := s.workers(t)
			actiontest.Run(t, actiontest.Case{
				Spec: specOf(t, c.action), Args: c.args, Settles: patience,
				Open:    func(t *testing.T) action.Changer { return open(t, s.settings).(action.Changer) },
				World:   s.world,
				Effects: func(t *testing.T) int { return c.effects(t, s, before) },
				Gone: func(t *testing.T) action.Changer {
					return open(t, connector.Settings{"pidfile": s.Pidfile + ".gone"}).(action.Changer)
				},
				Same: func(t *testing.T, _, _ string) { require.Len(t, s.workers(t), 2) },
			})
		})
	}
}

func gone(ids []pid.ID) (n int) {
	for _, id := range ids {
		if !pid.Lives(id) {
			n++
		}
	}
	return n
}

func TestAReloadLoadsTheCodeAnewUnlessItIsPreloaded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args  []string
		conf  string
		loads int // by a reload of two workers
		says  string
	}{
		"not preloaded":               {loads: 2},
		"preloaded by a flag":         {args: []string{"--preload"}, says: "have the old code"},
		"preloaded by its own file":   {conf: "preload_app = True\n", says: "have the old code"},
		"nobody can know from a file": {conf: "preload_app = bool(0)\n", loads: 2, says: "is not known"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.conf != "" {
				file := filepath.Join(t.TempDir(), "conf.py")
				require.NoError(t, os.WriteFile(file, []byte(c.conf), 0o644))
				c.args = append(c.args, "-c", file)
			}
			s := started(t, 2, c.args...)
			require.Eventually(t, func() bool { return s.loads(t) == max(c.loads, 1) }, patience, step)
			before := s.loads(t)
			order := planned(t, s.settings, "gunicorn.reload", nil)
			require.Contains(t, strings.Join(order.Preview.Warnings, "; "), c.says)
			if c.says == "" {
				require.NotContains(t, strings.Join(order.Preview.Warnings, "; "), "preloaded")
			}
			_, err := apply(t, s.settings, order)
			require.NoError(t, err)
			require.Eventually(t, func() bool { return s.loads(t)-before == c.loads }, patience, step)
		})
	}
}

// gunicorn ends when a new worker cannot load the code: the worst that a reload
// can do is told, and not taken for a success.
func TestAReloadOfBrokenCodeIsNoSuccess(t *testing.T) {
	t.Parallel()
	s := started(t, 2)
	require.NoError(t, os.WriteFile(filepath.Join(s.Dir, "app.py"), []byte("import no_such_module\n"), 0o644))
	order := planned(t, s.settings, "gunicorn.reload", nil)
	require.Contains(t, strings.Join(order.Preview.Warnings, "; "), "gunicorn ends altogether")
	_, err := apply(t, s.settings, order)
	fails(t, err, action.PartlyMade, "gunicorn has ended by the reload")
	_, err = doerOf(t, s.settings, "gunicorn.reload").Standing(within(t), order)
	var unavailable *action.Unavailable
	require.ErrorAs(t, err, &unavailable)
}

// A worker that serves a long request goes on with it after the reload.
func TestAReloadDoesNotCutRequestsOff(t *testing.T) {
	t.Parallel()
	s := started(t, 2)
	answer := make(chan error, 1)
	go func() {
		resp, err := http.Get("http://" + s.Address + "/slow?5")
		if err == nil {
			_ = resp.Body.Close()
		}
		answer <- err
	}()
	require.Eventually(t, func() bool { // the request has reached a worker
		tree, err := pid.All(t.Context())
		require.NoError(t, err)
		n, known := pid.Connections(t.Context(), tree.Children(s.Proc.Cmd.Process.Pid))
		return known && n > 0
	}, patience, step)
	s.settings["timeout"] = "2500ms"
	order := planned(t, s.settings, "gunicorn.reload", nil)
	done, err := apply(t, s.settings, order)
	require.NoError(t, err)
	// On a busy machine the other one may still be ending.
	require.Regexp(t, `\b[12] old workers? still at what it does`, done.Summary)
	require.NoError(t, <-answer)
	require.Eventually(t, func() bool { return standing(t, s.settings, order).State == action.Made }, patience, step)
}

func TestWorkersAreCountedWithinBounds(t *testing.T) {
	t.Parallel()
	s := started(t, 1)
	s.settings["most"] = 4
	for says, n := range map[string]any{"whole number": 1.5, "from 1 on": 0, "more than the 4": 5} {
		_, err := preview(t, s.settings, "gunicorn.workers", map[string]any{"count": n})
		refuses(t, err, says)
	}
	order := planned(t, s.settings, "gunicorn.workers", map[string]any{"count": 4, "for": "10m"})
	require.Equal(t, 10*time.Minute, order.Preview.Lasts)
	done, err := apply(t, s.settings, order)
	require.NoError(t, err)
	require.Equal(t, 3, s.handled(t, "ttin"))
	require.Equal(t, 1, int(done.Inverse.Args.Number("count")))
	require.Len(t, s.workers(t), 4)

	// Somebody else changes the number between the approval and the act.
	order = planned(t, s.settings, "gunicorn.workers", map[string]any{"count": 2})
	require.NoError(t, syscall.Kill(s.Proc.Cmd.Process.Pid, syscall.SIGTTOU))
	require.Eventually(t, func() bool { return len(s.workers(t)) == 3 }, patience, step)
	_, err = apply(t, s.settings, order)
	fails(t, err, action.NotMade, "workers has changed since this was approved")
	require.Len(t, s.workers(t), 3)
}

func TestOnlyTheWorkersThatAreNamedAreReplaced(t *testing.T) {
	t.Parallel()
	s := started(t, 3)
	before := s.workers(t)
	order := planned(t, s.settings, "gunicorn.restart_workers", map[string]any{"workers": []any{map[string]any{"pid": before[1].PID}, os.Getpid()}})
	require.Len(t, order.Preview.Items, 1)
	require.Contains(t, strings.Join(order.Preview.Warnings, "; "), "1 of the processes are no workers")
	_, err := apply(t, s.settings, order)
	require.NoError(t, err)
	require.True(t, pid.Lives(before[0]))
	require.False(t, pid.Lives(before[1]))
	require.True(t, pid.Lives(before[2]))
	require.Len(t, s.workers(t), 3)
	_, err = preview(t, s.settings, "gunicorn.restart_workers", map[string]any{"workers": []any{float64(os.Getpid())}})
	refuses(t, err, "none of the processes is a worker")
	_, err = preview(t, s.settings, "gunicorn.restart_workers", map[string]any{"workers": []any{"all"}})
	refuses(t, err, "no process number")
}

func TestAnotherMasterThanWasApprovedIsLeftAlone(t *testing.T) {
	t.Parallel()
	one, two := started(t, 1), started(t, 1)
	for name, args := range map[string]map[string]any{"gunicorn.reload": nil, "gunicorn.workers": {"count": 2}, "gunicorn.restart_workers": nil} {
		order := planned(t, one.settings, name, args)
		number, err := os.ReadFile(two.Pidfile)
		require.NoError(t, err)
		// The pidfile names another master by now, as after a restart.
		moved := filepath.Join(t.TempDir(), "pid")
		require.NoError(t, os.WriteFile(moved, number, 0o644))
		require.NoError(t, os.Rename(moved, one.Pidfile))
		_, err = apply(t, one.settings, order)
		fails(t, err, action.NotMade, "")
		require.NoError(t, os.WriteFile(one.Pidfile, fmt.Append(nil, one.Proc.Cmd.Process.Pid), 0o644))
	}
	require.Zero(t, two.handled(t, "hup")+two.handled(t, "ttin"))
	require.Len(t, two.workers(t), 1)
}

func TestTheMasterIsFoundByItsCommandLine(t *testing.T) {
	t.Parallel()
	s := started(t, 2)
	by := connector.Settings{"match": s.Address}
	v := answer(t, by)
	require.Equal(t, int64(s.Proc.Cmd.Process.Pid), v["master_pid"])
	require.Equal(t, int64(2), v["workers"])
	require.Equal(t, int64(2), v["configured"])
	require.Equal(t, "no", v["preload"])
	require.Equal(t, false, v["master_halted"])
	require.Positive(t, v["rss_bytes"])
	rows := v["list"].([]any)
	require.Len(t, rows, 2)
	require.Less(t, rows[1].(map[string]any)["age_s"], 60.0)

	other := started(t, 1)
	_, err := preview(t, connector.Settings{"match": fmt.Sprintf("(%s|%s)", s.Address, other.Address)}, "gunicorn.reload", nil)
	refuses(t, err, "2 masters match")

	require.NoError(t, syscall.Kill(s.Proc.Cmd.Process.Pid, syscall.SIGSTOP))
	t.Cleanup(func() { _ = syscall.Kill(s.Proc.Cmd.Process.Pid, syscall.SIGCONT) })
	require.Eventually(t, func() bool { return answer(t, by)["master_halted"] == true }, patience, step)
	_, err = preview(t, by, "gunicorn.reload", nil)
	refuses(t, err, "is halted")
}

func TestAnUpgradeUnderWayIsNotDisturbed(t *testing.T) {
	t.Parallel()
	s := started(t, 1)
	require.NoError(t, syscall.Kill(s.Proc.Cmd.Process.Pid, syscall.SIGUSR2))
	require.Eventually(t, func() bool {
		_, err := preview(t, connector.Settings{"match": s.Address}, "gunicorn.reload", nil)
		return err != nil && strings.Contains(err.Error(), "an upgrade of gunicorn is under way")
	}, patience, step)
}

func TestWhatIsNoGunicornIsRefused(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "pid")
	require.NoError(t, os.WriteFile(file, fmt.Append(nil, os.Getpid()), 0o644))
	_, err := preview(t, connector.Settings{"pidfile": file}, "gunicorn.reload", nil)
	refuses(t, err, "is no gunicorn")
	for says, s := range map[string]connector.Settings{"match: error": {"match": "("}, "most must": {"match": "x", "most": 0}} {
		_, err := gunicorn.Kind().Open(s, connector.Tools{})
		require.ErrorContains(t, err, says)
	}
}

func answer(t *testing.T, s connector.Settings) map[string]any {
	t.Helper()
	target := open(t, s)
	a := target.Ask(within(t), probe.Question{Lang: "probe", Builtin: "gunicorn.workers"})
	require.Equal(t, evidence.Answered, a.Status, a.Reason, a.Reason)
	for _, c := range target.(connector.Examiner).Examine(within(t)) {
		require.True(t, c.OK, c.Detail)
	}
	return a.Value.(map[string]any)
}
