package host

// What the kernel is asked by system calls rather than through files stands in
// calls_linux.go; calls_other.go lets quell be built elsewhere, where a host
// target answers that it does not apply.

// space is what statfs says, in bytes and inodes.
type space struct{ size, free, available, inodes, inodesFree float64 }

// fileID tells files apart.
type fileID struct{ device, inode uint64 }

// openFile is what stat says of an open file.
type openFile struct {
	id      fileID
	regular bool
	bytes   int64 // space that it takes
}

// facts are what stat says of a name beyond what every system knows.
type facts struct {
	id       fileID
	takes    int64 // space on the disk, bytes
	uid, gid uint32
	shared   bool // there are other names for it
}

// clockState is what adjtimex says, in seconds.
type clockState struct {
	synchronised     bool
	offset, maxError float64
}
