package logfile

import "golang.org/x/sys/unix"

// freeSpace is what an ordinary user may still write in a directory, in bytes;
// 0 where that cannot be told.
func freeSpace(dir string) int64 {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return 0
	}
	return int64(fs.Bavail * uint64(fs.Bsize))
}
