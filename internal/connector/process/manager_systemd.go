package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/child"
	"github.com/quellhq/quell/internal/pid"
)

// systemd is a service unit of the system's manager. A run is named by its
// invocation id, which systemd makes anew at each start.
type systemd struct{ config }

func (s systemd) String() string { return "systemd unit " + s.Name }

// properties are what is asked of a unit.
var properties = []string{
	"Id", "LoadState", "ActiveState", "SubState", "MainPID", "InvocationID", "ExecMainStartTimestampMonotonic", "ActiveEnterTimestampMonotonic",
	"StateChangeTimestampMonotonic", "NRestarts", "CanStart", "CanStop", "CanReload", "Job", "LoadError",
}

// look implements manager.
func (s systemd) look(ctx context.Context) ([]instance, error) {
	argv := s.systemctl("show", "--property="+strings.Join(properties, ","))
	r, err := child.Run(ctx, child.Command{Argv: argv, Env: child.Environment(nil)})
	switch {
	case errors.Is(err, child.ErrNotStarted):
		return nil, fmt.Errorf("ask systemd about %s: %w", s.Name, err)
	case err != nil:
		return nil, fmt.Errorf("ask systemd about %s: %w", s.Name, err)
	case r.Code != 0:
		return nil, fmt.Errorf("ask systemd about %s: %s", s.Name, lastLine(r))
	}
	u := readUnit(string(r.Stdout))
	switch u["LoadState"] {
	case "not-found":
		return nil, action.Refuse("check name", "systemd has no unit %s", s.Name)
	case "masked":
		return nil, action.Refuse("systemctl unmask it, if it is to run", "unit %s is masked", s.Name)
	case "error", "bad-setting":
		return nil, action.Refuse("", "systemd cannot load unit %s: %s", s.Name, u["LoadError"])
	case "":
		return nil, fmt.Errorf("ask systemd about %s: it answered %q", s.Name, lastLine(r))
	}
	i, err := s.instance(u)
	return []instance{i}, err
}

// systemctl is the command line for one question or command about the unit.
func (s systemd) systemctl(words ...string) []string {
	argv := append(append([]string{}, s.Through...), "systemctl", "--no-ask-password", "--no-pager")
	return append(append(argv, words...), "--", s.Name)
}

// readUnit reads the lines of systemctl show.
func readUnit(text string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimRight(line, "\n"), "="); ok {
			out[name] = value
		}
	}
	return out
}

// instance reads the unit's properties.
func (s systemd) instance(u map[string]string) (instance, error) {
	i := instance{name: s.Name, state: u["ActiveState"], restarts: number(u["NRestarts"], -1), main: int(number(u["MainPID"], 0)), cannot: s.refusals(u)}
	if sub := u["SubState"]; sub != "" && sub != i.state {
		i.state += " (" + sub + ")"
	}
	switch u["ActiveState"] {
	case "active":
	case "reloading", "deactivating":
		i.moving = true
	case "activating":
		// It is being started, or waits until it is started again after a crash.
		i.moving = true
		if u["SubState"] == "auto-restart" || u["SubState"] == "auto-restart-queued" {
			return i, nil
		}
	default: // inactive, failed, maintenance
		i.main = 0
		return i, nil
	}
	if u["InvocationID"] == "" {
		return i, fmt.Errorf("systemd gives unit %s no invocation id: it is older than version 232", s.Name)
	}
	i.run = "invocation " + u["InvocationID"]
	since := number(u["ExecMainStartTimestampMonotonic"], 0)
	if since == 0 { // a unit without a main process
		since = number(u["ActiveEnterTimestampMonotonic"], 0)
	}
	var err error
	if i.started, err = wall(since); err != nil {
		return i, err
	}
	// A unit that stays active changes its state only when it is reloaded.
	i.latest, err = wall(number(u["StateChangeTimestampMonotonic"], 0))
	i.wholeSince = i.latest
	return i, err
}

// wall turns microseconds of systemd's clock into a moment.
func wall(micros int64) (time.Time, error) {
	now, err := pid.Monotonic()
	if err != nil {
		return time.Time{}, err
	}
	return time.Now().Add(time.Duration(micros)*time.Microsecond - now), nil
}

func number(text string, otherwise int64) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return otherwise
	}
	return n
}

// refusals are what systemd would refuse to do to the unit.
func (s systemd) refusals(u map[string]string) map[verb]string {
	out := map[verb]string{}
	for _, r := range []struct {
		property string
		verbs    []verb
	}{{"CanStart", []verb{start, restart}}, {"CanStop", []verb{stop, restart}}, {"CanReload", []verb{reload}}} {
		for _, v := range r.verbs {
			if u[r.property] == "no" {
				out[v] = fmt.Sprintf("unit %s says %s=no: systemd refuses to %s it", s.Name, r.property, v)
			}
		}
	}
	return out
}

// can implements manager.
func (s systemd) can(ctx context.Context, v verb, on []instance) string {
	if why := on[0].cannot[v]; why != "" || v == start || v == reload {
		return why
	}
	if pid.InControlGroup(os.Getpid(), "/"+s.Name) {
		return fmt.Sprintf("quell itself runs in unit %s, and would end with it", s.Name)
	}
	if len(s.Through) > 0 {
		return "" // its process numbers may be those of another namespace
	}
	return protectedOf(ctx, on)
}

// do implements manager. systemctl waits until the job is done; when our time
// is over the job goes on without it.
func (s systemd) do(ctx context.Context, v verb, _ []instance, _ manner) error {
	err := runProgram(ctx, child.Command{Argv: s.systemctl(string(v)), Env: child.Environment(nil)})
	var failure *action.Failure
	if errors.As(err, &failure) || err == nil {
		return err
	}
	return fmt.Errorf("%w (journalctl -u %s has the reason)", err, s.Name)
}
