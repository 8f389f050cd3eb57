package pid

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Monotonic is the kernel's clock that no one sets, which stands while the
// machine sleeps: systemd tells times by it.
func Monotonic() (time.Duration, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		return 0, fmt.Errorf("read the monotonic clock: %w", err)
	}
	return time.Duration(t.Nano()), nil
}
