package child

import "syscall"

// attributes put the program into a group of its own and let the kernel kill
// it when the thread that started it is gone: with us, even by SIGKILL. A
// program that changes its user by a set-user-ID bit loses that; what it has
// started itself is not covered.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
