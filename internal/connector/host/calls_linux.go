package host

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func statMount(dir string) (space, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return space{}, err
	}
	unit := float64(st.Bsize)
	if st.Frsize > 0 {
		unit = float64(st.Frsize)
	}
	return space{
		size: float64(st.Blocks) * unit, free: float64(st.Bfree) * unit, available: float64(st.Bavail) * unit,
		inodes: float64(st.Files), inodesFree: float64(st.Ffree),
	}, nil
}

// statOpen follows the kernel's own link to an open file. It asks for what is
// cached only: a file server that hangs must not hang us.
func statOpen(path string) (openFile, error) {
	var x unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, path, unix.AT_STATX_DONT_SYNC, unix.STATX_BASIC_STATS, &x); err != nil {
		return openFile{}, err
	}
	return openFile{
		id:      fileID{unix.Mkdev(x.Dev_major, x.Dev_minor), x.Ino},
		regular: x.Mode&unix.S_IFMT == unix.S_IFREG,
		bytes:   int64(x.Blocks) * 512,
	}, nil
}

func deviceNumber(major, minor uint32) uint64 { return unix.Mkdev(major, minor) }

func factsOf(info fs.FileInfo) (facts, bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return facts{}, false
	}
	return facts{id: fileID{st.Dev, st.Ino}, takes: st.Blocks * 512, uid: st.Uid, gid: st.Gid, shared: st.Nlink > 1}, true
}

func readClock() (clockState, error) {
	var x unix.Timex
	state, err := unix.Adjtimex(&x)
	if err != nil {
		return clockState{}, err
	}
	unit := 1e-6
	if x.Status&unix.STA_NANO != 0 {
		unit = 1e-9
	}
	return clockState{
		synchronised: state != unix.TIME_ERROR && x.Status&unix.STA_UNSYNC == 0,
		offset:       float64(x.Offset) * unit, maxError: float64(x.Maxerror) * 1e-6,
	}, nil
}

// readKmsg reads the kernel's ring buffer without waiting for more.
func readKmsg(path string, boot float64) ([]kernelLine, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer func() { _ = unix.Close(fd) }()
	var lines []kernelLine
	buffer := make([]byte, 16<<10) // the kernel hands out one record at a time, none longer than this
	for len(lines) < 50_000 {
		n, err := unix.Read(fd, buffer)
		switch {
		case errors.Is(err, unix.EPIPE): // records were overwritten while we read: go on with the next
			continue
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			return lines, nil
		case err != nil:
			return nil, &os.PathError{Op: "read", Path: path, Err: err}
		case n == 0:
			return lines, nil
		}
		if l, ok := parseKmsg(string(buffer[:n]), boot); ok {
			lines = append(lines, l)
		}
	}
	return lines, nil
}

// ownCPU is the processor time that this process has used.
func ownCPU() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
