package celery_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/action/actiontest"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/realserver"
)

// employer opens a target that declares workers.
func (s *site) employer(t testing.TB, argv ...string) action.Changer {
	t.Helper()
	if len(argv) == 0 {
		argv = []string{s.python, "-m", "celery", "-A", "app", "worker", "-n", "{name}@%h", "-c", "1", "-l", "warning"}
	}
	env := map[string]any{}
	for _, pair := range s.environ(t) {
		name, value, _ := strings.Cut(pair, "=")
		env[name] = value
	}
	return open(t, connector.Settings{
		"url": s.server.URL(), "worker": argv, "worker_env": env, "worker_dir": s.dir, "run_dir": filepath.Join(s.dir, "run"),
	}).(action.Changer)
}

// working lists the processes of workers that were started here and live.
func (s *site) working(t testing.TB) string {
	t.Helper()
	records, err := filepath.Glob(filepath.Join(s.dir, "run", "*.run"))
	require.NoError(t, err)
	var live []string
	for _, r := range records {
		data, err := os.ReadFile(r)
		require.NoError(t, err)
		number, _, _ := strings.Cut(string(data), " ")
		if stat, err := os.ReadFile("/proc/" + number + "/stat"); err == nil && !strings.Contains(string(stat), ") Z ") {
			live = append(live, filepath.Base(r))
		}
	}
	return strings.Join(live, "\n")
}

// stopAll ends what a test has left.
func (s *site) stopAll(t testing.TB) {
	t.Helper()
	t.Cleanup(func() {
		records, _ := filepath.Glob(filepath.Join(s.dir, "run", "*.run"))
		for _, r := range records {
			var number int
			data, _ := os.ReadFile(r)
			if _, err := fmt.Sscan(string(data), &number); err == nil {
				if p, err := os.FindProcess(number); err == nil && strings.Contains(s.working(t), filepath.Base(r)) {
					_ = p.Kill()
				}
			}
		}
	})
}

func TestStartWorkerKeepsTheContract(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.stopAll(t)
	actiontest.Run(t, actiontest.Case{
		Spec: hands.Spec(t, "celery.start_worker"), Args: map[string]any{"count": 2, "for": "1h"},
		Open:  func(t *testing.T) action.Changer { return s.employer(t) },
		World: s.workingT,
		Gone: func(t *testing.T) action.Changer {
			return open(t, connector.Settings{"url": "redis://127.0.6.9:1", "worker": []string{"celery", "{name}"}, "run_dir": t.TempDir()}).(action.Changer)
		},
		Effects: func(t *testing.T) int {
			records, err := filepath.Glob(filepath.Join(s.dir, "run", "*.run"))
			require.NoError(t, err)
			return len(records) / 2
		},
		Settles: 60 * time.Second,
	})
}

func (s *site) workingT(t *testing.T) string { return s.working(t) }

func TestAStartedWorkerWorksAndStopsAfterItsTask(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.stopAll(t)
	target := s.employer(t)
	started := actiontest.Applied(t, target, hands.Planned(t, target, "celery.start_worker", nil))
	realserver.WaitFor(t, "the worker to listen", 10*time.Second, "", func() error {
		v := ask(t, target.(connector.Target), "celery.queues")
		if fmt.Sprint(v["workers"]) != "1" || fmt.Sprint(v["listeners"]) == "0" {
			return fmt.Errorf("workers %v, listeners %v", v["workers"], v["listeners"])
		}
		return nil
	})
	// what was taken out and put back is done, in its turn
	s.send(t, "later", "work", 1)
	s.send(t, "celery", "slow", 3)
	require.True(t, eventually(func() bool {
		_, err := os.Stat(filepath.Join(s.dir, "begun"))
		return err == nil
	}, 30*time.Second))
	actiontest.Applied(t, target, hands.Planned(t, target, "celery.requeue", map[string]any{"from": "later", "to": "celery"}))

	stop := action.Order{Change: *started.Inverse, Key: "INC-1.undo", Intended: time.Now()}
	var err error
	stop.Preview, err = actiontest.Doer(t, target, "celery.stop_worker").Preview(within(t, 5*time.Second), stop.Change)
	require.NoError(t, err)
	_, err = actiontest.Doer(t, target, "celery.stop_worker").Apply(within(t, 2500*time.Millisecond), stop)
	require.NoError(t, err)
	require.True(t, eventually(func() bool { return actiontest.StandingOf(t, target, stop).State == action.Made }, 60*time.Second))
	require.Empty(t, s.working(t))
	require.Contains(t, s.done(t), "slow", "its task was finished")
	require.EqualValues(t, 0, ask(t, target.(connector.Target), "celery.queues")["workers"])
}

func TestAWorkerThatCannotStartSaysWhy(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	target := s.employer(t, "/bin/sh", "-c", "echo no module named app >&2; exit 1", "{name}")
	order := hands.Planned(t, target, "celery.start_worker", nil)
	_, err := actiontest.Doer(t, target, "celery.start_worker").Apply(within(t, 20*time.Second), order)
	var failure *action.Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, action.NotMade, failure.State)
	require.Contains(t, failure.Text, "no module named app")
	standing := actiontest.StandingOf(t, target, order)
	require.Equal(t, action.NotMade, standing.State)
	require.Contains(t, standing.Text, "has ended")
}

// A worker that is killed is not taken for one that works, whatever the broker
// still says.
func TestAKilledWorkerIsNotMade(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.stopAll(t)
	target := s.employer(t)
	order := hands.Planned(t, target, "celery.start_worker", nil)
	actiontest.Applied(t, target, order)
	var number int
	records, err := filepath.Glob(filepath.Join(s.dir, "run", "*.run"))
	require.NoError(t, err)
	data, err := os.ReadFile(records[0])
	require.NoError(t, err)
	_, err = fmt.Sscan(string(data), &number)
	require.NoError(t, err)
	p, err := os.FindProcess(number)
	require.NoError(t, err)
	require.NoError(t, p.Kill())
	require.Eventually(t, func() bool { return actiontest.StandingOf(t, target, order).State == action.NotMade }, 10*time.Second, 20*time.Millisecond)
}

func TestWorkersThatCannotBeStartedOrStoppedHere(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	_, err := hands.Preview(t, s.changer(t), "celery.start_worker", nil)
	actiontest.Refuses(t, err, "no worker is declared", "run_dir")
	for _, n := range []float64{0, 9, 1.5} {
		_, err = hands.Preview(t, s.employer(t), "celery.start_worker", map[string]any{"count": n})
		actiontest.Refuses(t, err, "from 1 to 8")
	}
	_, err = hands.Preview(t, s.employer(t), "celery.stop_worker", map[string]any{"workers": []any{"somebody-elses"}})
	actiontest.Refuses(t, err, "was not started from here")
	_, err = openError(connector.Settings{"url": s.server.URL(), "worker": []string{"celery", "worker"}, "run_dir": "x"})
	require.ErrorContains(t, err, "{name}")
}
