//go:build !linux

package alembic

import "syscall"

// ownGroup starts a child in a process group of its own. Only Linux can end it
// when we are killed.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
