package nginx

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// patience is how long new workers may take to come. A master that takes a
	// configuration starts them within milliseconds; reading thousands of
	// certificates takes seconds.
	patience = 15 * time.Second
	// settle lies between a file's time and a reload, and half of it is what a
	// worker must be younger than the file: start times are cut to 10 ms.
	settle = 50 * time.Millisecond
	// glance is the pause between two looks at the processes.
	glance = 20 * time.Millisecond
)

// errSilent says that a master was told to load and shows no sign of it.
var errSilent = errors.New("no new workers came")

// reload tells the master to load its configuration and waits for its new
// workers. Errors: *rejected with what the master wrote to its error log,
// errSilent (wrapped), the context's (wrapped), or that of the signal.
func (t *target) reload(ctx context.Context, tree *tree, m master) (master, error) {
	log := t.followLog(tree, m)
	before := map[process]bool{}
	for _, w := range m.current() {
		w.title = ""
		before[w] = true
	}
	if err := t.hangUp(m); err != nil {
		return m, err
	}
	for end := time.Now().Add(patience); ; {
		now, err := t.again(m)
		if err != nil {
			return m, err
		}
		if text := log.faults(m.pid); text != "" {
			return now, &rejected{t.tools.Redact.Text(text)}
		}
		if allNew(now.current(), before) {
			return now, nil
		}
		if time.Now().After(end) {
			return now, fmt.Errorf("%w within %s (error log: %s)", errSilent, patience, log.path)
		}
		if !sleep(ctx, glance) {
			return now, fmt.Errorf("wait for new workers: %w", ctx.Err())
		}
	}
}

func allNew(workers []process, before map[process]bool) bool {
	for _, w := range workers {
		w.title = ""
		if before[w] {
			return false
		}
	}
	return len(workers) > 0
}

// loadedSince reports whether all workers that serve began after a time, so
// that they read what was on disk then. A worker that crashed and was started
// again looks as young.
func loadedSince(m master, at time.Time) (bool, error) {
	workers := m.current()
	for _, w := range workers {
		began, err := started(w)
		if err != nil {
			return false, err
		}
		if !began.After(at.Add(settle / 2)) {
			return false, nil
		}
	}
	return len(workers) > 0, nil
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
