package host_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/action/actiontest"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/host"
	"github.com/quellhq/quell/internal/pid"
	"github.com/quellhq/quell/internal/realserver"
)

func changer(t *testing.T, s connector.Settings) action.Changer {
	t.Helper()
	target, err := host.Kind().Open(s, connector.Tools{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, target.Close()) })
	return target.(action.Changer)
}

func actionSpec(t *testing.T, name string) action.Spec {
	t.Helper()
	for _, s := range host.Kind().Actions {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("there is no action %s", name)
	return action.Spec{}
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func doer(t *testing.T, s connector.Settings, name string) action.Doer {
	t.Helper()
	d, ok := changer(t, s).Doer(name)
	require.True(t, ok)
	return d
}

func preview(t *testing.T, s connector.Settings, name string, args map[string]any) (action.Order, error) {
	t.Helper()
	complete, err := actionSpec(t, name).Complete(args)
	require.NoError(t, err)
	change := action.Change{Type: name, Args: complete}
	p, err := doer(t, s, name).Preview(within(t), change)
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
	return doer(t, s, o.Type).Apply(within(t), o)
}

func standing(t *testing.T, s connector.Settings, o action.Order) action.Standing {
	t.Helper()
	st, err := doer(t, s, o.Type).Standing(within(t), o)
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

func warnings(o action.Order) string { return strings.Join(o.Preview.Warnings, "; ") }

func nameOf(t *testing.T, number int) pid.ID {
	t.Helper()
	p, err := pid.Look(number)
	require.NoError(t, err)
	return p.ID
}

// noted counts the lines of a journal that hold a text.
func noted(t *testing.T, journal, text string) int {
	t.Helper()
	data, err := os.ReadFile(journal)
	if !os.IsNotExist(err) {
		require.NoError(t, err)
	}
	return strings.Count(string(data), text)
}

func TestASignalKeepsTheContract(t *testing.T) {
	t.Parallel()
	journal := filepath.Join(t.TempDir(), "journal")
	cmd := start(t, "heed "+journal, "orders-api")
	id := nameOf(t, cmd.Process.Pid)
	actiontest.Run(t, actiontest.Case{
		Spec: actionSpec(t, "host.signal"), Args: map[string]any{"processes": []any{map[string]any{"pid": id.PID, "command": "host.test"}}},
		Open:    func(t *testing.T) action.Changer { return changer(t, nil) },
		World:   func(*testing.T) string { return fmt.Sprint(pid.Lives(id)) },
		Effects: func(t *testing.T) int { return noted(t, journal, "terminated") },
		Settles: 5 * time.Second,
	})
}

func TestASignalThatEndsNothingLeavesNoTrace(t *testing.T) {
	t.Parallel()
	journal := filepath.Join(t.TempDir(), "journal")
	cmd := start(t, "heed "+journal, "orders-api")
	order := planned(t, nil, "host.signal", map[string]any{"processes": []any{cmd.Process.Pid}, "signal": "hup"})
	require.Equal(t, action.CannotTell, standing(t, nil, order).State)
	done, err := apply(t, nil, order)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return noted(t, journal, "hangup") == 1 }, 5*time.Second, 10*time.Millisecond)
	require.Equal(t, action.CannotTell, standing(t, nil, order).State)
	order.Done = &done
	require.Equal(t, action.Made, standing(t, nil, order).State)
}

func TestAStoppedProcessIsLetGoOn(t *testing.T) {
	t.Parallel()
	cmd, running := start(t, "sleep", "paused-shop"), start(t, "sleep", "busy-shop")
	id := nameOf(t, cmd.Process.Pid)
	require.NoError(t, cmd.Process.Signal(syscall.SIGSTOP))
	stopped := func() bool { p, err := pid.Look(id.PID); require.NoError(t, err); return p.State == "T" }
	require.Eventually(t, stopped, 5*time.Second, 10*time.Millisecond)
	order := planned(t, nil, "host.signal", map[string]any{"processes": []any{id.PID, running.Process.Pid}, "signal": "CONT"})
	require.Len(t, order.Preview.Items, 1)
	require.Contains(t, warnings(order), "is not stopped by a signal")
	require.Equal(t, action.NotMade, standing(t, nil, order).State)
	_, err := apply(t, nil, order)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return !stopped() }, 5*time.Second, 10*time.Millisecond)
	require.Equal(t, action.Made, standing(t, nil, order).State)
	p, err := preview(t, nil, "host.signal", map[string]any{"processes": []any{id.PID}, "signal": "CONT"})
	require.NoError(t, err)
	require.True(t, p.Preview.Already)
}

func TestASignalThatIsNotHeededIsNoSuccess(t *testing.T) {
	t.Parallel()
	journal := filepath.Join(t.TempDir(), "journal")
	cmd := start(t, "heed "+journal+" deaf", "orders-api")
	order := planned(t, nil, "host.signal", map[string]any{"processes": []any{cmd.Process.Pid}, "patience": "200ms"})
	require.Equal(t, action.R3, order.Preview.Risk)
	_, err := apply(t, nil, order)
	require.ErrorContains(t, err, "have not ended within 200ms of TERM")
	require.Equal(t, action.NotMade, standing(t, nil, order).State)
	order = planned(t, nil, "host.signal", map[string]any{"processes": []any{cmd.Process.Pid}, "signal": "KILL"})
	require.Contains(t, warnings(order), "cannot save")
	_, err = apply(t, nil, order)
	require.NoError(t, err)
	require.Equal(t, action.Made, standing(t, nil, order).State)
}

func TestSomeProcessesAreNeverSignalled(t *testing.T) {
	t.Parallel()
	cmd := start(t, "sleep", "orders-api")
	sleep := realserver.Start(t, "", t.TempDir(), filepath.Join(t.TempDir(), "log"), "/bin/sleep", "600")
	for name, c := range map[string]struct {
		process any
		signal  string
		says    string
	}{
		"process 1":                         {1, "TERM", "process 1 is the machine's own"},
		"a thread of the kernel":            {2, "KILL", "the kernel"},
		"quell itself":                      {os.Getpid(), "TERM", "quell itself"},
		"what started quell":                {os.Getppid(), "TERM", "what quell was started by"},
		"another than was found":            {map[string]any{"pid": cmd.Process.Pid, "command": "postgres"}, "TERM", "was postgres when it was found"},
		"one that would be ended by it":     {sleep.Cmd.Process.Pid, "USR1", "does not catch USR1"},
		"what is no process":                {"orders", "TERM", "no process number"},
		"a signal that is none":             {cmd.Process.Pid, "STOP", "no signal that may be sent"},
		"a group, by its negative number":   {-cmd.Process.Pid, "TERM", "no process number"},
		"all processes, by the number zero": {0, "TERM", "no process number"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := preview(t, nil, "host.signal", map[string]any{"processes": []any{c.process}, "signal": c.signal})
			refuses(t, err, c.says)
		})
	}
	// Beside one that may be signalled the others are left alone.
	order := planned(t, nil, "host.signal", map[string]any{"processes": []any{1, cmd.Process.Pid, 1 << 29}})
	require.Len(t, order.Preview.Items, 1)
	require.Contains(t, warnings(order), "process 1 is the machine's own: it is left alone")
	require.Contains(t, warnings(order), "is gone")
	require.True(t, pid.Lives(nameOf(t, sleep.Cmd.Process.Pid)))
}

func TestAProcessThatHasBecomeAnotherIsNotSignalled(t *testing.T) {
	t.Parallel()
	cmd := start(t, "sleep", "orders-api")
	order := planned(t, nil, "host.signal", map[string]any{"processes": []any{cmd.Process.Pid}})
	order.Preview.Items[0].Guard = strings.Replace(order.Preview.Items[0].Guard, "start ", "start 1", 1)
	_, err := apply(t, nil, order)
	require.True(t, err == nil || strings.Contains(err.Error(), "has changed"), err)
	require.True(t, pid.Lives(nameOf(t, cmd.Process.Pid)))
	// The same process that has started another program is another too.
	order = planned(t, nil, "host.signal", map[string]any{"processes": []any{cmd.Process.Pid}})
	order.Preview.Items[0].Guard = order.Preview.Items[0].Guard[:len(order.Preview.Items[0].Guard)-4] + "0000"
	_, err = apply(t, nil, order)
	fails(t, err, action.NotMade, "has changed since this was approved")
	require.True(t, pid.Lives(nameOf(t, cmd.Process.Pid)))
}

func TestAMachineThatIsOnlyLookedAtIsNotChanged(t *testing.T) {
	t.Parallel()
	proc := fixture(t, map[string]string{"stat": "cpu 1\n"})
	for _, s := range []connector.Settings{{"proc": proc}, {"root": "/host"}} {
		for name, args := range map[string]map[string]any{
			"host.signal": {"processes": []any{os.Getpid()}}, "host.port_holder": {"port": 1}, "host.free_disk": {"paths": []any{"/tmp/x/*"}}, "host.restore_files": {"batch": "x"},
		} {
			_, err := preview(t, s, name, args)
			refuses(t, err, "nothing is changed from here")
		}
	}
}

func TestWhatOthersAreServedByIsNotEnded(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"nginx", "redis-server", "mysqld"} {
		cmd := startNamed(t, name, fmt.Sprintf("listen 127.0.0.1:%d", realserver.Port(t)))
		for _, signal := range []string{"TERM", "KILL"} {
			_, err := preview(t, nil, "host.signal", map[string]any{"processes": []any{cmd.Process.Pid}, "signal": signal})
			refuses(t, err, "which others are served by")
		}
	}
}

func TestFreeingAPortKeepsTheContract(t *testing.T) {
	t.Parallel()
	for name, role := range map[string]string{"one process": "", "a master and a worker that share it": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			port, journal := realserver.Port(t), filepath.Join(t.TempDir(), "journal")
			role = fmt.Sprintf("share 127.0.0.1:%d %s", port, journal)
			if name == "one process" {
				role = fmt.Sprintf("listen 127.0.0.1:%d", port)
			}
			cmd := start(t, role, "orders-api")
			id := nameOf(t, cmd.Process.Pid)
			actiontest.Run(t, actiontest.Case{
				Spec: actionSpec(t, "host.port_holder"), Args: map[string]any{"port": port},
				Open:  func(t *testing.T) action.Changer { return changer(t, nil) },
				World: func(*testing.T) string { return fmt.Sprint(listens(port), pid.Lives(id)) },
				Effects: func(t *testing.T) int {
					if name != "one process" {
						return noted(t, journal, "master ends")
					}
					if pid.Lives(id) {
						return 0
					}
					return 1
				},
				Settles: 5 * time.Second,
			})
			require.False(t, listens(port))
		})
	}
}

func listens(port int) bool {
	c, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), time.Second)
	if err == nil {
		_ = c.Close()
	}
	return err == nil
}

func TestAWorkerThatDoesNotEndIsNamed(t *testing.T) {
	t.Parallel()
	port, journal := realserver.Port(t), filepath.Join(t.TempDir(), "journal")
	start(t, fmt.Sprintf("share 127.0.0.1:%d %s deaf", port, journal), "orders-api")
	time.Sleep(2 * pid.Slack) // the workers are older than any decision, for the kernel too
	order := planned(t, nil, "host.port_holder", map[string]any{"port": port, "patience": "300ms"})
	require.Contains(t, warnings(order), "2 processes hold the port together")
	_, err := apply(t, nil, order)
	fails(t, err, action.PartlyMade, "part of the server has ended")
	require.Equal(t, action.PartlyMade, standing(t, nil, order).State)
	order = planned(t, nil, "host.port_holder", map[string]any{"port": port, "patience": "300ms", "kill": true})
	_, err = apply(t, nil, order)
	require.NoError(t, err)
	require.False(t, listens(port))
}

// Somebody takes the port as soon as it is free: that is not the old holder.
func TestANewHolderOfThePortIsLeftAlone(t *testing.T) {
	t.Parallel()
	port := realserver.Port(t)
	old := start(t, fmt.Sprintf("listen 127.0.0.1:%d", port), "orders-api")
	order := planned(t, nil, "host.port_holder", map[string]any{"port": port})
	time.Sleep(2 * pid.Slack)
	require.NoError(t, old.Process.Signal(syscall.SIGKILL))
	require.Eventually(t, func() bool { return !listens(port) }, 5*time.Second, 10*time.Millisecond)
	next := start(t, fmt.Sprintf("listen 127.0.0.1:%d", port), "orders-api")
	_, err := apply(t, nil, order)
	require.NoError(t, err)
	require.Contains(t, standing(t, nil, order).Text, "is held by")
	require.True(t, pid.Lives(nameOf(t, next.Process.Pid)))
}

func TestAPortIsNotFreedOfWhatMustStay(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	_, err = preview(t, nil, "host.port_holder", map[string]any{"port": l.Addr().(*net.TCPAddr).Port})
	refuses(t, err, "quell itself")
	for _, port := range []any{0, 70000, 80.5} {
		_, err = preview(t, nil, "host.port_holder", map[string]any{"port": port})
		refuses(t, err, "is no port")
	}
	behind := realserver.Port(t)
	startNamed(t, "nginx", fmt.Sprintf("listen 127.0.0.1:%d", behind))
	_, err = preview(t, nil, "host.port_holder", map[string]any{"port": behind})
	refuses(t, err, "through which others may be served")
	// One port, two addresses, two servers.
	port := realserver.Port(t)
	start(t, fmt.Sprintf("listen 127.0.0.1:%d", port), "orders-api")
	start(t, fmt.Sprintf("listen 127.0.0.2:%d", port), "carts-api")
	o, err := preview(t, nil, "host.port_holder", map[string]any{"port": port})
	refuses(t, err, "2 servers share port")
	require.Empty(t, o.Preview.Items)
	free, err := preview(t, nil, "host.port_holder", map[string]any{"port": realserver.Port(t)})
	require.NoError(t, err)
	require.True(t, free.Preview.Already)
}
