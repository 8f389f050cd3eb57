//go:build !linux

package pid

import (
	"errors"
	"time"
)

// Monotonic needs Linux.
func Monotonic() (time.Duration, error) {
	return 0, errors.New("the clock of systemd is read on Linux only")
}
