//go:build unix

package store

import "golang.org/x/sys/unix"

// full reports that a file system has no room for another page.
func full(dir string) bool {
	var stat unix.Statfs_t
	if err := unix.Statfs(dir, &stat); err != nil {
		return false
	}
	const page = 4096
	return float64(stat.Bavail)*float64(stat.Bsize) < page // of whatever types they are here
}
