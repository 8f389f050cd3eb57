package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Process is one program of the stack, started by a script of its own
// (bin/NAME in the stack's directory) that writes its process number into
// run/NAME.pid. Whoever runs the script starts the program: we do, and so does
// whatever looks after the service. Faults stop, kill and start it.
type Process struct {
	Name    string
	Script  string
	PidFile string
	Log     string // its output is appended to this file
	User    *syscall.Credential
	Stop    syscall.Signal // how it is asked to end; SIGTERM when 0

	mark  string
	stack *Stack
}

// program is what a Process runs.
type program struct {
	argv []string
	env  []string
	dir  string
	user *syscall.Credential
	stop syscall.Signal
	log  string // its name in the directory of logs; NAME.log when empty
}

// process writes the script of a program.
func (s *Stack) process(name string, p program) (*Process, error) {
	log := p.log
	if log == "" {
		log = name + ".log"
	}
	pr := &Process{
		Name: name, Script: s.path("bin", name), PidFile: s.path("run", name+".pid"), Log: s.path("log", log),
		User: p.user, Stop: p.stop, mark: s.Dir, stack: s,
	}
	if p.dir == "" {
		p.dir = s.Dir
	}
	var b strings.Builder
	b.WriteString("#!/bin/sh\nset -e\n")
	for _, variable := range append(environment(s.Dir), p.env...) {
		key, value, _ := strings.Cut(variable, "=")
		fmt.Fprintf(&b, "export %s=%s\n", key, quote(value))
	}
	words := make([]string, len(p.argv))
	for i, word := range p.argv {
		words[i] = quote(word)
	}
	fmt.Fprintf(&b, "cd %s\necho $$ > %s\nexec %s >> %s 2>&1\n", quote(p.dir), quote(pr.PidFile), strings.Join(words, " "), quote(pr.Log))
	if err := os.WriteFile(pr.Script, []byte(b.String()), 0o755); err != nil {
		return nil, fmt.Errorf("write the script of %s: %w", name, err)
	}
	for _, path := range []string{pr.PidFile, pr.Log} {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return nil, fmt.Errorf("prepare %s: %w", name, err)
		}
		f.Close()
		if p.user != nil {
			if err := os.Chown(path, int(p.user.Uid), int(p.user.Gid)); err != nil {
				return nil, fmt.Errorf("prepare %s: %w", name, err)
			}
		}
	}
	s.Processes = append(s.Processes, pr)
	return pr, nil
}

func quote(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }

// environment is what every program of the stack sees. The mark is how the
// keeper knows them again.
func environment(mark string) []string {
	return []string{
		markName + "=" + mark, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=/nonexistent", "LANG=C.UTF-8", "TZ=UTC", "PYTHONUNBUFFERED=1", "PYTHONDONTWRITEBYTECODE=1",
	}
}

// Start starts it; it must not be running.
func (p *Process) Start() error {
	if err := os.WriteFile(p.PidFile, nil, 0o644); err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	cmd := exec.Command(p.Script)
	cmd.Env = environment(p.mark)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: p.User}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	go func() { _ = cmd.Wait() }() // a program that a fault kills ends badly: no error of the lab
	for end := time.Now().Add(5 * time.Second); p.Pid() == 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			return fmt.Errorf("start %s: it wrote no process number into %s", p.Name, p.PidFile)
		}
	}
	return nil
}

// Pid is the process number that its last start wrote down, 0 for none.
func (p *Process) Pid() int {
	text, err := os.ReadFile(p.PidFile)
	if err != nil {
		return 0
	}
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return pid
}

// Running reports whether its main process lives: a zombie does not.
func (p *Process) Running() bool {
	pid := p.Pid()
	if pid == 0 {
		return false
	}
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}

// Signal sends a signal to its main process alone.
func (p *Process) Signal(sig syscall.Signal) error {
	if !p.Running() {
		return fmt.Errorf("signal %s: it is not running", p.Name)
	}
	return syscall.Kill(p.Pid(), sig)
}

// Children are the processes whose parent is its main process.
func (p *Process) Children() []int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", p.Pid(), p.Pid()))
	var pids []int
	for _, word := range strings.Fields(string(text)) {
		if pid, err := strconv.Atoi(word); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// Kill ends the whole group at once.
func (p *Process) Kill() {
	if pid := p.Pid(); pid > 1 {
		_ = syscall.Kill(-pid, syscall.SIGKILL)
		p.wait(5 * time.Second)
	}
}

// End asks it to end, and kills what has not ended after the grace.
func (p *Process) End(grace time.Duration) {
	if p.Running() {
		how := p.Stop
		if how == 0 {
			how = syscall.SIGTERM
		}
		_ = syscall.Kill(p.Pid(), syscall.SIGCONT)
		_ = syscall.Kill(p.Pid(), how)
		p.wait(grace)
	}
	p.Kill() // children that outlived it, too
}

// Restart ends it and starts it again.
func (p *Process) Restart() error {
	p.End(8 * time.Second)
	return p.Start()
}

func (p *Process) wait(most time.Duration) {
	for end := time.Now().Add(most); p.Running() && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
}

// Tool runs a program to its end in the service's source, with what it said in
// the error. It is how faults do what an operator would type.
func (s *Stack) Tool(ctx context.Context, env []string, argv ...string) (string, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = append(environment(s.Dir), env...)
	cmd.Dir = s.Source
	out, err := cmd.CombinedOutput()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return string(out), fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, strings.TrimSpace(string(out)))
		}
		return "", fmt.Errorf("%s: %w", strings.Join(argv, " "), err)
	}
	return string(out), nil
}

// Rewrite changes the script that starts it, as an operator edits a unit or a
// command. Errors: what is to be replaced does not stand there exactly once.
func (p *Process) Rewrite(old, new string) error {
	text, err := os.ReadFile(p.Script)
	if err != nil {
		return fmt.Errorf("edit the command of %s: %w", p.Name, err)
	}
	if n := strings.Count(string(text), old); n != 1 {
		return fmt.Errorf("edit the command of %s: it holds %d times: %s", p.Name, n, old)
	}
	if err := os.WriteFile(p.Script, []byte(strings.Replace(string(text), old, new, 1)), 0o755); err != nil {
		return fmt.Errorf("edit the command of %s: %w", p.Name, err)
	}
	p.stack.deployed(func(context.Context) error { return os.WriteFile(p.Script, text, 0o755) })
	return nil
}
