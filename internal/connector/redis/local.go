package redis

import (
	"context"
	"encoding/hex"
	"net"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"github.com/quellhq/quell/internal/redisapi"
)

// atPort is the same host at another port.
func atPort(a redisapi.Address, port string) redisapi.Address {
	b := a
	b.Addr = net.JoinHostPort(a.Host, port)
	return b
}

// maxProcesses bounds the walk over /proc.
const maxProcesses = 5000

// localRedisPorts lists the ports on which processes named like a Redis listen
// at host, where host is an address of this machine; nil otherwise. What
// belongs to other users and cannot be read is left out.
func localRedisPorts(ctx context.Context, host string) []string {
	ips, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	if err != nil || len(ips) == 0 || !isLocal(ips[0].IP) {
		return nil
	}
	sockets := map[string]string{} // inode → port
	for _, file := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		for inode, port := range listeners(file, ips[0].IP) {
			sockets[inode] = port
		}
	}
	if len(sockets) == 0 {
		return nil
	}
	var ports []string
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for i, dir := range dirs {
		if i == maxProcesses {
			break
		}
		comm, err := os.ReadFile(dir + "/comm")
		if err != nil || !looksLikeServer(strings.TrimSpace(string(comm))) {
			continue
		}
		fds, _ := os.ReadDir(dir + "/fd")
		for _, fd := range fds {
			link, err := os.Readlink(dir + "/fd/" + fd.Name())
			if err != nil {
				continue
			}
			if port, ok := sockets[strings.TrimSuffix(strings.TrimPrefix(link, "socket:["), "]")]; ok {
				ports = append(ports, port)
			}
		}
	}
	sort.Strings(ports)
	return ports
}

func looksLikeServer(comm string) bool {
	for _, name := range []string{"redis-server", "valkey-server", "keydb-server", "dragonfly"} {
		if strings.HasPrefix(comm, name) {
			return true
		}
	}
	return false
}

func isLocal(ip net.IP) bool {
	if ip.IsLoopback() {
		return true
	}
	addrs, _ := net.InterfaceAddrs()
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.Equal(ip) {
			return true
		}
	}
	return false
}

// listeners reads a table of /proc/net: listening sockets at ip, or at any
// address, by inode.
func listeners(file string, ip net.IP) map[string]string {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	out := map[string]string{}
	for _, line := range strings.Split(string(data), "\n") {
		f := strings.Fields(line)
		const listen = "0A"
		if len(f) < 10 || f[3] != listen {
			continue
		}
		addr, port, ok := strings.Cut(f[1], ":")
		number, err := strconv.ParseUint(port, 16, 16)
		if !ok || err != nil {
			continue
		}
		if at := kernelIP(addr); at != nil && (at.IsUnspecified() || at.Equal(ip)) {
			out[f[9]] = strconv.FormatUint(number, 10)
		}
	}
	return out
}

// kernelIP reads an address as /proc/net has it: words of four bytes, each in
// the machine's order (little endian on all that we build for).
func kernelIP(s string) net.IP {
	b, err := hex.DecodeString(s)
	if err != nil || len(b)%4 != 0 {
		return nil
	}
	for i := 0; i < len(b); i += 4 {
		b[i], b[i+1], b[i+2], b[i+3] = b[i+3], b[i+2], b[i+1], b[i]
	}
	return b
}
