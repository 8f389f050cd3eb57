package nginx

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// booted is when the machine was started, by the clock as it is set now.
func booted() (time.Time, error) {
	var since unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &since); err != nil {
		return time.Time{}, fmt.Errorf("read the time since boot: %w", err)
	}
	return time.Now().Add(-time.Duration(since.Nano())), nil
}
