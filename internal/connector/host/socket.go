package host

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

type socket struct {
	protocol      string // tcp or udp
	family        int    // 4 or 6
	local, remote netip.AddrPort
	state         string
	queue         int64 // of a listener: connections waiting to be accepted; else bytes to be read
	sendQueue     int64
	uid           int
	inode         uint64
}

// tcpStates are the codes of include/net/tcp_states.h.
var tcpStates = map[string]string{
	"01": "ESTABLISHED", "02": "SYN_SENT", "03": "SYN_RECV", "04": "FIN_WAIT1", "05": "FIN_WAIT2",
	"06": "TIME_WAIT", "07": "CLOSE", "08": "CLOSE_WAIT", "09": "LAST_ACK", "0A": "LISTEN", "0B": "CLOSING", "0C": "NEW_SYN_RECV",
}

// maxSockets bounds how many sockets are read.
const maxSockets = 400_000

// errMany says that the socket table is longer than we read.
var errMany = errors.New("more sockets than are looked at")

// sockets calls each for every socket of the machine's network namespace.
func (s system) sockets(ctx context.Context, protocols []string, each func(socket)) error {
	found, count := false, 0
	for _, name := range protocols {
		path := filepath.Join(s.proc, "net", name)
		f, err := os.Open(path)
		if err != nil {
			// In a mount of another machine's /proc "self" does not exist.
			if f, err = os.Open(filepath.Join(s.proc, "1", "net", name)); err != nil {
				if os.IsPermission(err) {
					return err
				}
				continue
			}
		}
		found = true
		scan := bufio.NewScanner(f)
		scan.Scan() // heading
		for scan.Scan() {
			if count++; count%4096 == 0 && ctx.Err() != nil {
				_ = f.Close()
				return ctx.Err()
			}
			if count > maxSockets {
				_ = f.Close()
				return errMany
			}
			if sock, err := parseSocket(name, scan.Text()); err == nil {
				each(sock)
			}
		}
		_ = f.Close()
	}
	if !found {
		return os.ErrNotExist
	}
	return nil
}

func parseSocket(name, line string) (socket, error) {
	f := strings.Fields(line)
	if len(f) < 10 {
		return socket{}, fmt.Errorf("short line")
	}
	sock := socket{protocol: strings.TrimSuffix(name, "6"), family: 4}
	if strings.HasSuffix(name, "6") {
		sock.family = 6
	}
	var err error
	if sock.local, err = parseAddress(f[1]); err != nil {
		return sock, err
	}
	if sock.remote, err = parseAddress(f[2]); err != nil {
		return sock, err
	}
	sock.state = tcpStates[strings.ToUpper(f[3])]
	tx, rx, _ := strings.Cut(f[4], ":")
	sock.sendQueue, _ = strconv.ParseInt(tx, 16, 64)
	sock.queue, _ = strconv.ParseInt(rx, 16, 64)
	sock.uid, _ = strconv.Atoi(f[7])
	sock.inode, _ = strconv.ParseUint(f[9], 10, 64)
	return sock, nil
}

// parseAddress reads "0100007F:1F90": an address in 32-bit words, each in the
// byte order of a little-endian machine, and a port. Go runs Linux on
// big-endian machines too; those are not served here.
func parseAddress(text string) (netip.AddrPort, error) {
	host, port, ok := strings.Cut(text, ":")
	if !ok {
		return netip.AddrPort{}, fmt.Errorf("no port")
	}
	raw, err := hex.DecodeString(host)
	if err != nil || len(raw)%4 != 0 {
		return netip.AddrPort{}, fmt.Errorf("bad address")
	}
	for i := 0; i < len(raw); i += 4 {
		raw[i], raw[i+1], raw[i+2], raw[i+3] = raw[i+3], raw[i+2], raw[i+1], raw[i]
	}
	ip, ok := netip.AddrFromSlice(raw)
	if !ok {
		return netip.AddrPort{}, fmt.Errorf("bad address")
	}
	n, err := strconv.ParseUint(port, 16, 16)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("bad port")
	}
	return netip.AddrPortFrom(ip.Unmap(), uint16(n)), nil
}

// maxFDs bounds how many open files are looked at in one question.
const maxFDs = 200_000

// holders finds which process holds each of the wanted sockets (the first one,
// in order of pid, where several share it). hidden counts the processes that
// we may not look into.
func (s system) holders(ctx context.Context, procs []process, wanted map[uint64]bool) (byInode map[uint64][]int, hidden int, err error) {
	byInode = map[uint64][]int{}
	seen := 0
	for _, p := range procs {
		if err := ctx.Err(); err != nil {
			return byInode, hidden, err
		}
		dir := filepath.Join(s.proc, strconv.Itoa(p.pid), "fd")
		f, err := os.Open(dir)
		if err != nil {
			if os.IsPermission(err) {
				hidden++
			}
			continue
		}
		entries, err := f.Readdirnames(-1)
		_ = f.Close()
		if err != nil {
			if os.IsPermission(err) {
				hidden++
			}
			continue
		}
		for _, e := range entries {
			if seen++; seen > maxFDs {
				return byInode, hidden, nil
			}
			link, err := os.Readlink(filepath.Join(dir, e))
			if err != nil {
				continue
			}
			text, ok := strings.CutPrefix(link, "socket:[")
			if !ok {
				continue
			}
			inode, err := strconv.ParseUint(strings.TrimSuffix(text, "]"), 10, 64)
			if err == nil && wanted[inode] && !hasPid(byInode[inode], p.pid) {
				byInode[inode] = append(byInode[inode], p.pid)
			}
		}
	}
	return byInode, hidden, nil
}

func hasPid(list []int, pid int) bool {
	for _, x := range list {
		if x == pid {
			return true
		}
	}
	return false
}
