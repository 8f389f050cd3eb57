package process_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/action/actiontest"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/process"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/pid"
	"github.com/quellhq/quell/internal/probe"
)

func open(t testing.TB, s connector.Settings) connector.Target {
	t.Helper()
	target, err := process.Kind().Open(s, connector.Tools{Dir: "/"})
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, target.Close())
		require.NoError(t, target.Close())
	})
	return target
}

func specOf(t testing.TB, name string) action.Spec {
	t.Helper()
	for _, s := range process.Kind().Actions {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("there is no action %s", name)
	return action.Spec{}
}

func doerOf(t testing.TB, s connector.Settings, name string) action.Doer {
	t.Helper()
	d, ok := open(t, s).(action.Changer).Doer(name)
	require.True(t, ok)
	return d
}

func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func preview(t testing.TB, s connector.Settings, name string, args map[string]any) (action.Preview, action.Change, error) {
	t.Helper()
	complete, err := specOf(t, name).Complete(args)
	require.NoError(t, err)
	change := action.Change{Type: name, Args: complete}
	p, err := doerOf(t, s, name).Preview(within(t), change)
	return p, change, err
}

// planned previews a change, and makes an order of it.
func planned(t testing.TB, s connector.Settings, name string, args map[string]any) action.Order {
	t.Helper()
	p, change, err := preview(t, s, name, args)
	require.NoError(t, err)
	require.False(t, p.Already, p.Summary)
	return action.Order{Change: change, Preview: p, Key: "INC-9.1.1", By: "tester", Intended: time.Now()}
}

func apply(t testing.TB, s connector.Settings, o action.Order) (action.Done, error) {
	t.Helper()
	return doerOf(t, s, o.Type).Apply(within(t), o)
}

func standing(t testing.TB, s connector.Settings, o action.Order) action.Standing {
	t.Helper()
	st, err := doerOf(t, s, o.Type).Standing(within(t), o)
	require.NoError(t, err)
	return st
}

// made carries a change out at once.
func made(t testing.TB, s connector.Settings, name string, args map[string]any) action.Done {
	t.Helper()
	done, err := apply(t, s, planned(t, s, name, args))
	require.NoError(t, err)
	return done
}

func refuses(t testing.TB, err error, says string) {
	t.Helper()
	var refusal *action.Refusal
	require.ErrorAs(t, err, &refusal)
	require.ErrorContains(t, err, says)
}

func fails(t testing.TB, err error, state action.State, says string) {
	t.Helper()
	var failure *action.Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, state, failure.State, failure.Text)
	require.ErrorContains(t, err, says)
}

// state asks the target's question.
func state(t testing.TB, s connector.Settings) map[string]any {
	t.Helper()
	a := open(t, s).Ask(within(t), probe.Question{Lang: "probe", Builtin: "process.state"})
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	return a.Value.(map[string]any)
}

func instances(v map[string]any) (out []map[string]any) {
	for _, r := range v["instances"].([]any) {
		out = append(out, r.(map[string]any))
	}
	return out
}

// world is a real service under a manager, as the suite of actions needs it.
type world struct {
	settings connector.Settings
	journal  journal
	// ready brings the service up, or down, before a case begins.
	ready func(t *testing.T, running bool)
	gone  connector.Settings // of a manager that does not answer; nil: there is none
	// running shows what runs; nil: the processes that keep the journal.
	running func(t testing.TB) string
}

// shown is everything that an action could touch.
func (w world) shown(t testing.TB) string {
	t.Helper()
	return w.runs(t) + "\n" + w.journal.text(t)
}

func (w world) runs(t testing.TB) string {
	t.Helper()
	if w.running != nil {
		return w.running(t)
	}
	var text string
	for _, p := range w.journal.running(t) {
		text += p.ID.String() + "\n"
	}
	return text
}

// patience bounds what is waited for, and step how often it is looked at.
const (
	patience = 10 * time.Second
	step     = 20 * time.Millisecond
)

// counted are the words of a journal that show how often an action was done.
var counted = map[string]string{"process.start": "start", "process.stop": "end", "process.restart": "start", "process.reload": "reload"}

// holdToTheContract runs the suite for the given actions.
func holdToTheContract(t *testing.T, w func(t *testing.T, action string) world, actions ...string) {
	t.Helper()
	for _, name := range actions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := w(t, name)
			w.ready(t, name != "process.start")
			begun := w.journal.count(t, counted[name])
			time.Sleep(2 * pid.Slack) // whatever is made ready is older than the decision, for the kernel too
			suite := actiontest.Case{
				Spec: specOf(t, name), Settles: patience,
				Open:    func(t *testing.T) action.Changer { return open(t, w.settings).(action.Changer) },
				World:   func(t *testing.T) string { return w.shown(t) },
				Effects: func(t *testing.T) int { return w.journal.count(t, counted[name]) - begun },
				Same: func(t *testing.T, _, _ string) {
					if name == "process.start" {
						require.Empty(t, w.runs(t), "what was started runs on")
					} else {
						require.NotEmpty(t, w.runs(t), "what was stopped does not run again")
					}
				},
			}
			if w.gone != nil {
				suite.Gone = func(t *testing.T) action.Changer { return open(t, w.gone).(action.Changer) }
			}
			actiontest.Run(t, suite)
		})
	}
}

func TestSettingsThatCannotWorkAreRefused(t *testing.T) {
	t.Parallel()
	for says, s := range map[string]connector.Settings{
		"manager is missing":     {},
		"no manager \"upstart\"": {"manager": "upstart"},
		"name is missing":        {"manager": "systemd"},
		"pidfile is missing":     {"manager": "pid"},
		"start, stop, restart":   {"manager": "command", "pidfile": "/run/x.pid"},
		"no signal \"SIGFOO\"":   {"manager": "pid", "pidfile": "/run/x.pid", "stop_signal": "SIGFOO"},
		"reload_signal":          {"manager": "pid", "pidfile": "/run/x.pid", "reload_signal": "9"},
		"match: error parsing":   {"manager": "pid", "pidfile": "/run/x.pid", "match": "("},
		"no service unit":        {"manager": "systemd", "name": "network.target"},
		"none that a manager":    {"manager": "systemd", "name": "--force"},
		"neither a URL":          {"manager": "systemd", "name": "x", "health": "nonsense"},
		"without credentials":    {"manager": "systemd", "name": "x", "health": "http://a:b@c/"},
		"unknown setting":        {"manager": "systemd", "name": "x", "pid_file": "y"},
	} {
		_, err := process.Kind().Open(s, connector.Tools{})
		require.ErrorContains(t, err, says)
	}
}

func TestTheDoctorSaysWhatItFinds(t *testing.T) {
	t.Parallel()
	w := bare(t)
	w.ready(t, true)
	checks := open(t, w.settings).(connector.Examiner).Examine(within(t))
	require.Len(t, checks, 2)
	for _, c := range checks {
		require.True(t, c.OK, c.Detail)
	}
	broken := connector.Settings{"manager": "supervisor", "name": "x", "url": "unix:///no/such/socket"}
	checks = open(t, broken).(connector.Examiner).Examine(within(t))
	require.False(t, checks[0].OK)
	require.True(t, checks[0].Needed)
}
