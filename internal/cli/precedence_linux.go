package cli

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// nice is how far a diagnosis goes before others, of 0 to -20. On a machine
// without a free processor it otherwise takes half a minute, most questions end
// without an answer, and the one cause that makes the machine slow is not found.
// What it needs is bounded: some seconds of one processor. See
// docs/decisions/0013.
const nice = -10

// takePrecedence lets this process, and the commands that it asks with, go before
// others for the processor. Without the permission (CAP_SYS_NICE) all stays as it
// is; so it does where somebody has set a priority himself. Not for a command
// that starts services: they would keep the priority.
func takePrecedence() {
	if now, err := unix.Getpriority(unix.PRIO_PROCESS, 0); err != nil || now != normal {
		return
	}
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return
	}
	// The kernel keeps a priority for each thread, and gives it to those that a
	// thread starts.
	for _, t := range threads {
		if id, err := strconv.Atoi(t.Name()); err == nil {
			_ = unix.Setpriority(unix.PRIO_PROCESS, id, nice)
		}
	}
}

// normal is what the system call answers for a nice value of 0: 20 minus it.
const normal = 20
