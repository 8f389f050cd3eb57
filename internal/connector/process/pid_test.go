package process_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/pid"
	"github.com/quellhq/quell/internal/realserver"
)

// bare is a service that nobody looks after, playing a role.
func bare(t *testing.T, role ...string) world {
	t.Helper()
	j := newJournal(t)
	t.Cleanup(func() { j.kill(t) })
	w := world{journal: j, settings: connector.Settings{
		"manager": "pid", "pidfile": string(j) + ".pid", "start": []any{self(t)}, "steady": "200ms",
		"log": string(j) + ".log", "stop_timeout": "5s",
		"env": map[string]any{roleKey: strings.Join(append([]string{string(j)}, role...), " "), "APP_SECRET": "hunter22"},
	}}
	w.ready = func(t *testing.T, running bool) {
		if running {
			made(t, w.settings, "process.start", nil)
			w.journal.awaits(t, 1)
		}
	}
	return w
}

func TestAServiceOfAPidfileKeepsTheContract(t *testing.T) {
	t.Parallel()
	holdToTheContract(t, func(t *testing.T, _ string) world { return bare(t, "workers") },
		"process.start", "process.stop", "process.restart", "process.reload")
}

func TestAServiceThatWritesItsOwnPidfileKeepsTheContract(t *testing.T) {
	t.Parallel()
	holdToTheContract(t, func(t *testing.T, _ string) world {
		w := bare(t, "workers", "own-pidfile")
		w.settings["writes_pidfile"] = true
		return w
	}, "process.start", "process.stop", "process.restart")
}

func TestWhatIsStartedLivesInASessionOfItsOwn(t *testing.T) {
	t.Parallel()
	w := bare(t)
	w.ready(t, true)
	procs := w.journal.running(t)
	require.Len(t, procs, 1)
	require.Equal(t, procs[0].PID, procs[0].Session)
	env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", procs[0].PID))
	require.NoError(t, err)
	require.NotContains(t, string(env), "GOPATH", "our environment was handed on")
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", procs[0].PID))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, f := range files {
		link, _ := os.Readlink(f)
		require.NotEqual(t, w.settings["pidfile"], link, "the pidfile stays open in the service")
	}
}

func TestAServiceThatDoesNotHeedIsKilledOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	w := bare(t, "deaf")
	w.settings["stop_timeout"] = "300ms"
	w.ready(t, true)
	order := planned(t, w.settings, "process.restart", nil)
	_, err := apply(t, w.settings, order)
	fails(t, err, action.NotMade, "has not ended within 300ms of TERM")
	require.Equal(t, action.NotMade, standing(t, w.settings, order).State)
	require.Equal(t, 1, w.journal.count(t, "start"))

	order = planned(t, w.settings, "process.restart", map[string]any{"kill": true})
	require.Equal(t, action.R3, order.Preview.Risk)
	_, err = apply(t, w.settings, order)
	require.NoError(t, err)
	require.Equal(t, 2, w.journal.count(t, "start"))
	require.Len(t, w.journal.running(t), 1)
}

func TestChildrenThatOutliveTheirMasterAreNotLeft(t *testing.T) {
	t.Parallel()
	w := bare(t, "stubborn")
	w.settings["stop_timeout"] = "3s"
	w.ready(t, true)
	var worker pid.ID
	require.Eventually(t, func() bool {
		tree, err := pid.All(t.Context())
		require.NoError(t, err)
		children := tree.Children(w.journal.running(t)[0].PID)
		if len(children) == 1 {
			worker = children[0].ID
		}
		return len(children) == 1
	}, patience, step)
	t.Cleanup(func() { _ = pid.Signal(worker, syscall.SIGKILL) })
	order := planned(t, w.settings, "process.restart", nil)
	_, err := apply(t, w.settings, order)
	fails(t, err, action.PartlyMade, "1 of its children have not")
	require.Equal(t, action.PartlyMade, standing(t, w.settings, order).State)
	require.True(t, pid.Lives(worker))
	require.Empty(t, w.journal.running(t), "it was started beside what is left of it")

	order.Resumes = true
	_, err = apply(t, w.settings, order)
	fails(t, err, action.PartlyMade, "which is left of it: end that first")
	require.Empty(t, w.journal.running(t), "applied again it was")
	require.NoError(t, pid.Signal(worker, syscall.SIGKILL))
	require.Empty(t, pid.AwaitEnd(t.Context(), patience, worker))
	_, err = apply(t, w.settings, order)
	require.NoError(t, err)
	require.Equal(t, action.Made, standing(t, w.settings, order).State)
	require.Len(t, w.journal.running(t), 1)
}

// Killed between the stop and the start, a restart has left the service down.
// The same order applied again starts it, once.
func TestARestartThatWasCutInHalfIsFinishedByTheSameOrder(t *testing.T) {
	t.Parallel()
	w := bare(t)
	w.ready(t, true)
	order := planned(t, w.settings, "process.restart", nil)
	running := w.journal.running(t)
	require.Len(t, running, 1)
	require.NoError(t, pid.Signal(running[0].ID, syscall.SIGTERM))
	require.Empty(t, pid.AwaitEnd(t.Context(), patience, running[0].ID))
	require.Equal(t, action.PartlyMade, standing(t, w.settings, order).State)

	order.Resumes = true
	_, err := apply(t, w.settings, order)
	require.NoError(t, err)
	require.Equal(t, action.Made, standing(t, w.settings, order).State)
	_, err = apply(t, w.settings, order)
	require.NoError(t, err)
	require.Len(t, w.journal.running(t), 1)
}

func TestAServiceThatEndsAtOnceHasNotStarted(t *testing.T) {
	t.Parallel()
	w := bare(t, "frail")
	w.settings["steady"] = "10s" // a busy machine may take a while to let it end
	order := planned(t, w.settings, "process.start", nil)
	_, err := apply(t, w.settings, order)
	fails(t, err, action.NotMade, "ended at once: cannot go on")
	require.NotContains(t, err.Error(), "hunter22")
	require.Equal(t, action.NotMade, standing(t, w.settings, order).State)
}

func TestARestartWhoseServiceDoesNotComeBackSaysSo(t *testing.T) {
	t.Parallel()
	w := bare(t)
	w.ready(t, true)
	w.settings["steady"] = "10s" // as above
	w.settings["env"].(map[string]any)[roleKey] = string(w.journal) + " frail"
	order := planned(t, w.settings, "process.restart", nil)
	_, err := apply(t, w.settings, order)
	fails(t, err, action.PartlyMade, "is stopped, and not started")
	require.Equal(t, action.PartlyMade, standing(t, w.settings, order).State)
}

// A restart that could not start again is not begun.
func TestNothingIsStoppedThatCouldNotBeStarted(t *testing.T) {
	t.Parallel()
	w := bare(t)
	w.ready(t, true)
	order := planned(t, w.settings, "process.restart", nil)
	w.settings["start"] = []any{"/no/such/program"}
	_, err := apply(t, w.settings, order)
	fails(t, err, action.NotMade, "it was not stopped")
	require.Len(t, w.journal.running(t), 1)
	delete(w.settings, "start")
	_, _, err = preview(t, w.settings, "process.restart", nil)
	refuses(t, err, "no setting start")
}

func TestAnotherRunThanWasApprovedIsLeftAlone(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"process.stop", "process.restart", "process.reload"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := bare(t, "workers")
			w.ready(t, true)
			order := planned(t, w.settings, name, nil)
			made(t, w.settings, "process.restart", nil) // somebody else is faster
			w.journal.awaits(t, 2)
			order.Intended = time.Now().Add(time.Second)
			before := w.shown(t)
			_, err := apply(t, w.settings, order)
			fails(t, err, action.NotMade, "has changed since this was approved")
			require.Equal(t, before, w.shown(t))
			require.NotEqual(t, action.Made, standing(t, w.settings, order).State)
		})
	}
}

func TestAServiceThatWasStoppedMeanwhileIsNotRestarted(t *testing.T) {
	t.Parallel()
	w := bare(t)
	w.ready(t, true)
	order := planned(t, w.settings, "process.restart", nil)
	made(t, w.settings, "process.stop", nil)
	_, err := apply(t, w.settings, order)
	fails(t, err, action.NotMade, "has changed since")
	require.Empty(t, w.journal.running(t))
}

func TestTwoWhoApplyAtOnceStartOneService(t *testing.T) {
	t.Parallel()
	w := bare(t)
	order := planned(t, w.settings, "process.start", nil)
	errs := make(chan error, 4)
	for range cap(errs) {
		d := doerOf(t, w.settings, "process.start")
		go func() { _, err := d.Apply(t.Context(), order); errs <- err }()
	}
	for range cap(errs) {
		require.NoError(t, <-errs)
	}
	require.Eventually(t, func() bool { return w.journal.count(t, "start") > 0 }, patience, step) // it writes that itself, once it runs
	time.Sleep(10 * step)
	require.Equal(t, 1, w.journal.count(t, "start"))
}

func TestASignalThatWouldEndTheServiceIsNoReload(t *testing.T) {
	t.Parallel()
	w := bare(t)
	w.settings["start"] = []any{"/bin/sleep", "600"}
	made(t, w.settings, "process.start", nil)
	t.Cleanup(func() { made(t, w.settings, "process.stop", nil) })
	_, _, err := preview(t, w.settings, "process.reload", nil)
	refuses(t, err, "does not catch HUP")
}

func TestAReloadThatNothingShowsIsNotClaimedAfterACrash(t *testing.T) {
	t.Parallel()
	w := bare(t) // without workers
	w.ready(t, true)
	order := planned(t, w.settings, "process.reload", nil)
	require.Equal(t, action.CannotTell, standing(t, w.settings, order).State)
	done, err := apply(t, w.settings, order)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return w.journal.count(t, "reload") == 1 }, patience, step)
	require.Equal(t, action.CannotTell, standing(t, w.settings, order).State)
	order.Done = &done
	require.Equal(t, action.Made, standing(t, w.settings, order).State)
}

func TestAPidfileThatNamesAnotherProcessIsNotBelieved(t *testing.T) {
	t.Parallel()
	stranger := bare(t)
	stranger.ready(t, true)
	other := stranger.journal.running(t)[0]
	for name, c := range map[string]struct {
		mode    os.FileMode
		changed time.Time
		match   string
		text    string
		says    string // refused so
		state   string // or: does not run, and why
	}{
		"anybody may write it":                  {mode: 0o666, says: "anybody may write it"},
		"it is older than the process":          {changed: time.Now().Add(-time.Hour), says: "may be another's"},
		"the command line is not the service's": {match: "orders-api", state: "the pidfile is old"},
		"it holds no number":                    {text: "x", says: "no process number"},
		"it holds the number of a group":        {text: "-1", says: "no process number"},
		"it is empty":                           {text: "\n", state: "empty"},
		"nobody has that number":                {text: "4194303", state: "has ended"},
		"it names process 1":                    {text: "1", match: ".*", says: "process 1 is the machine's own"},
		"it names us":                           {text: fmt.Sprint(os.Getpid()), match: ".*", says: "quell itself"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "svc.pid")
			if c.text == "" {
				c.text = fmt.Sprint(other.PID)
			}
			require.NoError(t, os.WriteFile(path, []byte(c.text), 0o644))
			if c.mode != 0 {
				require.NoError(t, os.Chmod(path, c.mode))
			}
			if !c.changed.IsZero() {
				require.NoError(t, os.Chtimes(path, c.changed, c.changed))
			}
			s := connector.Settings{"manager": "pid", "pidfile": path, "start": []any{"/bin/true"}, "match": c.match}
			p, _, err := preview(t, s, "process.stop", nil)
			if c.says != "" {
				refuses(t, err, c.says)
			} else {
				require.NoError(t, err)
				require.True(t, p.Already)
				require.Contains(t, p.Summary, c.state)
			}
			require.True(t, pid.Lives(other.ID))
		})
	}
}

func TestThePreviewCountsTheConnectionsThatBreak(t *testing.T) {
	t.Parallel()
	address := fmt.Sprintf("127.0.0.1:%d", realserver.Port(t))
	w := bare(t, "port="+address)
	w.settings["health"] = address
	w.ready(t, true)
	for range 3 {
		c, err := dial(address)
		require.NoError(t, err)
		t.Cleanup(func() { _ = c.Close() })
	}
	require.Eventually(t, func() bool {
		p, _, err := preview(t, w.settings, "process.stop", nil)
		require.NoError(t, err)
		return strings.Contains(strings.Join(p.Warnings, "; "), "3 open TCP connections")
	}, patience, step)
}

func TestTheStateOfAServiceIsTold(t *testing.T) {
	t.Parallel()
	address := fmt.Sprintf("127.0.0.1:%d", realserver.Port(t))
	w := bare(t, "workers", "port="+address)
	w.settings["health"] = "http://" + address + "/missing"
	v := state(t, w.settings)
	require.Equal(t, false, v["running"])
	require.Equal(t, false, v["healthy"])
	require.Contains(t, v["health"], "nothing answers")
	w.settings["start_timeout"] = "500ms"
	done := made(t, w.settings, "process.start", nil)
	require.Contains(t, done.Summary, "not healthy yet") // it answers 404
	v = state(t, w.settings)
	require.Equal(t, true, v["running"])
	require.Contains(t, v["health"], "404")
	i := instances(v)[0]
	require.Equal(t, int64(w.journal.running(t)[0].PID), i["pid"])
	require.Equal(t, int64(2), i["processes"])
	require.Positive(t, i["rss_bytes"])
	require.Positive(t, i["fds"])
	require.NotNil(t, i["connections"])
	require.Less(t, i["age_s"], 30.0)
	w.settings["health"] = address
	require.Equal(t, true, state(t, w.settings)["healthy"])
}
