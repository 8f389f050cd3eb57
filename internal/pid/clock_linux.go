package pid

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Monotonic is the kernel's clock that no one sets, which stands while the
// machine sleeps: systemd tells times by it.
func Monotonic() (time.Duration, error) {
	return read(unix.CLOCK_MONOTONIC)
}

// sinceBoot is the kernel's clock that goes on while the machine sleeps: it
// tells the starts of processes by it.
func sinceBoot() (time.Duration, error) { return read(unix.CLOCK_BOOTTIME) }

func read(clock int32) (time.Duration, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(clock, &t); err != nil {
		return 0, fmt.Errorf("read a clock of the kernel: %w", err)
	}
	return time.Duration(t.Nano()), nil
}
