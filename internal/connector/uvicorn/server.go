package uvicorn

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/quellhq/quell/internal/pid"
)

// server is a uvicorn as it is at one moment.
type server struct {
	parent  pid.Process   // whom people call uvicorn: it may serve alone
	workers []pid.Process // those that it has spawned, in order of number
	dead    int           // children that have ended, and were not collected
	lost    int           // spawned workers of no uvicorn at all
}

// look finds the server. It is an error when there is none, or more than one.
func (t *target) look(ctx context.Context) (server, error) {
	tree, err := pid.All(ctx)
	if err != nil {
		return server{}, fmt.Errorf("look for uvicorn: %w", err)
	}
	var s server
	var found []pid.Process
	for _, p := range tree.Processes() {
		parent, _ := tree.Of(p.Parent)
		switch {
		case p.Dead():
		case spawned(p) && parent.Group != p.Group && !interpreter(parent):
			s.lost++
		case isUvicorn(p) && !isUvicorn(parent) && (t.config.match == nil || t.config.match.MatchString(strings.Join(p.Args, " "))):
			found = append(found, p)
		}
	}
	switch {
	case len(found) == 0 && s.lost > 0:
		return s, fmt.Errorf("uvicorn does not run: %d workers go on without it", s.lost)
	case len(found) == 0:
		return s, fmt.Errorf("uvicorn does not run: no process is one that matches %q", t.config.Match)
	case len(found) > 1:
		return s, fmt.Errorf("%d servers match %q: processes %d and %d are two of them", len(found), t.config.Match, found[0].PID, found[1].PID)
	}
	s.parent = found[0]
	for _, c := range tree.Children(s.parent.PID) {
		if spawned(c) {
			s.workers = append(s.workers, c)
		}
	}
	for _, p := range tree.Processes() {
		if p.Parent == s.parent.PID && p.Dead() {
			s.dead++
		}
	}
	return s, nil
}

// isUvicorn looks at the program and its first arguments: an editor that has
// uvicorn.py open is none.
func isUvicorn(p pid.Process) bool {
	for n, a := range p.Args[:min(len(p.Args), 4)] {
		if filepath.Base(a) == "uvicorn" && (n == 0 || interpreter(p)) {
			return true
		}
	}
	return false
}

func interpreter(p pid.Process) bool {
	return len(p.Args) > 0 && (strings.HasPrefix(filepath.Base(p.Args[0]), "python") || strings.HasPrefix(filepath.Base(p.Args[0]), "pypy") || filepath.Base(p.Args[0]) == "uv")
}

// spawned reports whether p is a worker that Python's multiprocessing has
// started: it does not name uvicorn at all.
func spawned(p pid.Process) bool {
	line := strings.Join(p.Args, " ")
	return strings.Contains(line, "multiprocessing.spawn") && !strings.Contains(line, "resource_tracker")
}
