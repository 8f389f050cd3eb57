package stack

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// markName is the variable by which a program of a stack, and whatever it has
// started, is known: its value is the stack's directory.
const markName = "QUELL_LAB"

// keeperArgument tells a copy of the lab's program that it is the keeper.
const keeperArgument = "lab-keeper"

// Keep is the keeper: a copy of the lab's program that waits until the lab has
// ended, however that happened, and clears away what is left. The lab's main
// calls it first; it returns at once where the program is not the keeper.
func Keep() {
	if len(os.Args) != 3 || os.Args[1] != keeperArgument {
		return
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // ends with the lab: the kernel closes its end of the pipe
	clear(os.Args[2])
	os.Exit(0)
}

// keeper starts the keeper of a directory. Closing the pipe lets it work.
func keeper(dir string) (io.WriteCloser, *exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, fmt.Errorf("start the keeper: %w", err)
	}
	cmd := exec.Command(self, keeperArgument, dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, fmt.Errorf("start the keeper: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, fmt.Errorf("start the keeper: %w", err)
	}
	return pipe, cmd, nil
}

// clear kills every process that bears the mark, takes away what was mounted
// and the memory groups that were made, and removes the directory.
func clear(dir string) {
	if !strings.HasPrefix(filepath.Base(dir), dirPrefix) {
		return // never anything but a lab's own directory
	}
	for range 50 {
		if kill(dir) == 0 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	unmount(dir)
	clearFirewall(dir)
	for _, group := range memoryGroups(dir) {
		_ = os.Remove(group)
	}
	for range 20 {
		if os.RemoveAll(dir) == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// kill sends SIGKILL to all that belong to the stack, and returns how many there were.
func kill(dir string) int {
	found := 0
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err == nil && pid != os.Getpid() && belongs(entry.Name(), dir) {
			found++
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	return found
}

// belongs reports whether a process is of the stack in dir: it bears the mark,
// works in the directory, or writes into it. The mark alone does not do: a
// program that changes its title (nginx, Redis, gunicorn, Celery) writes it over
// its environment.
func belongs(pid, dir string) bool {
	env, _ := os.ReadFile("/proc/" + pid + "/environ")
	for _, variable := range bytes.Split(env, []byte{0}) {
		if string(variable) == markName+"="+dir {
			return true
		}
	}
	for _, link := range []string{"cwd", "fd/1", "fd/2"} {
		path, err := os.Readlink("/proc/" + pid + "/" + link)
		if err == nil && (path == dir || path == dir+" (deleted)" || strings.HasPrefix(path, dir+"/")) {
			return true
		}
	}
	return false
}

// unmount takes away what is mounted below dir, the deepest first.
func unmount(dir string) {
	table, _ := os.ReadFile("/proc/self/mounts")
	var below []string
	for _, line := range strings.Split(string(table), "\n") {
		if fields := strings.Fields(line); len(fields) > 1 && strings.HasPrefix(fields[1], dir+"/") {
			below = append(below, fields[1])
		}
	}
	sort.Sort(sort.Reverse(sort.StringSlice(below)))
	for _, mount := range below {
		_ = syscall.Unmount(mount, syscall.MNT_DETACH)
	}
}

// memoryGroups are the cgroups that a stack has made: they bear its name.
func memoryGroups(dir string) []string {
	var found []string
	for _, pattern := range []string{"/sys/fs/cgroup/*/", "/sys/fs/cgroup/"} {
		groups, _ := filepath.Glob(pattern + filepath.Base(dir) + "*")
		found = append(found, groups...)
	}
	return found
}
