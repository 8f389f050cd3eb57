package pid

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ErrDenied says that the system does not let us signal the process.
var ErrDenied = errors.New("not permitted to signal it: quell needs to run as its user or as root")

// Signal sends a signal to exactly the named process. The kernel is asked for
// a handle on the number first, and the name is checked with the handle in
// hand: whatever gets the number afterwards is not what the handle is of.
// Errors: ErrGone, ErrDenied.
func Signal(id ID, sig syscall.Signal) error {
	handle, err := os.FindProcess(id.PID)
	if err != nil {
		return fmt.Errorf("find process %d: %w", id.PID, err)
	}
	defer func() { _ = handle.Release() }()
	if !Lives(id) {
		return ErrGone
	}
	switch err := handle.Signal(sig); {
	case errors.Is(err, os.ErrProcessDone), errors.Is(err, syscall.ESRCH):
		return ErrGone
	case errors.Is(err, syscall.EPERM):
		return ErrDenied
	case err != nil:
		return fmt.Errorf("signal process %d: %w", id.PID, err)
	}
	return nil
}

// MaySignal reports whether a signal would be allowed, without sending one:
// nil, ErrGone or ErrDenied.
func MaySignal(id ID) error { return Signal(id, 0) }

// Lives reports whether the named process is there and has not ended.
func Lives(id ID) bool {
	p, err := Look(id.PID)
	return err == nil && p.ID == id
}

// step is how often a wait looks again.
const step = 20 * time.Millisecond

// AwaitEnd waits until none of the processes lives, and returns those that
// still do when ctx ends or the patience is over.
func AwaitEnd(ctx context.Context, patience time.Duration, ids ...ID) []ID {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(step)
	defer tick.Stop()
	for {
		var left []ID
		for _, id := range ids {
			if Lives(id) {
				left = append(left, id)
			}
		}
		if len(left) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return left
		case <-tick.C:
		}
	}
}

// Catches reports whether a process has a handler of its own for a signal;
// known is false where the kernel does not tell. One without is ended by most
// signals, and does not notice those that it ignores.
func Catches(pid int, sig syscall.Signal) (catches, known bool) {
	data, err := os.ReadFile(filepath.Join(root, strconv.Itoa(pid), "status"))
	if err != nil {
		return false, false
	}
	for line := range strings.Lines(string(data)) {
		if mask, ok := strings.CutPrefix(line, "SigCgt:"); ok {
			bits, err := strconv.ParseUint(strings.TrimSpace(mask), 16, 64)
			return bits&(1<<(uint(sig)-1)) != 0, err == nil
		}
	}
	return false, false
}
