package gunicorn

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/pid"
)

// bootTime is how long a worker must have lived to count as up where its
// heartbeat cannot be seen: older than most applications take to load.
const bootTime = 5 * time.Second

// up reports whether a worker has loaded the application and begun to work. A
// worker whose code does not load ends, and gunicorn ends with it, so one that
// merely lives says nothing. gunicorn gives each worker a file by which it
// shows that it is alive: the worker sets the file's mode to 0 or 1 in turn
// (up to version 20), or its times to a clock that began with the boot (later
// ones), and it begins with that when it begins to work.
func up(w pid.Process) bool {
	dir := filepath.Join("/proc", strconv.Itoa(w.PID), "fd")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return time.Since(w.Started()) > bootTime
	}
	for _, e := range entries {
		link, err := os.Readlink(filepath.Join(dir, e.Name()))
		if err != nil || !strings.HasPrefix(filepath.Base(link), "wgunicorn-") {
			continue
		}
		if info, err := os.Stat(filepath.Join(dir, e.Name())); err == nil {
			return info.Mode().Perm() <= 1 || info.ModTime().Before(w.Started().Add(-time.Hour))
		}
	}
	return time.Since(w.Started()) > bootTime
}

// allUp reports whether all of the workers are up.
func allUp(workers []pid.Process) bool {
	for _, w := range workers {
		if !up(w) {
			return false
		}
	}
	return true
}
