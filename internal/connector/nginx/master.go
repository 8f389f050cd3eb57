package nginx

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
)

// master is the process that loads configurations, with its workers.
type master struct {
	process
	workers []process
	built   built
}

const (
	masterTitle = "nginx: master process "
	workerTitle = "nginx: worker process"
	endingTitle = "nginx: worker process is shutting down"
)

// current are the workers that serve new connections.
func (m master) current() []process {
	var out []process
	for _, w := range m.workers {
		if !strings.HasPrefix(w.title, endingTitle) {
			out = append(out, w)
		}
	}
	return out
}

// ending is how many workers only finish what they have begun.
func (m master) ending() int { return len(m.workers) - len(m.current()) }

// findMaster finds the master and proves that it is the one that is meant: an
// nginx master, of this program, with this configuration.
func (t *target) findMaster(ctx context.Context, tree *tree) (master, error) {
	b, err := t.build(ctx)
	if err != nil {
		return master{}, err
	}
	pidfile := t.pidfile(tree, b)
	data, err := readBounded(pidfile, 64)
	if err != nil {
		return master{}, fmt.Errorf("nginx does not run, or its pid file is elsewhere: read %s: %w", pidfile, err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil || pid <= 1 {
		return master{}, fmt.Errorf("%s holds no pid", pidfile)
	}
	m := master{built: b}
	if m.process, err = readProcess(pid); err != nil {
		return master{}, fmt.Errorf("nginx does not run: %s says %d: %w", pidfile, pid, err)
	}
	if err := t.identify(m, b); err != nil {
		return master{}, fmt.Errorf("process %d of %s: %w", pid, pidfile, err)
	}
	return t.again(m)
}

// again looks at the same master's workers once more.
func (t *target) again(m master) (master, error) {
	p, err := readProcess(m.pid)
	if err != nil || p.ticks != m.ticks {
		return m, fmt.Errorf("the master %d is gone", m.pid)
	}
	all, err := children(m.pid)
	if err != nil {
		return m, err
	}
	m.workers = nil
	for _, w := range all {
		if strings.HasPrefix(w.title, workerTitle) {
			m.workers = append(m.workers, w)
		}
	}
	return m, nil
}

func (t *target) pidfile(tree *tree, b built) string {
	if t.config.Pidfile != "" {
		return t.config.Pidfile
	}
	if d := tree.mainDirective("pid"); d != nil {
		return t.inPrefix(d.arg(0), b)
	}
	return b.pid
}

// inPrefix resolves a path of a main directive, which starts from the prefix.
func (t *target) inPrefix(path string, b built) string {
	switch {
	case filepath.IsAbs(path):
		return path
	case t.config.Prefix != "":
		return filepath.Join(t.config.Prefix, path)
	}
	return filepath.Join(b.prefix, path)
}

var confOption = regexp.MustCompile(`(?:^| )-c ?(\S+)`)

// identify refuses a process that is not our nginx.
func (t *target) identify(m master, b built) error {
	if !strings.HasPrefix(m.title, masterTitle) {
		return fmt.Errorf("it is no nginx master but %.60q", m.title)
	}
	exe, err := os.Readlink(filepath.Join(proc, strconv.Itoa(m.pid), "exe"))
	switch {
	case errors.Is(err, os.ErrPermission):
		return errors.New("its program cannot be read: run quell as root or as nginx's user")
	case err != nil:
		return fmt.Errorf("read its program: %w", err)
	}
	// After an upgrade of the package the old program still runs.
	if exe = strings.TrimSuffix(exe, " (deleted)"); exe != t.program() {
		return fmt.Errorf("it runs %s, and binary is %s", exe, t.program())
	}
	conf := b.conf
	if named := confOption.FindStringSubmatch(strings.TrimPrefix(m.title, masterTitle)); named != nil {
		conf = t.inPrefix(named[1], b)
	}
	if realPath(conf) != realPath(t.config.Conf) {
		return fmt.Errorf("it has loaded %s, and conf is %s", conf, t.config.Conf)
	}
	return nil
}

// program is the path of the binary, links followed.
func (t *target) program() string {
	path, err := exec.LookPath(t.config.Binary)
	if err != nil {
		path = t.config.Binary
	}
	return realPath(path)
}

// hangUp sends SIGHUP to the very process that was identified: the handle is
// taken first and the identity checked again, so a pid that was given to
// somebody else meanwhile gets nothing.
func (t *target) hangUp(m master) error {
	handle, err := os.FindProcess(m.pid)
	if err != nil {
		return fmt.Errorf("signal the master: %w", err)
	}
	defer func() { _ = handle.Release() }()
	if now, err := readProcess(m.pid); err != nil || now.ticks != m.ticks {
		return fmt.Errorf("signal the master: process %d is another one now", m.pid)
	}
	if err := handle.Signal(syscall.SIGHUP); err != nil {
		return fmt.Errorf("signal the master: %w", err)
	}
	return nil
}
