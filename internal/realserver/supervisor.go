package realserver

import (
	"fmt"
	"net"
	"path/filepath"
	"testing"
	"time"
)

// Supervisor is a real supervisord on a socket of its own.
type Supervisor struct {
	Dir                string
	URL                string // unix:///…
	Username, Password string
	Log                string
	Proc               *Process
}

// StartSupervisor starts supervisord with the given program and group sections;
// "DIR" in them is replaced by its directory. What it has started is ended with
// it.
func StartSupervisor(t testing.TB, sections string) *Supervisor {
	t.Helper()
	bin := Find(t, "supervisord", "supervisor")
	dir := TempDir(t, "")
	socket := filepath.Join(dir, "supervisor.sock")
	s := &Supervisor{Dir: dir, URL: "unix://" + socket, Username: "quell", Password: "hunter22", Log: filepath.Join(dir, "supervisord.log")}
	conf := filepath.Join(dir, "supervisord.conf")
	writeFile(t, conf, replaceAll(fmt.Sprintf(`[supervisord]
nodaemon=true
logfile=DIR/supervisord.log
pidfile=DIR/supervisord.pid
childlogdir=DIR

[unix_http_server]
file=DIR/supervisor.sock
username=%s
password=%s

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

%s
`, s.Username, s.Password, sections), map[string]string{"DIR": dir}))
	s.Proc = Start(t, "", dir, filepath.Join(dir, "out.log"), bin, "-n", "-c", conf)
	// Its programs lead groups of their own: only it can end them.
	t.Cleanup(func() { s.Proc.Terminate() })
	WaitFor(t, "supervisord", 20*time.Second, s.Log, func() error {
		c, err := net.DialTimeout("unix", socket, time.Second)
		if err == nil {
			_ = c.Close()
		}
		return err
	})
	return s
}
