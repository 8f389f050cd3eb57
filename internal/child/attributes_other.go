//go:build unix && !linux

package child

import "syscall"

// attributes put the program into a group of its own. Only Linux can also tie
// its life to ours.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
