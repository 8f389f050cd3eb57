package host

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"syscall"

	"github.com/quellhq/quell/internal/secret"
)

// userHZ is the unit of times in /proc/PID/stat. It is part of the interface
// between kernel and programs and is 100 on every architecture that Go runs on
// under Linux.
const userHZ = 100

type process struct {
	pid, ppid, pgrp int
	state           string // one letter: R, S, D, Z, T, t, I
	comm            string
	args            []string
	uid             int
	start           float64 // seconds after boot
	cpu             float64 // seconds used
	threads         int64
	rss             int64 // bytes
}

// processes lists all that are visible, in order of pid. Those that end while
// we read are left out.
func (s system) processes(ctx context.Context) ([]process, error) {
	dir, err := os.ReadDir(s.proc)
	if err != nil {
		return nil, err
	}
	var out []process
	for _, d := range dir {
		pid, err := strconv.Atoi(d.Name())
		if err != nil {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if p, err := s.process(pid); err == nil {
			out = append(out, p)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].pid < out[j].pid })
	return out, nil
}

func (s system) process(pid int) (process, error) {
	id := strconv.Itoa(pid)
	stat, err := s.read(id, "stat")
	if err != nil {
		return process{}, err
	}
	p, err := parseStat(stat)
	if err != nil {
		return p, err
	}
	if data, err := s.read(id, "cmdline"); err == nil {
		for _, a := range bytes.Split(bytes.TrimRight(data, "\x00"), []byte{0}) {
			if len(a) > 0 {
				p.args = append(p.args, string(a))
			}
		}
	}
	if info, err := os.Stat(filepath.Join(s.proc, id)); err == nil {
		if sys, ok := info.Sys().(*syscall.Stat_t); ok {
			p.uid = int(sys.Uid)
		}
	}
	return p, nil
}

// parseStat reads /proc/PID/stat. The command is in brackets and may itself
// hold brackets and spaces, so the last closing one counts.
func parseStat(data []byte) (process, error) {
	var p process
	open, end := bytes.IndexByte(data, '('), bytes.LastIndexByte(data, ')')
	if open < 0 || end < open {
		return p, fmt.Errorf("stat of a process has no command")
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data[:open])))
	if err != nil {
		return p, fmt.Errorf("stat of a process has no pid")
	}
	f := strings.Fields(string(data[end+1:]))
	if len(f) < 22 {
		return p, fmt.Errorf("stat of process %d is short", pid)
	}
	n := func(i int) int64 { v, _ := strconv.ParseInt(f[i-3], 10, 64); return v } // i as in proc(5)
	p = process{
		pid: pid, comm: string(data[open+1 : end]), state: f[0],
		ppid: int(n(4)), pgrp: int(n(5)), cpu: float64(n(14)+n(15)) / userHZ,
		threads: n(20), start: float64(n(22)) / userHZ, rss: n(24) * int64(os.Getpagesize()),
	}
	return p, nil
}

// line is the command line as one text, or the command where there is none
// (kernel threads, zombies).
func (p process) line() string {
	if len(p.args) == 0 {
		return "[" + p.comm + "]"
	}
	text := strings.Join(hideSecrets(p.args), " ")
	if len(text) > maxLine {
		text = strings.ToValidUTF8(text[:maxLine], "") + "…"
	}
	return text
}

// secretFlag is a flag whose value is the next argument: --db-password x. Those
// written with = are known to the redactor.
var secretFlag = regexp.MustCompile(`(?i)^--?[a-z0-9_-]*(password|passwd|secret|token|api[_-]?key|credential|private[_-]?key)[a-z0-9_-]*$`)

// hideSecrets replaces arguments that follow a flag for a secret.
func hideSecrets(args []string) []string {
	out := args
	for i := 1; i < len(args); i++ {
		if !secretFlag.MatchString(args[i-1]) || strings.HasPrefix(args[i], "-") {
			continue
		}
		if &out[0] == &args[0] {
			out = append([]string{}, args...)
		}
		out[i] = secret.Placeholder
	}
	return out
}

// maxLine is how much of a command line is kept.
const maxLine = 400

func (s system) uptime() float64 {
	data, err := s.read("uptime")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(data), " ")
	v, _ := strconv.ParseFloat(first, 64)
	return v
}

// countFDs counts a process's open files.
func (s system) countFDs(pid int) (int, error) {
	f, err := os.Open(filepath.Join(s.proc, strconv.Itoa(pid), "fd"))
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	names, err := f.Readdirnames(-1)
	return len(names), err
}

// fdLimit is the soft limit on open files of a process.
func (s system) fdLimit(pid int) (int64, bool) {
	data, err := s.read(strconv.Itoa(pid), "limits")
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "Max open files"); ok {
			words := strings.Fields(rest)
			if len(words) > 0 {
				n, err := strconv.ParseInt(words[0], 10, 64)
				return n, err == nil
			}
		}
	}
	return 0, false
}

// names maps user ids to names, asking the system once for each.
type names map[int]string

func (n names) of(uid int) string {
	if name, ok := n[uid]; ok {
		return name
	}
	name := strconv.Itoa(uid)
	if u, err := user.LookupId(name); err == nil {
		name = u.Username
	}
	n[uid] = name
	return name
}
