package pid

import (
	"fmt"
	"os"
	"strings"
)

// lifelines are commands without which a machine cannot be reached or does not
// run: nothing ends these, whatever an incident says.
var lifelines = map[string]bool{
	"init": true, "systemd": true, "sshd": true, "sshd-session": true, "dbus-daemon": true, "dbus-broker": true,
	"dockerd": true, "containerd": true, "kubelet": true, "crio": true, "agetty": true, "login": true,
}

// Protected says why a process must be left alone, whatever is asked for: it
// is the machine's own, or it carries us. Empty: it need not.
func (t Tree) Protected(p Process) string {
	switch {
	case p.PID <= 1:
		return "process 1 is the machine's own"
	case p.Kernel:
		return fmt.Sprintf("process %d (%s) is a thread of the kernel", p.PID, p.Comm)
	case p.PID == os.Getpid(), p.Comm == "quell":
		return fmt.Sprintf("process %d is quell itself", p.PID)
	case lifelines[p.Comm], strings.HasPrefix(p.Comm, "systemd-"), strings.HasPrefix(p.Comm, "containerd-shim"):
		return fmt.Sprintf("process %d is %s, which the machine needs to be reached and to run", p.PID, p.Comm)
	}
	for _, a := range t.Ancestors(os.Getpid()) {
		if a.PID == p.PID {
			return fmt.Sprintf("process %d (%s) is what quell was started by", p.PID, p.Comm)
		}
	}
	return ""
}
