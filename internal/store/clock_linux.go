package store

import (
	"context"
	"database/sql"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// bootEra names the time since this machine was started, which its monotonic
// clock counts. It is the same for all its processes, and no change of the
// date moves it. A lease of another boot has passed: its owner is gone.
func bootEra() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return "boot " + strings.TrimSpace(string(id))
}

// clock implements engine. Without an era it is the wall clock.
func (e *sqliteEngine) clock(context.Context, *sql.Conn) (instant, error) {
	wall := e.now()
	if e.era == "" {
		return instant{us: wall.UnixMicro(), wall: wall}, nil
	}
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return instant{}, err
	}
	return instant{us: ts.Nano() / int64(time.Microsecond), era: e.era, wall: wall}, nil
}
