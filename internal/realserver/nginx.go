package realserver

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Nginx is an nginx on 127.0.0.1.
type Nginx struct {
	Port int
	Dir  string // configuration, logs and files to serve
	Proc *Process
}

// StartNginx starts nginx with the given server blocks; "PORT" in them is
// replaced by a free port of 127.0.0.1. files are written to its directory
// first, and "DIR" in the text is replaced by that directory. A file whose text
// is "symlink:TARGET" is a link.
func StartNginx(t testing.TB, servers string, files map[string]string) *Nginx {
	t.Helper()
	bin := Find(t, "nginx", "nginx-light")
	dir := TempDir(t, "")
	n := &Nginx{Port: Port(t), Dir: dir}
	for name, text := range files {
		writeFile(t, filepath.Join(dir, name), text)
	}
	as := ""
	if os.Geteuid() == 0 {
		as = "user root;" // its directory is closed to the user that it would change to
	}
	text := as + fmt.Sprintf(`daemon off; worker_processes 1; pid %[1]s/pid; error_log %[1]s/error.log info;
events { worker_connections 128; }
http {
  access_log %[1]s/access.log;
  client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi;
  uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
  %[2]s
}
`, dir, replaceAll(servers, map[string]string{"PORT": fmt.Sprint(n.Port), "DIR": dir}))
	conf := filepath.Join(dir, "nginx.conf")
	writeFile(t, conf, text)
	log := filepath.Join(dir, "out.log")
	n.Proc = Start(t, "", dir, log, bin, "-c", conf, "-p", dir, "-e", filepath.Join(dir, "error.log"))
	WaitFor(t, "nginx", 10*time.Second, filepath.Join(dir, "error.log"), func() error {
		c, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", n.Port), time.Second)
		if err == nil {
			_ = c.Close()
		}
		return err
	})
	return n
}

func writeFile(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	err := error(nil)
	if target, link := strings.CutPrefix(text, "symlink:"); link {
		err = os.Symlink(target, path)
	} else {
		err = os.WriteFile(path, []byte(text), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
