package host

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/pid"
	"github.com/quellhq/quell/internal/probe"
)

func signalChange() change {
	return change{
		spec: action.Spec{
			Name: "host.signal", Risk: action.R2,
			Does:     "Sends a signal to processes. Process 1, the kernel's threads, quell, whatever started it, and what the machine needs to be reached are refused.",
			Tells:    "for TERM, INT, QUIT and KILL: these processes (number, start, command line) are gone; for CONT: they are no longer stopped; HUP, USR1 and USR2 leave nothing that shows them",
			Destroys: "what the processes hold in memory, when the signal ends them",
			Captures: []string{"host.processes"},
			Params: []probe.Param{
				{Name: "processes", Type: probe.List, About: "rows of a question that have a pid, or bare process numbers; 20 at most"},
				{Name: "signal", Type: probe.Text, Default: "TERM", About: "TERM, INT, QUIT, KILL, HUP, USR1, USR2, or CONT for processes that were stopped"},
				patienceParam(),
			},
		},
		plan: planSignal, stands: signalStands, apply: applySignal,
	}
}

func patienceParam() probe.Param {
	return probe.Param{Name: "patience", Type: probe.Duration, Default: "10s", About: "how long a process may take to end, a minute at most"}
}

// patience reads the argument, within its bounds.
func patience(a action.Args) time.Duration {
	return min(max(a.Duration("patience"), 0), time.Minute)
}

// signals are those that may be sent, and whether they are meant to end the
// process.
var signals = map[string]struct {
	number syscall.Signal
	ends   bool
}{
	"TERM": {syscall.SIGTERM, true}, "INT": {syscall.SIGINT, true}, "QUIT": {syscall.SIGQUIT, true}, "KILL": {syscall.SIGKILL, true},
	"HUP": {syscall.SIGHUP, false}, "USR1": {syscall.SIGUSR1, false}, "USR2": {syscall.SIGUSR2, false},
	"CONT": {syscall.SIGCONT, false},
}

func signalName(a action.Args) string {
	return strings.TrimPrefix(strings.ToUpper(a.Text("signal")), "SIG")
}

// mostProcesses bounds what one change may signal.
const mostProcesses = 20

// named is a process that is asked for, as it was seen when it was found.
type named struct {
	pid     int
	command string // empty: not known
}

// wantedProcesses reads rows or bare numbers.
func wantedProcesses(list []any) ([]named, error) {
	if len(list) == 0 || len(list) > mostProcesses {
		return nil, action.Refuse("", "%d processes: 1 to %d may be signalled at once", len(list), mostProcesses)
	}
	var out []named
	for _, e := range list {
		w := named{}
		if row, ok := e.(map[string]any); ok {
			w.command, _ = row["command"].(string)
			e = row["pid"]
		}
		n := action.Args{"pid": e}.Number("pid")
		if n < 1 || n != float64(int(n)) {
			return nil, action.Refuse("", "%v is no process number, nor a row with a pid", e)
		}
		w.pid = int(n)
		if !slices.ContainsFunc(out, func(o named) bool { return o.pid == w.pid }) {
			out = append(out, w)
		}
	}
	return out, nil
}

// planSignal shows the processes that would be signalled. Those that must not
// be are left alone with a warning, or refused where no other is asked for.
func planSignal(ctx context.Context, _ *target, a action.Args) (action.Preview, error) {
	name := signalName(a)
	sig, ok := signals[name]
	if !ok {
		return action.Preview{}, action.Refuse("TERM, INT, QUIT, KILL, HUP, USR1, USR2 or CONT", "%q is no signal that may be sent", a.Text("signal"))
	}
	wanted, err := wantedProcesses(a.List("processes"))
	if err != nil {
		return action.Preview{}, err
	}
	tree, err := pid.All(ctx)
	if err != nil {
		return action.Preview{}, err
	}
	p := action.Preview{MayShrink: true}
	if sig.ends {
		p.Risk = action.R3
	}
	var refused error
	for _, w := range wanted {
		now, there := tree.Of(w.pid)
		if !there {
			p.Warnings = append(p.Warnings, fmt.Sprintf("process %d is gone", w.pid))
			continue
		}
		if why := guarded(tree, w, now, name); why != nil {
			refused = why
			p.Warnings = append(p.Warnings, why.Text+": it is left alone")
			continue
		}
		if name == "CONT" && now.State != "T" {
			p.Warnings = append(p.Warnings, fmt.Sprintf("process %d is not stopped by a signal: it is left alone", w.pid))
			continue
		}
		then := "told " + name
		switch {
		case sig.ends:
			then = "ended"
		case name == "CONT":
			then = "goes on"
		}
		p.Items = append(p.Items, processItem(now, then))
		p.Warnings = append(p.Warnings, advice(tree, now, name)...)
	}
	switch {
	case len(p.Items) == 0 && refused != nil:
		return p, refused
	case len(p.Items) == 0:
		p.Already, p.Summary = true, "none of the processes is there any more"
		if name == "CONT" {
			p.Summary = "none of the processes is stopped"
		}
	default:
		p.Summary = fmt.Sprintf("sends %s to %s", name, count(len(p.Items), "process"))
		if len(p.Items) > 1 {
			p.Summary = fmt.Sprintf("sends %s to %d processes", name, len(p.Items))
		}
	}
	return p, nil
}

// processItem is a process as an item: its number, its start and its command
// line are guarded.
func processItem(p pid.Process, then string) action.Item {
	return action.Item{ID: fmt.Sprintf("pid %d", p.PID), Now: p.Line(), Then: then, Guard: guardOf(p)}
}

func guardOf(p pid.Process) string { return p.ID.String() + " command " + p.Digest() }

// guardID reads the process back from a guard.
func guardID(guard string) (pid.ID, error) {
	id, _, _ := strings.Cut(guard, " command ")
	return pid.Parse(id)
}

// guarded says why a process must not get a signal.
func guarded(tree pid.Tree, w named, now pid.Process, signal string) *action.Refusal {
	if why := tree.Protected(now); why != "" {
		return action.Refuse("", "%s", why)
	}
	sig := signals[signal]
	switch err := pid.MaySignal(now.ID); {
	case errors.Is(err, pid.ErrDenied):
		return action.Refuse("run quell as its user or as root", "process %d (%s): %s", now.PID, now.Comm, err)
	case w.command != "" && w.command != now.Comm:
		return action.Refuse("ask again", "process %d was %s when it was found, and is %s now", now.PID, w.command, now.Comm)
	case signal == "KILL" && now.Comm == "postgres":
		return action.Refuse("postgres.terminate ends single sessions", "process %d is of Postgres: when one is killed, the server ends all sessions and recovers", now.PID)
	case sig.ends && serves(now):
		return action.Refuse("where it is the one to be ended, a process target stops it, or you do by hand", "process %d is %s, which others are served by", now.PID, now.Comm)
	}
	if catches, known := pid.Catches(now.PID, sig.number); known && !catches && !sig.ends && signal != "CONT" {
		return action.Refuse("TERM ends it, if that is what is wanted", "process %d (%s) does not catch %s: the signal would end it, or do nothing", now.PID, now.Comm, signal)
	}
	return nil
}

// stores are programs that keep data for others, and see to work for them.
var stores = map[string]bool{
	"postgres": true, "mysqld": true, "mariadbd": true, "mongod": true, "redis-server": true, "valkey-server": true, "memcached": true, "etcd": true,
	"beam.smp": true, "clickhouse-serv": true, "pgbouncer": true,
}

// serves reports whether a process is known as one that others rest on: its end is
// another outage, however busy it is. One session of Postgres is not.
func serves(p pid.Process) bool {
	return proxies[p.Comm] || stores[p.Comm] && !strings.HasPrefix(p.Line(), "postgres: ")
}

// advice says what else one should know of a process that is to be signalled.
func advice(tree pid.Tree, p pid.Process, signal string) []string {
	var out []string
	if unit := pid.Unit(p.PID); unit != "" && signals[signal].ends {
		out = append(out, fmt.Sprintf("process %d is of unit %s, which may start it again: a process target stops it for good", p.PID, unit))
	}
	if n := len(tree.Family(p.PID)) - 1; n > 0 && signals[signal].ends {
		out = append(out, fmt.Sprintf("process %d has %d descendants, which are not signalled themselves", p.PID, n))
	}
	if signal == "KILL" {
		out = append(out, fmt.Sprintf("process %d cannot save or clean up anything", p.PID))
	}
	if p.Comm == "postgres" && signals[signal].ends {
		out = append(out, fmt.Sprintf("process %d is of Postgres: postgres.terminate does this with its own checks", p.PID))
	}
	return out
}

// applySignal signals each process by its name, not by its number.
func applySignal(ctx context.Context, t *target, o action.Order, items []action.Item) (action.Done, error) {
	name := signalName(o.Args)
	var sent []pid.ID
	for _, i := range items {
		id, err := guardID(i.Guard)
		if err != nil {
			return action.Done{}, action.Not("%s: %s", i.ID, err)
		}
		if err := pid.Signal(id, signals[name].number); err == nil {
			sent = append(sent, id)
		} else if !errors.Is(err, pid.ErrGone) && len(sent) == 0 {
			return action.Done{}, action.Not("signal %s: %s", i.ID, err)
		}
	}
	if !signals[name].ends {
		return toldOf(o, sent), nil
	}
	left := pid.AwaitEnd(ctx, patience(o.Args), sent...)
	standing, err := signalStands(ctx, t, o)
	switch {
	case err != nil:
		return action.Done{}, err
	case standing.State == action.Made:
		return *standing.Done, nil
	case standing.State == action.PartlyMade:
		return action.Done{}, &action.Failure{State: action.PartlyMade, Text: standing.Text, Done: standing.Done}
	}
	return action.Done{}, fmt.Errorf("%d processes have not ended within %s of %s, and may still", len(left), patience(o.Args), name)
}

// toldOf is what was done by a signal that ends nothing.
func toldOf(o action.Order, sent []pid.ID) action.Done {
	done := action.Done{Summary: fmt.Sprintf("%s sent to %d of %d", signalName(o.Args), len(sent), len(o.Preview.Items))}
	for _, i := range o.Preview.Items {
		id, err := guardID(i.Guard)
		r := action.Result{ID: i.ID, Text: "left alone: it has changed or ended"}
		if err == nil && slices.Contains(sent, id) {
			r.OK, r.Text = true, "told"
		}
		done.Items = append(done.Items, r)
	}
	return done
}

// signalStands looks whether the processes are gone. A signal that ends
// nothing leaves no trace.
func signalStands(_ context.Context, _ *target, o action.Order) (action.Standing, error) {
	name := signalName(o.Args)
	done := action.Done{}
	over := 0
	for _, i := range o.Preview.Items {
		id, err := guardID(i.Guard)
		if err != nil {
			return cannotTell("%s: %s", i.ID, err), nil
		}
		r := result(i.ID, name, id)
		if r.OK {
			over++
		}
		done.Items = append(done.Items, r)
	}
	done.Summary = fmt.Sprintf("%d of %d gone", over, len(done.Items))
	if name == "CONT" {
		done.Summary = fmt.Sprintf("%d of %d go on", over, len(done.Items))
	}
	switch {
	case signals[name].ends || name == "CONT":
		return summed(done), nil
	case o.Done != nil && over == 0:
		return action.Standing{State: action.Made, Text: "the signal was delivered, and the processes are still there", Done: o.Done}, nil
	}
	return cannotTell("%s leaves nothing that shows it; %s", name, done.Summary), nil
}

// result says of one process whether it has come to what the signal was for.
func result(item, signal string, id pid.ID) action.Result {
	if signal != "CONT" {
		if pid.Lives(id) {
			return action.Result{ID: item, Text: "still there"}
		}
		return action.Result{ID: item, OK: true, Text: "gone"}
	}
	switch p, err := pid.Look(id.PID); {
	case err != nil || p.ID != id:
		return action.Result{ID: item, Text: "gone"}
	case p.State == "T":
		return action.Result{ID: item, Text: "still stopped"}
	}
	return action.Result{ID: item, OK: true, Text: "goes on"}
}
