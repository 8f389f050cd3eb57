//go:build !unix

package store

// full cannot be told here.
func full(string) bool { return false }
