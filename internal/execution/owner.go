package execution

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/quellhq/quell/internal/pid"
)

// Self names this process so that another one on the same machine can tell
// whether it still runs: host, boot, process id, start time, and a random part
// for several runs in one process.
func Self() string {
	host, boot := machine()
	var r [4]byte
	_, _ = rand.Read(r[:]) // never fails
	self, _ := pid.Look(os.Getpid())
	return fmt.Sprintf("%s/%s/%d/%s/%s", host, boot, os.Getpid(), start(self), hex.EncodeToString(r[:]))
}

// ended reports whether an owner is a process of this machine that runs no
// more. Of another machine nothing is known: its lease has to pass.
func ended(owner string) bool {
	part := strings.Split(owner, "/")
	if len(part) != 5 {
		return false
	}
	host, boot := machine()
	number, err := strconv.Atoi(part[2])
	if part[0] != host || err != nil || boot == "" {
		return false
	}
	if part[1] != boot {
		return true
	}
	p, err := pid.Look(number)
	switch {
	case err == nil:
		return start(p) != part[3]
	case errors.Is(err, pid.ErrGone) && p.Dead():
		return true // and its parent has not collected it yet
	}
	// A process of somebody else may be hidden from us; it lives all the same.
	return errors.Is(syscall.Kill(number, 0), syscall.ESRCH)
}

// machine is the host's name, and its current boot as the processes of one
// namespace see it: two containers may share a name and a kernel, and see each
// other's processes by no number.
func machine() (host, boot string) {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	boot, err = pid.Boot()
	if err != nil {
		return host, ""
	}
	namespace, _ := os.Readlink("/proc/self/ns/pid")
	return strings.ReplaceAll(host, "/", "-"), boot + strings.TrimPrefix(namespace, "pid:")
}

// start is when a process started, as an owner's name has it.
func start(p pid.Process) string { return strconv.FormatInt(p.Start, 10) }
