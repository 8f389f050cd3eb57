package alembic

import "syscall"

// ownGroup starts a child in a process group of its own, and ends it when we
// are killed: a migration that nobody waits for would commit behind our back.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
