package gunicorn

import (
	"runtime"

	"github.com/quellhq/quell/internal/appserver"
	"github.com/quellhq/quell/internal/pid"
)

// procDir is where the kernel shows the processes of this machine.
const procDir = "/proc"

// told is what the master was told: by its arguments, by the few variables of
// its environment that are settings, and by its configuration file.
func told(master pid.Process) appserver.Told {
	return appserver.Of(procDir, master.PID, master.Args, runtime.NumCPU())
}

// configured is the number of workers that it was told, or nil: the default,
// or a number that does not stand anywhere plainly.
func configured(t appserver.Told) any {
	if t.Workers == nil || t.WorkersFrom == "default" {
		return nil
	}
	return *t.Workers
}
