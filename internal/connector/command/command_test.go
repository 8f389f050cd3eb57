package command_test

import (
	"context"
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
	"github.com/quellhq/quell/internal/connector/command"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/secret"
)

// workshop is a directory with programs that change and show a state.
type workshop struct{ dir string }

const (
	// set writes a state and notes that it did, with the order that it was for.
	set = "#!/bin/sh\nset -e\necho \"$1\" >state\necho \"$1 $QUELL_ORDER\" >>effects\necho \"is $1 now\"\n"
	// hang ignores SIGTERM, starts a second process, and lives for ten minutes.
	hang = "#!/bin/sh\ntrap '' TERM\necho $$ >pids\n(trap '' TERM; exec sleep 600) & echo $! >>pids\nwhile :; do sleep 0.05; done\n"
	tell = "#!/bin/sh\nfor a in \"$@\"; do echo \"[$a]\"; done >told\necho \"token is $TOKEN\"\necho \"home is $HOME, other is $QUELL_TEST_OTHER\" >>told\n"
)

func newWorkshop(t *testing.T) workshop {
	t.Helper()
	w := workshop{t.TempDir()}
	for name, text := range map[string]string{"set": set, "hang": hang, "tell": tell, "fail": "#!/bin/sh\necho 'no such flag' >&2\nexit 3\n"} {
		require.NoError(t, os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o755))
	}
	require.NoError(t, os.WriteFile(filepath.Join(w.dir, "state"), []byte("off\n"), 0o644))
	return w
}

func (w workshop) read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(w.dir, name))
	if os.IsNotExist(err) {
		return ""
	}
	require.NoError(t, err)
	return string(data)
}

// settings as quell.yaml has them: every leaf is a text.
func (w workshop) settings() connector.Settings {
	return connector.Settings{
		"enabled": true, "dir": w.dir,
		"env": map[string]any{"TOKEN": "s3cr3t-t0ken"},
		"commands": map[string]any{
			"switch-on":  map[string]any{"run": []any{"./set", "on"}, "check": []any{"/bin/grep", "-qx", "on", "state"}, "undo": "switch-off", "risk": "R2"},
			"switch-off": map[string]any{"run": []any{"./set", "off"}, "check": []any{"/bin/grep", "-qx", "off", "state"}, "about": "Back to normal"},
			"switch": map[string]any{"run": []any{"./set", "${to}"}, "check": []any{"/bin/grep", "-qx", "${to}", "state"}, "values": map[string]any{"to": "on|off|-x"},
				"undo": "switch-off"},
			"tell":    map[string]any{"run": []any{"./tell", "${a}", "--flag", "${b}"}},
			"fail":    map[string]any{"run": []any{"./fail"}, "check": []any{"/bin/grep", "-qx", "on", "state"}},
			"broken":  map[string]any{"run": []any{"./set", "on"}, "check": []any{"/bin/grep", "-qx", "on", "nowhere"}},
			"hang":    map[string]any{"run": []any{"./hang"}, "timeout": "300ms"},
			"nowhere": map[string]any{"run": []any{"./not-there"}, "check": []any{"/bin/false"}},
		},
	}
}

func open(t *testing.T, s connector.Settings) action.Doer {
	t.Helper()
	target, err := command.Kind().Open(s, connector.Tools{Redact: secret.NewRedactor(secret.New("s3cr3t-t0ken"))})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, target.Close()) })
	d, ok := target.(action.Changer).Doer("command.run")
	require.True(t, ok)
	return d
}

func change(t *testing.T, name string, values ...any) action.Change {
	t.Helper()
	args, err := command.Kind().Actions[0].Complete(map[string]any{"name": name, "values": values})
	require.NoError(t, err)
	return action.Change{Type: "command.run", Args: args}
}

func order(t *testing.T, d action.Doer, c action.Change) action.Order {
	t.Helper()
	p, err := d.Preview(t.Context(), c)
	require.NoError(t, err)
	return action.Order{Change: c, Preview: p, Key: strings.ReplaceAll(t.Name(), "/", "-"), By: "tester", Intended: time.Now()}
}

func TestRun(t *testing.T) {
	t.Parallel()
	for name, args := range map[string]map[string]any{
		"a command":              {"name": "switch-on"},
		"a command with a value": {"name": "switch", "values": []any{"to=on"}},
		"a command as a stopgap": {"name": "switch-on", "for": "10m"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorkshop(t)
			actiontest.Run(t, actiontest.Case{
				Spec: command.Kind().Actions[0],
				Open: func(t *testing.T) action.Changer {
					target, err := command.Kind().Open(w.settings(), connector.Tools{})
					require.NoError(t, err)
					return target.(action.Changer)
				},
				Args:    args,
				World:   func(t *testing.T) string { return w.read(t, "state") },
				Effects: func(t *testing.T) int { return strings.Count(w.read(t, "effects"), "on INC-1.1.1-test\n") },
				Gone: func(t *testing.T) action.Changer {
					s := w.settings()
					s["dir"] = filepath.Join(w.dir, "gone")
					target, err := command.Kind().Open(s, connector.Tools{})
					require.NoError(t, err)
					return target.(action.Changer)
				},
			})
		})
	}
}

func TestWhatIsNotDeclaredIsNotRun(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	off := w.settings()
	off["enabled"] = false
	for name, c := range map[string]struct {
		settings connector.Settings
		change   action.Change
		says     string
	}{
		"the target is off":            {off, change(t, "switch-on"), "switched off"},
		"no such command":              {w.settings(), change(t, "/bin/sh"), "declared are"},
		"a value that is not declared": {w.settings(), change(t, "switch-on", "to=on"), "no hole"},
		"a value that is missing":      {w.settings(), change(t, "switch"), "has no value"},
		"a value that does not fit":    {w.settings(), change(t, "switch", "to=on; rm -rf /"), "does not match"},
		"a value that is an option":    {w.settings(), change(t, "tell", "a=--all", "b=x"), "begins with a dash"},
		"a stopgap that cannot end":    {w.settings(), action.Change{Type: "command.run", Args: action.Args{"name": "switch-off", "values": []any{}, "for": "5m"}}, "no undo"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := open(t, c.settings)
			_, err := d.Preview(t.Context(), c.change)
			var refusal *action.Refusal
			require.ErrorAs(t, err, &refusal)
			require.ErrorContains(t, err, c.says)
			_, err = d.Apply(t.Context(), action.Order{Change: c.change, Key: "INC-1.1.1-a"})
			require.ErrorAs(t, err, &refusal)
		})
	}
	require.Empty(t, w.read(t, "effects"))
}

func TestValuesReachTheProgramAsTheyAre(t *testing.T) {
	t.Setenv("QUELL_TEST_OTHER", "hunter22")
	w := newWorkshop(t)
	d := open(t, w.settings())
	done, err := d.Apply(t.Context(), order(t, d, change(t, "tell", "a=$(touch x) `id` ; *", `b=two "words"`)))
	require.NoError(t, err)
	require.Equal(t, "[$(touch x) `id` ; *]\n[--flag]\n[two \"words\"]\nhome is "+os.Getenv("HOME")+", other is \n", w.read(t, "told"))
	require.NoFileExists(t, filepath.Join(w.dir, "x"))
	require.Contains(t, done.Items[0].Text, "token is •••")
	require.NotContains(t, done.Summary, "s3cr3t")
}

func TestAProgramThatWasReplacedMakesThePlanStale(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	d := open(t, w.settings())
	o := order(t, d, change(t, "switch-on"))
	require.NoError(t, os.WriteFile(filepath.Join(w.dir, "set"), []byte(set+"# another\n"), 0o755))
	_, err := d.Apply(t.Context(), o)
	var failure *action.Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, action.NotMade, failure.State)
	require.Empty(t, w.read(t, "effects"))
}

func TestAFailedCommandIsWhatItsCheckSays(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	d := open(t, w.settings())
	o := order(t, d, change(t, "fail"))
	_, err := d.Apply(t.Context(), o)
	require.ErrorContains(t, err, "ended with 3: no such flag")
	var failure *action.Failure
	require.NotErrorAs(t, err, &failure, "its status does not say what it did before it failed")
	s, err := d.Standing(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, action.NotMade, s.State)
	require.NoError(t, os.WriteFile(filepath.Join(w.dir, "state"), []byte("on\n"), 0o644))
	s, err = d.Standing(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, action.Made, s.State)
}

func TestWithoutACheckThatTellsNobodyCanTell(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	d := open(t, w.settings())
	for name, says := range map[string]string{"hang": "no check", "broken": "its check ended with 2"} {
		o := action.Order{Change: change(t, name), Key: "INC-1.1.1-a", Intended: time.Now()}
		s, err := d.Standing(t.Context(), o)
		require.NoError(t, err)
		require.Equal(t, action.CannotTell, s.State)
		require.Contains(t, s.Text, says)
		p, err := d.Preview(t.Context(), o.Change)
		require.NoError(t, err)
		require.NotEmpty(t, p.Warnings)
		require.Equal(t, action.R3, p.Risk, "nobody said that it is harmless")
	}
}

func TestACommandThatHangsIsEndedWithAllThatItStarted(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	d := open(t, w.settings())
	start := time.Now()
	_, err := d.Apply(t.Context(), order(t, d, change(t, "hang")))
	require.ErrorContains(t, err, "before it was done")
	require.Less(t, time.Since(start), 10*time.Second)
	pids := strings.Fields(w.read(t, "pids"))
	require.Len(t, pids, 2)
	for _, text := range pids {
		pid, err := strconv.Atoi(text)
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			stat, err := os.ReadFile("/proc/" + text + "/stat")
			return syscall.Kill(pid, 0) != nil || err == nil && strings.Contains(string(stat), ") Z ")
		}, 5*time.Second, 10*time.Millisecond, "process %s lives on", text)
	}
}

func TestWhatCannotStartDidNotHappen(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	d := open(t, w.settings())
	_, err := d.Preview(t.Context(), change(t, "nowhere"))
	var unavailable *action.Unavailable
	require.ErrorAs(t, err, &unavailable)
	// It is there, and no program.
	require.NoError(t, os.WriteFile(filepath.Join(w.dir, "not-there"), []byte("\x00\x01"), 0o755))
	_, err = d.Apply(t.Context(), order(t, d, change(t, "nowhere")))
	var failure *action.Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, action.NotMade, failure.State)
}

func TestSettings(t *testing.T) {
	t.Parallel()
	commands := func(c map[string]any) connector.Settings {
		return connector.Settings{"enabled": true, "commands": map[string]any{"x": c}}
	}
	for name, c := range map[string]struct {
		settings connector.Settings
		says     string
	}{
		"no program":                   {commands(map[string]any{}), "list of program and arguments"},
		"the program is a value":       {commands(map[string]any{"run": []any{"${what}"}}), "cannot be a value"},
		"a value inside of a text":     {commands(map[string]any{"run": []any{"/bin/x", "--a=${b}"}}), "as its own element"},
		"a hole in the check alone":    {commands(map[string]any{"run": []any{"/bin/x"}, "check": []any{"/bin/y", "${b}"}}), "which run has not"},
		"an undo that is not there":    {commands(map[string]any{"run": []any{"/bin/x"}, "undo": "y"}), "not declared"},
		"a risk that is lowered":       {commands(map[string]any{"run": []any{"/bin/x"}, "risk": "R1"}), "only be raised"},
		"a shell line":                 {commands(map[string]any{"run": "rm -rf /"}), "cannot unmarshal"},
		"an unknown key":               {commands(map[string]any{"run": []any{"/bin/x"}, "shell": "true"}), "shell"},
		"a pattern for no hole":        {commands(map[string]any{"run": []any{"/bin/x"}, "values": map[string]any{"a": "."}}), "no hole"},
		"too long a time":              {commands(map[string]any{"run": []any{"/bin/x"}, "timeout": "1h"}), "at most"},
		"a hole that is none":          {commands(map[string]any{"run": []any{"/bin/x", "${a-b}"}}), "${a-b}"},
		"more output than memory":      {connector.Settings{"output": int64(1 << 30)}, "output"},
		"an undo with a hole too many": {connector.Settings{"commands": map[string]any{"x": map[string]any{"run": []any{"/bin/x"}, "undo": "y"}, "y": map[string]any{"run": []any{"/bin/y", "${a}"}}}}, "which x has not"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := command.Kind().Open(c.settings, connector.Tools{})
			require.ErrorContains(t, err, c.says)
		})
	}
	_, err := command.Kind().Open(connector.Settings{}, connector.Tools{})
	require.NoError(t, err, "without settings it is there, and off")
}

func TestItAsksNothingAndSaysWhatItHas(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	target, err := command.Kind().Open(w.settings(), connector.Tools{})
	require.NoError(t, err)
	require.Equal(t, evidence.NotApplicable, target.Ask(t.Context(), probe.Question{Lang: "probe", Builtin: "command.x"}).Status)
	bad := 0
	for _, c := range target.(connector.Examiner).Examine(context.Background()) {
		if !c.OK {
			bad++
			require.Contains(t, c.Detail, "not-there")
		}
	}
	require.Equal(t, 1, bad)
	require.NoError(t, target.Close())
	require.Equal(t, evidence.NotAsked, target.Ask(t.Context(), probe.Question{}).Status)
	require.Empty(t, w.read(t, "effects"), "looking has run something")
}
