package host

import (
	"path/filepath"
	"strconv"
	"strings"
)

// family recognises servers that work as a master with workers. It looks at the
// program and its first arguments, never at the whole line: an editor that has
// gunicorn.conf.py open is no gunicorn.
func family(p process) string {
	if len(p.args) == 0 {
		return ""
	}
	first := p.args[0]
	// Titles that a server gives itself.
	for prefix, name := range map[string]string{
		"gunicorn: ": "gunicorn", "nginx: ": "nginx", "[celeryd: ": "celery", "celeryd: ": "celery",
		"rq:": "rq", "puma: ": "puma", "puma ": "puma", "sidekiq ": "sidekiq", "unicorn ": "unicorn", "php-fpm: ": "php-fpm",
		"uwsgi ": "uwsgi",
	} {
		if strings.HasPrefix(first, prefix) {
			return name
		}
	}
	words := p.args[:min(len(p.args), 4)]
	for i, w := range words {
		base := filepath.Base(w)
		switch base {
		case "gunicorn", "uvicorn", "hypercorn", "nginx", "uwsgi", "puma", "unicorn", "sidekiq", "daphne":
			if i == 0 || program(words[0]) {
				return base
			}
		case "celery":
			if i == 0 || program(words[0]) {
				return base
			}
		case "rq", "rqworker":
			if (i == 0 || program(words[0])) && (base == "rqworker" || i+1 < len(p.args) && p.args[i+1] == "worker") {
				return "rq"
			}
		}
	}
	return ""
}

// program reports whether the first word starts scripts: python3.11, ruby, sh.
func program(word string) bool {
	base := filepath.Base(word)
	for _, p := range []string{"python", "pypy", "ruby", "node", "php", "bundle", "uv", "poetry"} {
		if strings.HasPrefix(base, p) {
			return true
		}
	}
	return false
}

// spawned reports whether p is a worker that Python's multiprocessing started:
// uvicorn's workers look like this and do not name uvicorn at all.
func spawned(p process) bool {
	line := strings.Join(p.args, " ")
	return strings.Contains(line, "multiprocessing.spawn") || strings.Contains(line, "multiprocessing-fork")
}

// tracker reports whether p is the helper of multiprocessing, which is no worker.
func tracker(p process) bool {
	return strings.Contains(strings.Join(p.args, " "), "multiprocessing.resource_tracker")
}

// tree knows the parents, children and roles of all processes.
type tree struct {
	all      map[int]process
	children map[int][]int
}

func newTree(procs []process) tree {
	t := tree{all: map[int]process{}, children: map[int][]int{}}
	for _, p := range procs {
		t.all[p.pid] = p
		t.children[p.ppid] = append(t.children[p.ppid], p.pid)
	}
	return t
}

// role gives the family of a process and its part in it: master, worker,
// reloader, or empty. A worker's parent is of the same family; that is told by
// structure, since names are the same.
func (t tree) role(p process) (fam, role string) {
	parent := t.all[p.ppid]
	fam = family(p)
	if fam == "" {
		if pf := family(parent); pf != "" && parent.pid != 0 && !tracker(p) && (spawned(p) || p.state == "Z") {
			return pf, "worker"
		}
		if spawned(p) && !tracker(p) && t.forsaken(p) {
			return "", "worker"
		}
		return "", ""
	}
	if pf := family(parent); pf == fam {
		return fam, "worker"
	}
	if fam == "uvicorn" && hasFlag(p.args, "--reload") {
		return fam, "reloader"
	}
	for _, c := range t.children[p.pid] {
		child := t.all[c]
		if family(child) == fam || spawned(child) {
			return fam, "master"
		}
	}
	if len(p.args) > 0 && strings.Contains(p.args[0], "worker") {
		return fam, "worker"
	}
	return fam, "single"
}

// orphan reports whether p is a worker whose master is gone: it has been adopted
// from outside of its process group, has no children, and at least one other
// process with the same command line is in the same state. One alone may be a
// small server that was started in the background.
func (t tree) orphan(p process) bool {
	if spawned(p) && !tracker(p) {
		return t.forsaken(p)
	}
	if !t.adopted(p) {
		return false
	}
	for _, q := range t.all {
		if q.pid != p.pid && q.pgrp == p.pgrp && q.line() == p.line() && t.adopted(q) {
			return true
		}
	}
	return false
}

// adopted reports whether the process that started p is gone.
func (t tree) adopted(p process) bool {
	fam, parent := family(p), t.all[p.ppid]
	return fam != "" && fam != "nginx" && p.pgrp != p.pid && len(t.children[p.pid]) == 0 &&
		family(parent) != fam && parent.pgrp != p.pgrp
}

// forsaken reports whether the program that has spawned p is gone. Python
// never starts a process this way without staying above it, so one alone says it.
func (t tree) forsaken(p process) bool {
	parent := t.all[p.ppid]
	return p.state != "Z" && parent.pgrp != p.pgrp && (len(parent.args) == 0 || !program(parent.args[0]) && family(parent) == "")
}

func hasFlag(args []string, flag string) bool {
	for _, a := range args {
		if a == flag || strings.HasPrefix(a, flag+"=") {
			return true
		}
	}
	return false
}

// configuredWorkers reads -w N, --workers N or -c N (celery) off a command
// line. What gunicorn and uvicorn were told is read elsewhere, from files too.
func configuredWorkers(fam string, args []string) any {
	flags := map[string][]string{
		"gunicorn": {"-w", "--workers"}, "uvicorn": {"--workers"}, "hypercorn": {"-w", "--workers"},
		"celery": {"-c", "--concurrency"}, "puma": {"-w", "--workers"}, "unicorn": {}, "uwsgi": {"-p", "--processes"},
	}[fam]
	for i, a := range args {
		for _, f := range flags {
			text := ""
			switch {
			case a == f && i+1 < len(args):
				text = args[i+1]
			case strings.HasPrefix(a, f+"="):
				text = strings.TrimPrefix(a, f+"=")
			case len(f) == 2 && strings.HasPrefix(a, f) && len(a) > 2:
				text = a[2:]
			}
			if n, err := strconv.ParseInt(text, 10, 64); err == nil {
				return n
			}
		}
	}
	return nil
}
