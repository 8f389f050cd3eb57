//go:build !linux

package cli

// takePrecedence does nothing on this system.
func takePrecedence() {}
