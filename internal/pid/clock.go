package pid

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// perSecond is the unit of times in /proc/PID/stat. It belongs to the
// interface between kernel and programs, and is 100 wherever Go runs on Linux.
const perSecond = 100

// Slack is how much a start that Started gives may be too early: a unit of the
// start itself, and what a clock that is being kept right is moved meanwhile.
const Slack = 20 * time.Millisecond

// Boot names the time since the machine was started.
func Boot() (string, error) {
	data, err := os.ReadFile(filepath.Join(root, "sys/kernel/random/boot_id"))
	if err != nil {
		return "", fmt.Errorf("find out which boot this is: %w", err)
	}
	return strings.TrimSpace(string(data)), nil
}

// Started is when the process started, by the clock as it stands now; early
// by up to Slack. It is zero where the clock cannot be read.
func (i ID) Started() time.Time {
	up, err := sinceBoot()
	if err != nil {
		return time.Time{}
	}
	return time.Now().Add(time.Duration(i.Start)*time.Second/perSecond - up)
}

// Since reports whether the process started at or after a moment, as far as
// that can be told.
func (i ID) Since(moment time.Time) bool { return !i.Started().Add(Slack).Before(moment) }
