package pid

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

// perSecond is the unit of times in /proc/PID/stat. It belongs to the
// interface between kernel and programs, and is 100 wherever Go runs on Linux.
const perSecond = 100

// Slack is how much a start that Started gives may be too early at once: a
// unit of the start itself, and the kernel's own coarse clock.
const Slack = 20 * time.Millisecond

// drift is how far a clock may have been moved meanwhile, as a share of the
// time that has passed: starts are told by a clock that nobody sets, and
// moments by one that is kept right, by half a percent at worst.
const drift = 0.01

// boot is what Boot has read; nil until then.
var boot atomic.Pointer[string]

// Boot names the time since the machine was started. What was read once is not
// read again: whoever asks lives in the same one.
func Boot() (string, error) {
	if known := boot.Load(); known != nil {
		return *known, nil
	}
	data, err := os.ReadFile(filepath.Join(root, "sys/kernel/random/boot_id"))
	if err != nil {
		return "", fmt.Errorf("find out which boot this is: %w", err)
	}
	id := strings.TrimSpace(string(data))
	boot.Store(&id)
	return id, nil
}

// Started is when the process started, by the clock as it stands now; early
// by up to Slack, and off by what the clock was moved since. It is zero where the clock cannot be read.
func (i ID) Started() time.Time {
	up, err := sinceBoot()
	if err != nil {
		return time.Time{}
	}
	return time.Now().Add(time.Duration(i.Start)*time.Second/perSecond - up)
}

// Since reports whether the process started at or after a moment, as far as
// that can be told; in doubt it did.
func (i ID) Since(moment time.Time) bool { return Since(i.Started(), moment) }

// Since is the same for a start that somebody else has told.
func Since(started, moment time.Time) bool {
	return !started.Add(Slack + moved(moment)).Before(moment)
}

// moved is how far the clock may have been moved since a moment.
func moved(since time.Time) time.Duration {
	return time.Duration(float64(max(time.Since(since), 0)) * drift)
}
