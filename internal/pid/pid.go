// Package pid names processes of this machine so that none is ever mistaken
// for another: the kernel gives a number again as soon as its process is gone,
// so a name is the number, the moment at which the process started, and the
// boot that this moment counts from. It reads /proc, and signals.
package pid

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// ID names one process among all that ever ran on this machine.
type ID struct {
	PID   int    `json:"pid"`
	Start int64  `json:"start"` // when it started: hundredths of a second after boot
	Boot  string `json:"boot"`  // which boot
}

// String is the name in a form that is compared byte for byte.
func (i ID) String() string { return fmt.Sprintf("pid %d start %d boot %s", i.PID, i.Start, i.Boot) }

// Parse reads what String writes.
func Parse(text string) (ID, error) {
	var i ID
	if n, err := fmt.Sscanf(text, "pid %d start %d boot %s", &i.PID, &i.Start, &i.Boot); err != nil || n != 3 || i.PID <= 0 {
		return ID{}, fmt.Errorf("%q names no process", text)
	}
	return i, nil
}

// Process is what the kernel shows of one.
type Process struct {
	ID
	Parent, Group, Session int
	State                  string // one letter: R, S, D, Z, T, t, I
	Comm                   string
	Args                   []string // of kernel threads and of the dead: none
	UID                    int
	RSS                    int64   // resident memory, bytes
	CPU                    float64 // seconds of processor time used
	Threads                int64
	Kernel                 bool // a thread of the kernel's own
}

// Halted reports whether a signal or a debugger has stopped it for now: it keeps
// its memory, locks and sockets, and does nothing.
func (p Process) Halted() bool { return p.State == "T" || p.State == "t" }

// ErrGone says that there is no such process (any more).
var ErrGone = errors.New("there is no such process")

// root is where the kernel shows the processes of this machine. Whoever acts
// on them may look nowhere else.
const root = "/proc"

// Look reads one process. One that has ended and that its parent has not
// collected yet counts as gone: ErrGone.
func Look(pid int) (Process, error) {
	p, err := Read(pid)
	if err == nil && p.Dead() {
		return p, ErrGone
	}
	return p, err
}

// Read is Look for those who care for the dead too.
func Read(pid int) (Process, error) {
	dir := filepath.Join(root, strconv.Itoa(pid))
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if os.IsNotExist(err) || errors.Is(err, syscall.ESRCH) {
		return Process{}, ErrGone
	}
	if err != nil {
		return Process{}, fmt.Errorf("read process %d: %w", pid, err)
	}
	p, err := parse(stat)
	if err != nil {
		return Process{}, err
	}
	if p.Boot, err = Boot(); err != nil {
		return Process{}, err
	}
	if data, err := os.ReadFile(filepath.Join(dir, "cmdline")); err == nil {
		for _, a := range bytes.Split(bytes.TrimRight(data, "\x00"), []byte{0}) {
			if len(a) > 0 {
				p.Args = append(p.Args, string(a))
			}
		}
	}
	if info, err := os.Stat(dir); err == nil {
		if sys, ok := info.Sys().(*syscall.Stat_t); ok {
			p.UID = int(sys.Uid)
		}
	}
	return p, nil
}

// kernelThread is PF_KTHREAD of the kernel's include/linux/sched.h.
const kernelThread = 0x00200000

// parse reads /proc/PID/stat. The command stands in brackets and may itself
// hold brackets and spaces, so the last closing one counts.
func parse(data []byte) (Process, error) {
	open, end := bytes.IndexByte(data, '('), bytes.LastIndexByte(data, ')')
	if open < 0 || end < open {
		return Process{}, errors.New("stat of a process has no command")
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data[:open])))
	if err != nil {
		return Process{}, errors.New("stat of a process has no number")
	}
	f := strings.Fields(string(data[end+1:]))
	if len(f) < 22 {
		return Process{}, fmt.Errorf("stat of process %d is short", pid)
	}
	n := func(field int) int64 { v, _ := strconv.ParseInt(f[field-3], 10, 64); return v } // fields as proc(5) counts them
	return Process{
		ID: ID{PID: pid, Start: n(22)}, Comm: string(data[open+1 : end]), State: f[0],
		Parent: int(n(4)), Group: int(n(5)), Session: int(n(6)),
		RSS: n(24) * int64(os.Getpagesize()), CPU: float64(n(14)+n(15)) / perSecond, Threads: n(20), Kernel: n(9)&kernelThread != 0,
	}, nil
}

// Dead reports whether it has ended and only waits to be collected.
func (p Process) Dead() bool { return p.State == "Z" || p.State == "X" || p.State == "x" }

// Line is the command line as one text, cut and without secrets in flags.
func (p Process) Line() string {
	if len(p.Args) == 0 {
		return "[" + p.Comm + "]"
	}
	text := strings.ToValidUTF8(strings.Join(hideSecrets(p.Args), " "), "?")
	if len(text) > maxLine {
		text = strings.ToValidUTF8(text[:maxLine], "") + "…"
	}
	return text
}

// maxLine is how many bytes of a command line are shown.
const maxLine = 160

// Digest is a short name of the whole command line, which may hold secrets.
func (p Process) Digest() string {
	sum := sha256.Sum256([]byte(strings.Join(p.Args, "\x00")))
	return hex.EncodeToString(sum[:6])
}
