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

func portChange() change {
	return change{
		spec: action.Spec{
			Name: "host.port_holder", Risk: action.R3,
			Does:     "Frees a TCP port: ends the one server that listens on it. Several that have nothing to do with each other, and what the machine needs, are refused.",
			Tells:    "nothing that is older than the decision listens on the port",
			Destroys: "what the server holds in memory, and the requests under way",
			Captures: []string{"host.listeners", "host.processes"},
			Params: []probe.Param{
				{Name: "port", Type: probe.Number, About: "the TCP port"},
				{Name: "kill", Type: probe.Bool, Default: "false", About: "end by SIGKILL what has not ended after the patience"},
				patienceParam(),
			},
		},
		plan: planPort, stands: portStands, apply: applyPort,
	}
}

// holdersOf finds the processes that listen on a TCP port.
func (t *target) holdersOf(ctx context.Context, a action.Args) (tree pid.Tree, holders []pid.Process, err error) {
	port := a.Number("port")
	if port < 1 || port > 65535 || port != float64(uint16(port)) {
		return tree, nil, action.Refuse("", "%v is no port", port)
	}
	wanted := map[uint64]bool{}
	if err := t.sys.sockets(ctx, []string{"tcp", "tcp6"}, func(s socket) {
		if s.state == "LISTEN" && s.local.Port() == uint16(port) {
			wanted[s.inode] = true
		}
	}); err != nil {
		return tree, nil, fmt.Errorf("read the socket tables: %w", err)
	}
	if tree, err = pid.All(ctx); err != nil || len(wanted) == 0 {
		return tree, nil, err
	}
	procs, err := t.sys.processes(ctx)
	if err != nil {
		return tree, nil, fmt.Errorf("read the process table: %w", err)
	}
	held, hidden, err := t.sys.holders(ctx, procs, wanted)
	if err != nil {
		return tree, nil, fmt.Errorf("read open files: %w", err)
	}
	for inode := range wanted {
		if len(held[inode]) == 0 && hidden > 0 { // with nobody hidden, it was closed while we looked
			return tree, nil, action.Refuse(hintHidden, "who listens on port %v is hidden from us (%d processes are)", port, hidden)
		}
		for _, n := range held[inode] {
			if p, ok := tree.Of(n); ok && !slices.ContainsFunc(holders, func(h pid.Process) bool { return h.PID == n }) {
				holders = append(holders, p)
			}
		}
	}
	slices.SortFunc(holders, func(a, b pid.Process) int { return a.PID - b.PID })
	return tree, holders, nil
}

// heads are the holders that no other holder has started: the masters.
func heads(holders []pid.Process) (out []pid.Process) {
	for _, h := range holders {
		if !slices.ContainsFunc(holders, func(o pid.Process) bool { return o.PID == h.Parent }) {
			out = append(out, h)
		}
	}
	return out
}

// unrelated reports whether masters are of different servers. Workers whose
// master does not hold the port itself are of one process group, with one
// command line; whoever looks after several services gives each its own group.
func unrelated(masters []pid.Process) bool {
	for _, m := range masters[1:] {
		if m.Group != masters[0].Group || m.Digest() != masters[0].Digest() {
			return true
		}
	}
	return false
}

func planPort(ctx context.Context, t *target, a action.Args) (action.Preview, error) {
	tree, holders, err := t.holdersOf(ctx, a)
	if err != nil {
		return action.Preview{}, err
	}
	port := a.Text("port")
	if len(holders) == 0 {
		return action.Preview{Already: true, Summary: fmt.Sprintf("nobody listens on port %s", port)}, nil
	}
	for _, h := range holders {
		if why := tree.Protected(h); why != "" {
			return action.Preview{}, action.Refuse("", "port %s: %s", port, why)
		}
		if proxies[h.Comm] {
			return action.Preview{}, action.Refuse("where it is the one in the way, end it by hand", "port %s is held by %s (process %d), through which others may be served", port, h.Comm, h.PID)
		}
		if h.Comm == "docker-proxy" {
			return action.Preview{}, action.Refuse("stop the container: a process target with manager compose does", "port %s is published by a container", port)
		}
		if err := pid.MaySignal(h.ID); err != nil && !errors.Is(err, pid.ErrGone) {
			return action.Preview{}, action.Refuse("run quell as its user or as root", "process %d (%s): %s", h.PID, h.Comm, err)
		}
	}
	masters := heads(holders)
	if unrelated(masters) {
		return action.Preview{}, action.Refuse("host.signal ends those that are meant", "%d servers share port %s: %s", len(masters), port, linesOf(masters))
	}
	p := action.Preview{
		Summary: fmt.Sprintf("ends %s, which listens on port %s", masters[0].Line(), port), Blast: int64(len(holders)),
	}
	for _, m := range masters {
		p.Items = append(p.Items, processItem(m, "ended, and the port is free"))
	}
	p.Warnings = portWarnings(ctx, tree, holders, a)
	return p, nil
}

func linesOf(procs []pid.Process) string {
	var lines []string
	for _, p := range procs[:min(len(procs), 3)] {
		lines = append(lines, fmt.Sprintf("process %d (%s)", p.PID, p.Line()))
	}
	return strings.Join(lines, ", ")
}

func portWarnings(ctx context.Context, tree pid.Tree, holders []pid.Process, a action.Args) []string {
	var out []string
	if len(holders) > 1 {
		out = append(out, fmt.Sprintf("%d processes hold the port together, and all of them end", len(holders)))
	}
	if n, known := pid.Connections(ctx, holders); known && n > 0 {
		out = append(out, fmt.Sprintf("they have %d open TCP connections now, which break", n))
	}
	if unit := pid.Unit(holders[0].PID); unit != "" {
		out = append(out, fmt.Sprintf("it is of unit %s, which may start it again", unit))
	}
	if above, ok := tree.Of(holders[0].Parent); ok && strings.Contains(above.Line(), "supervisord") {
		out = append(out, "supervisord has started it, and may start it again")
	}
	if a.Bool("kill") {
		out = append(out, fmt.Sprintf("what has not ended after %s is killed, and cannot save anything", patience(a)))
	}
	return out
}

// leftOn are the listeners on the port that are older than the decision.
func (t *target) leftOn(ctx context.Context, o action.Order) (old, now []pid.Process, err error) {
	_, holders, err := t.holdersOf(ctx, o.Args)
	for _, h := range holders {
		if h.Since(o.Intended) {
			now = append(now, h)
		} else {
			old = append(old, h)
		}
	}
	return old, now, err
}

func portStands(ctx context.Context, t *target, o action.Order) (action.Standing, error) {
	old, now, err := t.leftOn(ctx, o)
	if err != nil {
		return action.Standing{}, err
	}
	done := action.Done{Summary: fmt.Sprintf("port %s is free", o.Args.Text("port"))}
	if len(now) > 0 {
		done.Summary = fmt.Sprintf("port %s was freed, and is held by %s now", o.Args.Text("port"), linesOf(now))
	}
	there := map[string]bool{}
	for _, h := range old {
		there[guardOf(h)] = true
	}
	same := 0
	for _, i := range o.Preview.Items {
		r := action.Result{ID: i.ID, OK: !there[i.Guard], Text: "does not hold the port any more"}
		if !r.OK {
			r.Text = "still listens"
			same++
		}
		done.Items = append(done.Items, r)
	}
	switch {
	case len(old) == 0:
		return action.Standing{State: action.Made, Text: done.Summary, Done: &done}, nil
	case same == len(o.Preview.Items):
		return action.Standing{State: action.NotMade, Text: linesOf(old) + " still listens"}, nil
	}
	done.Summary = "part of the server has ended, and " + linesOf(old) + " still listens"
	return action.Standing{State: action.PartlyMade, Text: done.Summary, Done: &done}, nil
}

// applyPort ends the masters, waits until what they have started is gone too,
// and goes after the rest.
func applyPort(ctx context.Context, t *target, o action.Order, items []action.Item) (action.Done, error) {
	_, holders, err := t.holdersOf(ctx, o.Args)
	if err != nil {
		return action.Done{}, action.NotYet("%s", err)
	}
	var all []pid.ID
	for _, h := range holders {
		all = append(all, h.ID)
	}
	var told []pid.ID
	for n, i := range items {
		id, err := guardID(i.Guard)
		if err != nil {
			return action.Done{}, action.Not("%s: %s", i.ID, err)
		}
		told = append(told, id)
		if err := pid.Signal(id, syscall.SIGTERM); err != nil && !errors.Is(err, pid.ErrGone) && n == 0 {
			return action.Done{}, action.Not("signal %s: %s", i.ID, err)
		}
	}
	left := pid.AwaitEnd(ctx, patience(o.Args), all...)
	for _, id := range left {
		if !slices.Contains(told, id) { // a second TERM means another thing to many programs
			_ = pid.Signal(id, syscall.SIGTERM)
		}
	}
	left = pid.AwaitEnd(ctx, 2*time.Second, left...)
	if o.Args.Bool("kill") {
		for _, id := range left {
			_ = pid.Signal(id, syscall.SIGKILL)
		}
		pid.AwaitEnd(ctx, 2*time.Second, left...)
	}
	return t.freed(ctx, o)
}

// freed looks at the port after the act.
func (t *target) freed(ctx context.Context, o action.Order) (action.Done, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), turnTime)
	defer cancel()
	s, err := portStands(ctx, t, o)
	switch {
	case err != nil:
		return action.Done{}, fmt.Errorf("look at the port: %w", err)
	case s.State == action.Made:
		return *s.Done, nil
	case s.State == action.PartlyMade:
		return action.Done{}, &action.Failure{State: action.PartlyMade, Text: s.Text, Done: s.Done}
	}
	return action.Done{}, fmt.Errorf("%s %s after TERM, and may still end (kill: true ends it by force)", s.Text, patience(o.Args))
}
