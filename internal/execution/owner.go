package execution

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Self names this process so that another one on the same machine can tell
// whether it still runs: host, boot, process id, start time, and a random part
// for several runs in one process.
func Self() string {
	host, boot := machine()
	var r [4]byte
	_, _ = rand.Read(r[:]) // never fails
	return fmt.Sprintf("%s/%s/%d/%s/%s", host, boot, os.Getpid(), started(os.Getpid()), hex.EncodeToString(r[:]))
}

// ended reports whether an owner is a process of this machine that runs no
// more. Of another machine nothing is known: its lease has to pass.
func ended(owner string) bool {
	part := strings.Split(owner, "/")
	if len(part) != 5 {
		return false
	}
	host, boot := machine()
	pid, err := strconv.Atoi(part[2])
	if part[0] != host || err != nil || boot == "" {
		return false
	}
	return part[1] != boot || started(pid) != part[3]
}

// machine is the host's name, and an id of its current boot.
func machine() (host, boot string) {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return host, ""
	}
	// Two containers may share a name and a kernel, and see each other's
	// processes by no number.
	namespace, _ := os.Readlink("/proc/self/ns/pid")
	return strings.ReplaceAll(host, "/", "-"), strings.TrimSpace(string(id))[:8] + strings.TrimPrefix(namespace, "pid:")
}

// started is the start time of a process in clock ticks since boot, empty
// where there is none: field 22 of /proc/PID/stat (proc(5)), behind the name,
// which may hold spaces and brackets. A zombie has ended.
func started(pid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	text := string(stat)
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) < 20 || fields[0] == "Z" || fields[0] == "X" {
		return ""
	}
	return fields[19]
}
