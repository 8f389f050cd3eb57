package realserver

import (
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Systemd is a real systemd that is process 1 of namespaces of its own. It sees
// the programs of this machine, read-only, and of the rest what a test shows
// it: no file, no network and no device of the machine is within its reach.
type Systemd struct {
	// Through is what stands before a command that is to reach it.
	Through []string
	Log     string
	Proc    *Process
}

// SystemdOptions say what systemd is given.
type SystemdOptions struct {
	Units    map[string]string // "orders.service": text
	Writable []string          // directories that it sees under their own names
	Readable []string          // the same, read-only
}

// systemdBoot builds the root that systemd gets, out of what it may see, and
// becomes it. Units with the usual dependencies ask for those of a boot, which
// empty /tmp, rename network interfaces and more: systemd must not find these
// units, and could do no harm if it did.
//
//go:embed systemd.sh
var systemdBoot string

// StartSystemd starts systemd. It needs root and namespaces.
func StartSystemd(t testing.TB, o SystemdOptions) *Systemd {
	t.Helper()
	_ = Find(t, "systemctl", "systemd")
	Namespaces(t, "systemd")
	dir := TempDir(t, "")
	writeFile(t, filepath.Join(dir, "units", "quell-test.target"), "[Unit]\nDescription=nothing but what a test starts\n")
	for _, basic := range []string{"sysinit", "basic", "shutdown"} {
		writeFile(t, filepath.Join(dir, "units", basic+".target"), "[Unit]\nDescription=empty\nDefaultDependencies=no\n")
	}
	for name, text := range o.Units {
		writeFile(t, filepath.Join(dir, "units", name), text)
	}
	writeFile(t, filepath.Join(dir, "boot.sh"), systemdBoot)
	writeFile(t, filepath.Join(dir, "writable"), lines(o.Writable))
	writeFile(t, filepath.Join(dir, "readable"), lines(o.Readable))
	s := &Systemd{Log: filepath.Join(dir, "systemd.log")}
	s.Proc = Start(t, "", dir, s.Log, isolated(t, "/bin/sh", filepath.Join(dir, "boot.sh"), dir)...)
	WaitFor(t, "systemd", 30*time.Second, s.Log, func() error {
		first, err := onlyChild(s.Proc.Cmd.Process.Pid)
		if err != nil {
			return err
		}
		s.Through = []string{Find(t, "nsenter", "util-linux"), "-t", first, "-m", "-p", "-n"}
		out, err := s.Run("systemctl", "is-system-running")
		if state := strings.TrimSpace(string(out)); state != "running" && state != "degraded" {
			return errors.Join(err, errors.New("systemd is "+state))
		}
		return nil
	})
	return s
}

// isolated puts a command into namespaces of its own; the first process of them
// ends with us, and with it all others.
func isolated(t testing.TB, argv ...string) []string {
	t.Helper()
	return append([]string{
		Find(t, "unshare", "util-linux"), "--fork", "--kill-child", "--pid", "--mount", "--net", "--cgroup", "--uts", "--ipc",
		"/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
	}, argv...)
}

// Run runs a command where systemd is.
func (s *Systemd) Run(argv ...string) ([]byte, error) {
	argv = append(append([]string{}, s.Through...), argv...)
	return exec.Command(argv[0], argv[1:]...).CombinedOutput()
}

func lines(list []string) string {
	var b strings.Builder
	for _, s := range list {
		b.WriteString(s + "\n")
	}
	return b.String()
}

// onlyChild is the number of the one child of a process.
func onlyChild(parent int) (string, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", parent, parent))
	if err != nil {
		return "", err
	}
	children := strings.Fields(string(data))
	if len(children) != 1 {
		return "", fmt.Errorf("process %d has %d children", parent, len(children))
	}
	return children[0], nil
}
