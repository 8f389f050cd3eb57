package realserver

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Systemd is a real systemd that is process 1 of namespaces of its own.
type Systemd struct {
	Dir string // seen inside under the same name
	// Through is what stands before a command that is to reach it.
	Through []string
	Log     string
	Proc    *Process
}

// systemdBoot makes the few mounts that systemd expects, keeps our units, and
// becomes it. Nothing of it is seen outside of its mount namespace, and nothing
// outside of its own directory can be written: units with the usual
// dependencies pull in the boot's services, of which systemd-tmpfiles empties
// /tmp.
const systemdBoot = `set -e
mount --make-rprivate /
mount --bind "$1" "$1"
mount -o remount,ro,bind /
mount -t tmpfs tmpfs /run
mkdir -p /run/lock /run/systemd/system
for unit in systemd-tmpfiles-setup.service systemd-tmpfiles-setup-dev.service systemd-tmpfiles-clean.service systemd-tmpfiles-clean.timer systemd-journal-flush.service; do
  ln -s /dev/null "/run/systemd/system/$unit"
done
cp "$1"/*.service "$1"/*.target /run/systemd/system/
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  umount /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup
else
  mount -t tmpfs cgroup /sys/fs/cgroup
  mkdir /sys/fs/cgroup/systemd
  mount -t cgroup -o none,name=systemd,xattr cgroup /sys/fs/cgroup/systemd
fi
exec /lib/systemd/systemd --system --unit=quell-test.target --log-target=console --log-level=info
`

// StartSystemd starts systemd with the given units ("orders.service": text);
// "DIR" in them is replaced by its directory. It needs root and namespaces.
func StartSystemd(t testing.TB, units map[string]string) *Systemd {
	t.Helper()
	_ = Find(t, "systemctl", "systemd")
	unshare := Find(t, "unshare", "util-linux")
	if os.Geteuid() != 0 {
		Missing(t, "systemd is started in namespaces of its own, which needs root")
	}
	dir := TempDir(t, "")
	writeFile(t, filepath.Join(dir, "quell-test.target"), "[Unit]\nDescription=nothing but what a test starts\nDefaultDependencies=no\nAllowIsolate=yes\n")
	for name, text := range units {
		writeFile(t, filepath.Join(dir, name), replaceAll(text, map[string]string{"DIR": dir}))
	}
	s := &Systemd{Dir: dir, Log: filepath.Join(dir, "systemd.log")}
	s.Proc = Start(t, "", dir, s.Log, unshare, "--fork", "--kill-child", "--pid", "--mount-proc", "--mount", "--cgroup", "--uts", "--ipc",
		"/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "container=quell-test", "/bin/sh", "-c", systemdBoot, "sh", dir)
	WaitFor(t, "systemd", 30*time.Second, s.Log, func() error {
		first, err := onlyChild(s.Proc.Cmd.Process.Pid)
		if err != nil {
			return err
		}
		s.Through = []string{Find(t, "nsenter", "util-linux"), "-t", first, "-m", "-p"}
		out, err := s.Run("systemctl", "is-system-running")
		if state := strings.TrimSpace(string(out)); state != "running" && state != "degraded" {
			return errors.Join(err, errors.New("systemd is "+state))
		}
		return nil
	})
	return s
}

// Run runs a command where systemd is.
func (s *Systemd) Run(argv ...string) ([]byte, error) {
	argv = append(append([]string{}, s.Through...), argv...)
	return exec.Command(argv[0], argv[1:]...).CombinedOutput()
}

// onlyChild is the number of the one child of a process.
func onlyChild(parent int) (string, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", parent, parent))
	if err != nil {
		return "", err
	}
	children := strings.Fields(string(data))
	if len(children) != 1 {
		return "", fmt.Errorf("process %s has %d children", strconv.Itoa(parent), len(children))
	}
	return children[0], nil
}
