//go:build !linux

package pid

import (
	"errors"
	"time"
)

var errNotLinux = errors.New("processes are told apart on Linux only")

// Monotonic needs Linux.
func Monotonic() (time.Duration, error) { return 0, errNotLinux }

func sinceBoot() (time.Duration, error) { return 0, errNotLinux }
