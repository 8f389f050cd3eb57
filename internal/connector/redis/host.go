package redis

import (
	"context"
	"net"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// proc is the server's folder in /proc, where the server runs on this machine
// and its pid there is that of a Redis; empty otherwise.
func (t *target) proc(ctx context.Context, in info) string {
	pid, ok := in.num("process_id")
	if !ok {
		return ""
	}
	if at := t.client.at; at.Network == "tcp" {
		ips, err := net.DefaultResolver.LookupIPAddr(ctx, at.Host)
		if err != nil || len(ips) == 0 || !isLocal(ips[0].IP) {
			return ""
		}
	}
	dir := "/proc/" + strconv.Itoa(int(pid))
	comm, err := os.ReadFile(dir + "/comm")
	if err != nil || !looksLikeServer(strings.TrimSpace(string(comm))) {
		return ""
	}
	return dir
}

// swap returns the bytes of the server that are swapped out.
func (t *target) swap(ctx context.Context, in info) (float64, bool) {
	dir := t.proc(ctx, in)
	if dir == "" {
		return 0, false
	}
	data, err := os.ReadFile(dir + "/status")
	if err != nil {
		return 0, false
	}
	for _, line := range strings.Split(string(data), "\n") {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "VmSwap:" {
			kb, err := strconv.ParseFloat(f[1], 64)
			return kb * 1024, err == nil
		}
	}
	return 0, false
}

// freeDisk returns the bytes free for the server in its data directory, which
// is also its working directory.
func (t *target) freeDisk(ctx context.Context, in info) (float64, bool) {
	dir := t.proc(ctx, in)
	if dir == "" {
		return 0, false
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(dir+"/cwd/.", &fs); err != nil {
		return 0, false
	}
	return float64(fs.Bavail) * float64(fs.Bsize), true
}
