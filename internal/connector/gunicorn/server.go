package gunicorn

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/appserver"
	"github.com/quellhq/quell/internal/pid"
)

// server is a gunicorn as it is at one moment.
type server struct {
	master  pid.Process
	workers []pid.Process // in order of number; those that have ended are left out
	dead    int           // children that have ended, and were not collected
}

func (s server) String() string {
	return fmt.Sprintf("master %d with %s", s.master.PID, count(len(s.workers), "worker"))
}

// look finds the master and its workers. Errors: a *action.Refusal where there
// is none, or not exactly one; a *action.Unavailable where we cannot look.
func (t *target) look(ctx context.Context) (server, error) {
	if t.closed.Load() {
		return server{}, &action.Unavailable{Text: "the target is closed"}
	}
	tree, err := pid.All(ctx)
	if err != nil {
		return server{}, &action.Unavailable{Text: err.Error()}
	}
	master, err := t.master(ctx, tree)
	if err != nil {
		return server{}, err
	}
	if !isGunicorn(master) {
		return server{}, action.Refuse("", "process %d (%s) is no gunicorn", master.PID, master.Line())
	}
	s := server{master: master}
	for _, c := range tree.Children(master.PID) {
		if !worker(master, c) {
			continue
		}
		if slices.ContainsFunc(tree.Children(c.PID), func(g pid.Process) bool { return worker(c, g) }) {
			return server{}, action.Refuse("finish it: QUIT to the old master, or to the new one", "an upgrade of gunicorn is under way: process %d is a second master", c.PID)
		}
		s.workers = append(s.workers, c)
	}
	for _, p := range tree.Processes() {
		if p.Parent == master.PID && p.Dead() {
			s.dead++
		}
	}
	return s, nil
}

// again looks at a server that was just told something, as long as its master
// lives: a reload takes the pidfile away for a moment. ended is true when the
// master is gone.
func (t *target) again(ctx context.Context, master pid.ID) (s server, ended bool, err error) {
	for {
		s, err = t.look(context.WithoutCancel(ctx))
		if err == nil && s.master.ID == master {
			return s, false, nil
		}
		if !pid.Lives(master) {
			return s, true, fmt.Errorf("master %d has ended", master.PID)
		}
		if !pause(ctx) {
			return s, false, fmt.Errorf("look at gunicorn: %w", errors.Join(err, ctx.Err()))
		}
	}
}

// glances is how often a pidfile that names nobody is looked at again, 20 ms
// apart: a reload takes it away and writes a new one.
const glances = 25

// master finds the one that is meant.
func (t *target) master(ctx context.Context, tree pid.Tree) (pid.Process, error) {
	if t.config.Pidfile == "" {
		return t.matched(ctx, tree)
	}
	file := pid.File{Path: t.config.Pidfile, Match: t.config.match}
	master, why, err := file.Process()
	for range glances {
		if why == "" || err != nil || !pause(ctx) {
			break
		}
		master, why, err = file.Process()
	}
	var doubt *pid.Doubt
	switch {
	case errors.As(err, &doubt):
		return master, action.Refuse(doubt.Hint, "%s", doubt.Text)
	case err != nil:
		return master, &action.Unavailable{Text: err.Error()}
	case why != "":
		return master, &action.Unavailable{Text: "gunicorn does not run: " + why}
	}
	return master, nil
}

// matched finds the master by its command line: the one that matches, and
// whose parent does not.
func (t *target) matched(ctx context.Context, tree pid.Tree) (pid.Process, error) {
	meant := t.config.Match
	if meant == "" {
		meant = "gunicorn"
	}
	seen := map[int]bool{}
	matches := func(p pid.Process) bool {
		known, ok := seen[p.PID]
		if !ok {
			known = isGunicorn(p) && !titledWorker(p) && tree.Protected(p) == "" && t.fits(ctx, p)
			seen[p.PID] = known
		}
		return known
	}
	var found []pid.Process
	for _, p := range tree.Processes() {
		if parent, ok := tree.Of(p.Parent); !p.Dead() && matches(p) && !(ok && matches(parent)) {
			found = append(found, p)
		}
	}
	switch len(found) {
	case 0:
		return pid.Process{}, &action.Unavailable{Text: "gunicorn does not run: no process matches " + meant}
	case 1:
		return found[0], nil
	}
	return pid.Process{}, action.Refuse("write an expression that only one matches, or its pidfile",
		"%d masters match %s: processes %d and %d are two of them", len(found), meant, found[0].PID, found[1].PID)
}

// fits holds the expression against the command line; and where a title has
// taken its place, against what else tells one server from another. Where it
// listens is looked at last: the tables of sockets can be long.
func (t *target) fits(ctx context.Context, p pid.Process) bool {
	line := strings.Join(p.Args, " ")
	if t.config.match == nil || t.config.match.MatchString(line) {
		return true
	}
	if !strings.HasPrefix(line, "gunicorn: ") {
		return false
	}
	line += " " + appserver.Directory(procDir, p.PID)
	if t.config.match.MatchString(line) {
		return true
	}
	at, _ := pid.Listens(ctx, p)
	return t.config.match.MatchString(line + " " + strings.Join(at, " "))
}

// titledWorker reports whether a process calls itself a worker: one without a
// master is left over, and no master.
func titledWorker(p pid.Process) bool {
	return len(p.Args) > 0 && strings.HasPrefix(p.Args[0], "gunicorn: worker")
}

// isGunicorn looks at the program and its first arguments, never at the whole
// line: an editor that has gunicorn.conf.py open is none.
func isGunicorn(p pid.Process) bool {
	for _, a := range p.Args[:min(len(p.Args), 4)] {
		if base := filepath.Base(a); base == "gunicorn" || strings.HasPrefix(base, "gunicorn:") || base == "gunicorn3" {
			return true
		}
	}
	return false
}

// worker reports whether a child of a master is its worker: a fork of it that
// has started no other program, by the same arguments, or by the title that
// gunicorn gives its workers where it can.
func worker(master, child pid.Process) bool {
	return titledWorker(child) || slices.Equal(child.Args, master.Args)
}

// since tells workers that started at or after a moment from older ones.
func (s server) since(moment time.Time) (fresh, old []pid.Process) {
	for _, w := range s.workers {
		if w.Since(moment) {
			fresh = append(fresh, w)
		} else {
			old = append(old, w)
		}
	}
	return fresh, old
}

// byAge puts the oldest first.
func byAge(workers []pid.Process) []pid.Process {
	return slices.SortedStableFunc(slices.Values(workers), func(a, b pid.Process) int { return cmp.Compare(a.Start, b.Start) })
}

// mayBeSignalled says why the master may not be signalled.
func (s server) mayBeSignalled() error {
	if err := pid.MaySignal(s.master.ID); err != nil {
		return action.Refuse("run quell as gunicorn's user or as root", "process %d: %s", s.master.PID, err)
	}
	return nil
}

// halted reports whether the master has been stopped by a signal or a
// debugger: it would not heed ours before it goes on.
func (s server) halted() bool { return s.master.Halted() }

// count writes a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// pause waits a moment; false when the time is over.
func pause(ctx context.Context) bool {
	timer := time.NewTimer(20 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
