package realserver

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Gunicorn is a real gunicorn with a small application.
type Gunicorn struct {
	Address string // host:port
	Dir     string // its directory, with app.py
	Pidfile string
	Log     string // its error log, which has every signal that it handles
	Proc    *Process
}

// gunicornApp answers with the number of its process. It writes a line for
// each time that its code is loaded; /slow takes as long as its query says.
const gunicornApp = `import os, time
with open("loaded", "a") as f:
    f.write("%d\n" % os.getpid())
def app(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        time.sleep(float(environ["QUERY_STRING"]))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"%d" % os.getpid()]
`

// StartGunicorn starts gunicorn with further arguments: "-w", "3". Its
// processes keep their command lines, whatever else is installed.
func StartGunicorn(t testing.TB, args ...string) *Gunicorn {
	t.Helper()
	return startGunicorn(t, "raise ImportError()\n", args)
}

// StartTitledGunicorn is one whose processes hide their command lines behind
// titles, as they do where the package setproctitle is installed.
func StartTitledGunicorn(t testing.TB, args ...string) *Gunicorn {
	t.Helper()
	return startGunicorn(t, "", args)
}

func startGunicorn(t testing.TB, setproctitle string, args []string) *Gunicorn {
	t.Helper()
	bin := Find(t, "gunicorn", "gunicorn")
	dir := TempDir(t, "")
	g := &Gunicorn{
		Address: fmt.Sprintf("127.0.0.1:%d", Port(t)), Dir: dir,
		Pidfile: filepath.Join(dir, "gunicorn.pid"), Log: filepath.Join(dir, "error.log"),
	}
	writeFile(t, filepath.Join(dir, "app.py"), gunicornApp)
	start := []string{bin}
	if setproctitle != "" {
		lib := filepath.Join(dir, "lib")
		if err := os.Mkdir(lib, 0o755); err != nil {
			t.Fatalf("make a directory: %v", err)
		}
		writeFile(t, filepath.Join(lib, "setproctitle.py"), setproctitle)
		start = []string{"/usr/bin/env", "PYTHONPATH=" + lib, bin}
	}
	argv := append(start, []string{"-b", g.Address, "-p", g.Pidfile, "--error-logfile", g.Log, "--log-level", "info", "--worker-tmp-dir", dir}...)
	argv = append(argv, args...)
	g.Proc = Start(t, "", dir, filepath.Join(dir, "out.log"), append(argv, "app:app")...)
	WaitFor(t, "gunicorn", 20*time.Second, g.Log, func() error {
		c, err := net.DialTimeout("tcp", g.Address, time.Second)
		if err == nil {
			_ = c.Close()
		}
		return err
	})
	return g
}
