package realserver

import (
	"bufio"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// RedisServer is a real redis-server that a test started.
type RedisServer struct {
	Host    string // an address of the loopback network
	Port    int
	Dir     string // its working directory, where snapshots go
	Log     string // its log file
	Process *Process
	t       testing.TB
	argv    []string
}

// RedisOptions say how a server is started. Zero fields have defaults.
type RedisOptions struct {
	Host string   // 127.0.0.1; another address of 127.0.0.0/8 keeps it apart from other tests' servers
	Port int      // a free one
	Dir  string   // a new one
	Args []string // further settings, as on redis-server's command line: "--maxmemory", "10mb"
	// NoWait returns as soon as the process runs: for servers that load, fail
	// at start, or speak TLS.
	NoWait bool
}

// Redis starts a redis-server without persistence and stops it when the test ends.
func Redis(t testing.TB, args ...string) *RedisServer {
	t.Helper()
	return RedisWith(t, RedisOptions{Args: args})
}

// RedisWith is Redis with options.
func RedisWith(t testing.TB, o RedisOptions) *RedisServer {
	t.Helper()
	if o.Host == "" {
		o.Host = "127.0.0.1"
	}
	if o.Port == 0 {
		o.Port = Port(t)
	}
	if o.Dir == "" {
		o.Dir = TempDir(t, "")
	}
	argv := append([]string{Find(t, "redis-server", "redis-server"),
		"--port", strconv.Itoa(o.Port), "--bind", o.Host, "--dir", o.Dir, "--save", "", "--daemonize", "no"}, o.Args...)
	s := &RedisServer{Host: o.Host, Port: o.Port, Dir: o.Dir, Log: filepath.Join(o.Dir, "redis.log"), t: t, argv: argv}
	s.Process = Start(t, "", o.Dir, s.Log, argv...)
	if !o.NoWait {
		s.WaitReady(t)
	}
	return s
}

// Addr is host:port.
func (s *RedisServer) Addr() string { return net.JoinHostPort(s.Host, strconv.Itoa(s.Port)) }

// URL is the address without credentials: redis://127.0.0.1:1234/0.
func (s *RedisServer) URL() string { return "redis://" + s.Addr() + "/0" }

// WaitReady waits until the server answers PING with anything but LOADING.
func (s *RedisServer) WaitReady(t testing.TB) {
	t.Helper()
	WaitFor(t, "redis-server at "+s.Addr(), 10*time.Second, s.Log, func() error {
		line, err := s.ask("PING")
		if err == nil && strings.HasPrefix(line, "-LOADING") {
			return fmt.Errorf("still loading")
		}
		return err
	})
}

// ask sends one inline command on a connection of its own.
func (s *RedisServer) ask(command string) (string, error) {
	conn, err := net.DialTimeout("tcp", s.Addr(), time.Second)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	if _, err := fmt.Fprintf(conn, "%s\r\n", command); err != nil {
		return "", err
	}
	return bufio.NewReader(conn).ReadString('\n')
}

// Freeze stops the process as a debugger would: connections are accepted by
// the kernel, and nothing answers. It is thawed when the test ends.
func (s *RedisServer) Freeze(t testing.TB) {
	t.Helper()
	s.signal(t, syscall.SIGSTOP)
	t.Cleanup(func() { _ = syscall.Kill(-s.Process.Cmd.Process.Pid, syscall.SIGCONT) })
}

// Thaw undoes Freeze.
func (s *RedisServer) Thaw(t testing.TB) { t.Helper(); s.signal(t, syscall.SIGCONT) }

// Kill ends the process without a chance to save.
func (s *RedisServer) Kill() { s.Process.Stop(syscall.SIGKILL) }

// Restart kills the server and starts it again with the same command line, on
// the same port and directory.
func (s *RedisServer) Restart(t testing.TB) {
	t.Helper()
	s.Kill()
	s.Process = Start(t, "", s.Dir, s.Log, s.argv...)
	s.WaitReady(t)
}

func (s *RedisServer) signal(t testing.TB, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(-s.Process.Cmd.Process.Pid, sig); err != nil {
		t.Fatalf("signal redis-server: %v", err)
	}
}
