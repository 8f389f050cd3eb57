package main_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/realserver"
	"github.com/quellhq/quell/lab/stack"
)

// needStack fails, or says loudly that nothing is tried, where the servers that
// a stack is made of are missing.
func needStack(t *testing.T) {
	t.Helper()
	if missing := stack.Missing(); len(missing) > 0 {
		realserver.Missing(t, "the lab needs what is not installed: "+strings.Join(missing, " "))
	}
}

// binary builds the lab's program: the keeper is a copy of it.
func binary(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lab")
	out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	return path
}

var directory = regexp.MustCompile(`everything is in (\S+)`)

// A stack that is stopped, and one whose lab is killed with kill -9, leave no
// process, no port and no file behind.
func TestNothingIsLeftBehind(t *testing.T) {
	needStack(t)
	lab := binary(t)
	for how, signal := range map[string]syscall.Signal{"stopped": syscall.SIGINT, "killed": syscall.SIGKILL} {
		t.Run(how, func(t *testing.T) {
			cmd := exec.Command(lab, "run")
			said, err := cmd.StderrPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			t.Cleanup(func() { _ = cmd.Process.Kill() })
			dir := ""
			for lines := bufio.NewScanner(said); dir == "" && lines.Scan(); {
				if m := directory.FindStringSubmatch(lines.Text()); m != nil {
					dir = m[1]
				}
			}
			require.NotEmpty(t, dir, "the stack came up")
			require.Greater(t, len(marked(dir)), 15, "its processes bear its mark")

			require.NoError(t, cmd.Process.Signal(signal))
			_ = cmd.Wait()
			require.Eventually(t, func() bool {
				_, err := os.Stat(dir)
				return len(marked(dir)) == 0 && os.IsNotExist(err)
			}, 20*time.Second, 50*time.Millisecond, "left: %v", marked(dir))
		})
	}
}

// marked are the processes of a stack: by their environment, or, where a
// program has written a title over that, by where their output goes.
func marked(dir string) (found []int) {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		env, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "environ"))
		output, _ := os.Readlink(filepath.Join("/proc", e.Name(), "fd", "1"))
		if strings.Contains(string(env), "QUELL_LAB="+dir+"\x00") || strings.HasPrefix(output, dir+"/") {
			found = append(found, pid)
		}
	}
	return found
}
