package realserver

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Docker is a real Docker engine with nothing in it but one small image. It
// runs in namespaces of processes, mounts and networks of its own, so that its
// containers end with it whatever happens to the test, and nothing of the
// machine's network is changed.
type Docker struct {
	Dir string
	URL string // unix:///…
	// Image has a busybox at /busybox and as /bin/sh.
	Image string
	Log   string
	Proc  *Process
}

// StartDocker starts a Docker engine. It needs root.
func StartDocker(t testing.TB) *Docker {
	t.Helper()
	bin := Find(t, "dockerd", "docker.io")
	_ = Find(t, "docker", "docker.io")
	busybox := Find(t, "busybox", "busybox-static")
	Namespaces(t, "a Docker engine")
	dir := TempDir(t, "")
	d := &Docker{Dir: dir, URL: "unix://" + filepath.Join(dir, "docker.sock"), Image: "quell-test:1", Log: filepath.Join(dir, "dockerd.log")}
	d.Proc = Start(t, "", dir, d.Log, Find(t, "unshare", "util-linux"), "--fork", "--kill-child", "--pid", "--mount", "--mount-proc", "--net",
		bin, "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--bridge=none", "--storage-driver=vfs",
		"--data-root", filepath.Join(dir, "data"), "--exec-root", filepath.Join(dir, "exec"), "--pidfile", filepath.Join(dir, "pid"), "-H", d.URL)
	WaitFor(t, "dockerd", 60*time.Second, d.Log, func() error {
		_, err := d.Run("docker", "version")
		return err
	})
	image := filepath.Join(dir, "image")
	script := `mkdir -p "$1/bin" "$1/tmp" && cp "$2" "$1/busybox" && ln -s /busybox "$1/bin/sh" && tar -C "$1" -c . | docker import - ` + d.Image
	if out, err := d.Run("/bin/sh", "-c", script, "sh", image, busybox); err != nil {
		t.Fatalf("make an image: %v\n%s", err, out)
	}
	return d
}

// Run runs a command that asks this engine.
func (d *Docker) Run(argv ...string) ([]byte, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "DOCKER_HOST="+d.URL)
	cmd.Dir = d.Dir
	return cmd.CombinedOutput()
}

// Pid is the number of the engine's own process on this machine.
func (d *Docker) Pid(t testing.TB) int {
	t.Helper()
	parent := strconv.Itoa(d.Proc.Cmd.Process.Pid)
	data, err := os.ReadFile(filepath.Join("/proc", parent, "task", parent, "children"))
	if err != nil {
		t.Fatalf("find dockerd: %v", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		t.Fatalf("dockerd is not the one child of unshare: %q", data)
	}
	return pid
}
