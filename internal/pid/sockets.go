package pid

import (
	"bufio"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// established is the code of an open TCP connection in /proc/net/tcp.
const established = "01"

// Connections counts the open TCP connections that the processes hold, each
// once. known is false where the open files of one of them are hidden from us.
func Connections(ctx context.Context, procs []Process) (n int, known bool) {
	held := map[string]bool{}
	for _, p := range procs {
		sockets, err := socketsOf(p.PID)
		if err != nil {
			return 0, false
		}
		for _, inode := range sockets {
			held[inode] = true
		}
	}
	if len(held) == 0 {
		return 0, true
	}
	for _, table := range []string{"tcp", "tcp6"} {
		// The processes may live in another network than we do: theirs counts.
		found, err := count(ctx, filepath.Join(root, strconv.Itoa(procs[0].PID), "net", table), held)
		if err != nil && !os.IsNotExist(err) {
			return 0, false
		}
		n += found
	}
	return n, true
}

func count(ctx context.Context, path string, held map[string]bool) (n int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if ctx.Err() != nil {
			return n, ctx.Err()
		}
		words := strings.Fields(lines.Text())
		if len(words) > 9 && words[3] == established && held[words[9]] {
			n++
		}
	}
	return n, nil
}

// socketsOf lists the sockets that a process has open, by their inodes.
func socketsOf(pid int) ([]string, error) {
	dir := filepath.Join(root, strconv.Itoa(pid), "fd")
	entries, err := os.ReadDir(dir)
	if os.IsNotExist(err) {
		return nil, nil // it has ended
	}
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		link, err := os.Readlink(filepath.Join(dir, e.Name()))
		if inode, ok := strings.CutPrefix(link, "socket:["); ok && err == nil {
			out = append(out, strings.TrimSuffix(inode, "]"))
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// Files counts the open files of a process; known is false where they are
// hidden from us.
func Files(pid int) (n int, known bool) {
	f, err := os.Open(filepath.Join(root, strconv.Itoa(pid), "fd"))
	if err != nil {
		return 0, false
	}
	defer func() { _ = f.Close() }()
	names, err := f.Readdirnames(-1)
	return len(names), err == nil
}
