package process

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/pid"
)

// manager is who looks after a service. Its methods may be called by several
// goroutines at once; the context sets the deadline.
type manager interface {
	fmt.Stringer // "systemd unit orders.service"
	// look lists the places in which the service runs or could run, in a fixed
	// order. It reads only. Errors: a *action.Refusal where there is no such
	// service, any other where the manager could not be asked.
	look(ctx context.Context) ([]instance, error)
	// can says why a verb cannot be done at all; "" where it can.
	can(ctx context.Context, v verb, on []instance) string
	// do does a verb to instances that were just looked at. Errors: a
	// *action.Failure where it is known that nothing happened.
	do(ctx context.Context, v verb, on []instance, how manner) error
}

// verb is what can be done to a service.
type verb string

// The verbs.
const (
	start   verb = "start"
	stop    verb = "stop"
	restart verb = "restart"
	reload  verb = "reload"
)

// manner is how a verb is done.
type manner struct {
	kill bool // SIGKILL what does not end in time
}

// instance is one place in which the service runs or could run.
type instance struct {
	name  string // as the manager calls it, unique in the service
	id    string // as the manager knows this one and no later one; may be empty
	state string // the manager's own word
	// run names this run among all that ever were; empty where nothing runs.
	run      string
	moving   bool // its manager is about to change it: wait
	main     int  // number of its main process; 0 unknown
	started  time.Time
	restarts int64 // that the manager counted; -1 where it counts none
	// What shows that it has read its configuration again: everything of it is
	// newer than the one, and nothing of it newer than the other. Zero where
	// nothing shows it.
	wholeSince, latest time.Time
	proc               *pid.ID         // the main process, where we may signal it ourselves
	cannot             map[verb]string // what its manager refuses to do to it, and why
}

func (i instance) runs() bool { return i.run != "" }

// now describes it for a person.
func (i instance) now() string {
	switch {
	case !i.runs():
		return "does not run (" + i.state + ")"
	case i.main > 0:
		return fmt.Sprintf("%s, process %d, since %s", i.state, i.main, i.started.UTC().Format(time.DateTime))
	}
	return fmt.Sprintf("%s, since %s", i.state, i.started.UTC().Format(time.DateTime))
}

// guard is what must still be so when it is changed.
func (i instance) guard() string {
	if i.runs() {
		return i.run
	}
	return notRunning
}

// notRunning is the guard of an instance that does not run: whatever its
// manager says of how it ended.
const notRunning = "does not run"

// signalable says why its main process may not be signalled.
func (i instance) signalable() error {
	if i.proc == nil {
		return nil
	}
	if err := pid.MaySignal(*i.proc); err != nil && !errors.Is(err, pid.ErrGone) {
		return err
	}
	return nil
}

// children fills in what the children of the main process show of a reload:
// servers that work with a master replace their workers.
func (i instance) withChildren(t pid.Tree) instance {
	for _, c := range t.Children(i.main) {
		if s := c.Started(); i.latest.IsZero() || s.After(i.latest) {
			i.latest = s
		}
		if s := c.Started(); i.wholeSince.IsZero() || s.Before(i.wholeSince) {
			i.wholeSince = s
		}
	}
	return i
}

// listed describes instances in one line.
func listed(all []instance) string {
	texts := make([]string, len(all))
	for n, i := range all {
		texts[n] = i.name + " " + i.now()
	}
	return strings.Join(texts, "; ")
}

func names(all []instance) []string {
	out := make([]string, len(all))
	for n, i := range all {
		out[n] = i.name
	}
	return out
}

func managerOf(c config) manager {
	switch c.Manager {
	case "systemd":
		return systemd{c}
	case "supervisor":
		return newSupervisor(c)
	case "compose":
		return compose{c}
	case "command":
		return command{pidfile{c}}
	}
	return bare{pidfile{c}}
}
