//go:build !linux

package nginx

import (
	"errors"
	"time"
)

// booted needs Linux, as everything here that looks at processes does.
func booted() (time.Time, error) {
	return time.Time{}, errors.New("the start of a process can be read on Linux only")
}
