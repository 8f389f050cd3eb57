package pid

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
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

// listening is the code of a TCP port that is open for connections in /proc/net/tcp.
const listening = "0A"

// Listens are the TCP addresses that a process accepts connections on, as
// host:port. known is false where its open files are hidden from us.
func Listens(ctx context.Context, p Process) (addresses []string, known bool) {
	sockets, err := socketsOf(p.PID)
	if err != nil {
		return nil, false
	}
	held := map[string]bool{}
	for _, inode := range sockets {
		held[inode] = true
	}
	for _, table := range []string{"tcp", "tcp6"} {
		f, err := os.Open(filepath.Join(root, strconv.Itoa(p.PID), "net", table))
		if err != nil {
			continue
		}
		for lines := bufio.NewScanner(f); lines.Scan() && ctx.Err() == nil; {
			words := strings.Fields(lines.Text())
			if len(words) > 9 && words[3] == listening && held[words[9]] {
				if a, ok := address(words[1]); ok {
					addresses = append(addresses, a)
				}
			}
		}
		_ = f.Close()
	}
	slices.Sort(addresses)
	return slices.Compact(addresses), ctx.Err() == nil
}

// address reads 0100007F:1F40, whose words stand in the order of the machine's bytes.
func address(text string) (string, bool) {
	host, port, _ := strings.Cut(text, ":")
	raw, err := hex.DecodeString(host)
	n, err2 := strconv.ParseUint(port, 16, 16)
	if err != nil || err2 != nil || len(raw)%4 != 0 {
		return "", false
	}
	for i := 0; i+4 <= len(raw); i += 4 {
		binary.BigEndian.PutUint32(raw[i:], binary.NativeEndian.Uint32(raw[i:]))
	}
	ip, ok := netip.AddrFromSlice(raw)
	if !ok {
		return "", false
	}
	return netip.AddrPortFrom(ip.Unmap(), uint16(n)).String(), true
}
