package nginx

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// proc is where the kernel shows processes.
const proc = "/proc"

// process is one process as it is now. pid and ticks together name it for good.
type process struct {
	pid, parent int
	ticks       uint64 // its start, in hundredths of a second after boot
	title       string // its command line, which nginx rewrites
}

// userHZ is the unit of ticks: a part of the kernel's interface to programs.
const userHZ = 100

func readProcess(pid int) (process, error) {
	dir := filepath.Join(proc, strconv.Itoa(pid))
	data, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return process{}, fmt.Errorf("there is no process %d", pid)
	}
	// The command stands in brackets and may hold brackets itself.
	_, rest, ok := bytes.Cut(data[max(bytes.LastIndexByte(data, ')'), 0):], []byte(" "))
	fields := strings.Fields(string(rest))
	if !ok || len(fields) < 20 {
		return process{}, fmt.Errorf("read process %d: its stat is short", pid)
	}
	p := process{pid: pid}
	if p.parent, err = strconv.Atoi(fields[1]); err != nil {
		return p, fmt.Errorf("read process %d: %w", pid, err)
	}
	if p.ticks, err = strconv.ParseUint(fields[19], 10, 64); err != nil {
		return p, fmt.Errorf("read process %d: %w", pid, err)
	}
	line, err := os.ReadFile(filepath.Join(dir, "cmdline"))
	if err != nil {
		return p, fmt.Errorf("read process %d: %w", pid, err)
	}
	p.title = strings.TrimSpace(strings.ReplaceAll(strings.TrimRight(string(line), "\x00"), "\x00", " "))
	return p, nil
}

// children lists the processes that one has started and not lost.
func children(pid int) ([]process, error) {
	entries, err := os.ReadDir(proc)
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var out []process
	for _, e := range entries {
		n, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if p, err := readProcess(n); err == nil && p.parent == pid {
			out = append(out, p)
		}
	}
	return out, nil
}

// started is when a process began: cut down to hundredths of a second, and
// right as long as nobody sets the clock.
func started(p process) (time.Time, error) {
	boot, err := booted()
	return boot.Add(time.Duration(p.ticks) * time.Second / userHZ), err
}
