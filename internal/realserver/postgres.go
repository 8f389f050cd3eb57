package realserver

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// PostgresConfig says how a server starts. The zero value is a small server
// that trusts everyone on 127.0.0.1, with pg_stat_statements loaded.
type PostgresConfig struct {
	Settings map[string]string // postgresql.conf, on top of the defaults below
	HBA      string            // whole text of pg_hba.conf; empty: trust 127.0.0.1 and the socket
	Standby  *Postgres         // clone this server and follow it
	Slot     string            // with Standby: replication slot to make and use
}

// Postgres is a PostgreSQL server on 127.0.0.1 with the superuser "postgres",
// no password, and the databases "postgres" and "app".
type Postgres struct {
	Port    int
	Socket  string // directory of its unix socket
	Data    string // data directory
	LogFile string
	Proc    *Process
	argv    []string
	t       testing.TB
}

// smallServer keeps memory, disk and start-up time low; fsync is off because
// no test survives a power cut. Timings of I/O are on, as in most real servers
// that people look into.
var smallServer = map[string]string{
	"listen_addresses": "127.0.0.1", "shared_buffers": "16MB", "max_connections": "60",
	"shared_preload_libraries": "pg_stat_statements", "fsync": "off", "full_page_writes": "off",
	"max_wal_size": "64MB", "track_io_timing": "on", "autovacuum_naptime": "5s",
	"max_prepared_transactions": "10", "wal_level": "replica", "hot_standby": "on",
	// a session whose test was killed ends by itself, even in the middle of a loop
	"client_connection_check_interval": "1s",
	"log_line_prefix":                  "%m [%p] ", "log_min_messages": "warning", "dynamic_shared_memory_type": "posix",
}

// StartPostgres makes a server and waits until it answers. It stops, and its
// files go, when the test ends.
func StartPostgres(t testing.TB, cfg PostgresConfig) *Postgres {
	t.Helper()
	bin := Find(t, "postgres", "postgresql-15")
	dir := TempDir(t, "postgres")
	p := &Postgres{Port: Port(t), Socket: dir, Data: filepath.Join(dir, "data"), LogFile: filepath.Join(dir, "log"), t: t}
	if cfg.Standby != nil {
		p.clone(t, cfg)
	} else {
		p.initdb(t)
	}
	if cfg.HBA != "" {
		p.writeData(t, "pg_hba.conf", cfg.HBA)
	}
	settings := map[string]string{"port": strconv.Itoa(p.Port), "unix_socket_directories": dir}
	for _, m := range []map[string]string{smallServer, cfg.Settings} {
		for k, v := range m {
			settings[k] = v
		}
	}
	p.argv = []string{bin, "-D", p.Data}
	names := make([]string, 0, len(settings))
	for k := range settings {
		names = append(names, k)
	}
	sort.Strings(names)
	for _, k := range names {
		p.argv = append(p.argv, "-c", k+"="+settings[k])
	}
	p.Start(t)
	if cfg.Standby == nil {
		p.Exec(t, "", "CREATE DATABASE app")
		p.Exec(t, "app", "CREATE EXTENSION pg_stat_statements")
	}
	return p
}

// Start starts a stopped server again, on the same port and data.
func (p *Postgres) Start(t testing.TB) {
	t.Helper()
	p.Launch(t)
	p.WaitReady(t)
}

// Launch starts a stopped server and does not wait.
func (p *Postgres) Launch(t testing.TB) {
	t.Helper()
	p.Proc = Start(p.t, "postgres", filepath.Dir(p.Data), p.LogFile, p.argv...)
	// Sessions are process groups of their own. This clean-up runs before the
	// one of Start, while they can still be found as children.
	p.t.Cleanup(p.Kill)
}

// WaitReady waits until the server lets a superuser in. After a kill, the last
// of the old processes may still hold the shared memory; then the new server
// gives up, and is launched again.
func (p *Postgres) WaitReady(t testing.TB) {
	t.Helper()
	WaitFor(t, "postgres", 30*time.Second, p.LogFile, func() error {
		if p.Proc.exited() && strings.Contains(tail(p.LogFile), "pre-existing shared memory block") {
			p.Launch(t)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		conn, err := pgx.Connect(ctx, p.SocketURL("postgres", "postgres"))
		if err != nil {
			return err
		}
		return conn.Close(ctx)
	})
}

// exited reports whether the process has ended by itself or was stopped.
func (p *Process) exited() bool {
	select {
	case err := <-p.done:
		p.done <- err
		return true
	default:
		return false
	}
}

// Stop stops the server the fast way: sessions are cut, nothing is lost.
func (p *Postgres) Stop() { p.Proc.Stop(syscall.SIGINT) }

// Kill ends the server and all its processes with kill -9.
func (p *Postgres) Kill() {
	for _, pid := range children(p.Proc.Cmd.Process.Pid) {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	p.Proc.Stop(syscall.SIGKILL)
}

// Signal sends a signal to the postmaster alone.
func (p *Postgres) Signal(sig syscall.Signal) { _ = syscall.Kill(p.Proc.Cmd.Process.Pid, sig) }

// Freeze stops every process of the server where it stands (SIGSTOP); the
// returned function lets them go on.
func (p *Postgres) Freeze() (thaw func()) {
	pids := append(children(p.Proc.Cmd.Process.Pid), p.Proc.Cmd.Process.Pid)
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGSTOP)
	}
	return func() {
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGCONT)
		}
	}
}

// children lists the processes whose parent is pid. Backends of Postgres lead
// sessions of their own, so a signal to the process group misses them.
func children(pid int) []int {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return nil
	}
	var pids []int
	for _, f := range strings.Fields(string(data)) {
		if n, err := strconv.Atoi(f); err == nil {
			pids = append(pids, n)
		}
	}
	return pids
}

// URL is the address for a role and a database over TCP.
func (p *Postgres) URL(role, database string) string {
	return fmt.Sprintf("postgres://%s@127.0.0.1:%d/%s?sslmode=disable", role, p.Port, database)
}

// SocketURL is the address over the unix socket.
func (p *Postgres) SocketURL(role, database string) string {
	return fmt.Sprintf("host=%s port=%d user=%s dbname=%s sslmode=disable", p.Socket, p.Port, role, database)
}

// Connect opens a session as superuser; it closes when the test ends.
func (p *Postgres) Connect(t testing.TB, database string) *pgx.Conn {
	t.Helper()
	return p.ConnectAs(t, "postgres", database, "")
}

// ConnectAs opens a session for a role with an application_name; it closes
// when the test ends.
func (p *Postgres) ConnectAs(t testing.TB, role, database, application string) *pgx.Conn {
	t.Helper()
	conn, err := p.Dial(role, database, application)
	if err != nil {
		t.Fatalf("connect to the test server as %s: %v", role, err)
	}
	t.Cleanup(func() { closeConn(conn) })
	return conn
}

// Dial opens a session that the caller closes.
func (p *Postgres) Dial(role, database, application string) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	cfg, err := pgx.ParseConfig(p.URL(role, database))
	if err != nil {
		return nil, err
	}
	if application != "" {
		cfg.RuntimeParams["application_name"] = application
	}
	return pgx.ConnectConfig(ctx, cfg)
}

// Exec runs statements as superuser, each in its own round trip outside of a
// transaction. An empty database is "postgres".
func (p *Postgres) Exec(t testing.TB, database string, statements ...string) {
	t.Helper()
	if database == "" {
		database = "postgres"
	}
	conn, err := p.Dial("postgres", database, "setup")
	if err != nil {
		t.Fatalf("connect to the test server: %v", err)
	}
	defer closeConn(conn)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, s := range statements {
		if _, err := conn.Exec(ctx, s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func closeConn(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx)
}

func (p *Postgres) initdb(t testing.TB) {
	t.Helper()
	p.runAs(t, Find(t, "initdb", "postgresql-15"), "-D", p.Data, "-U", "postgres", "-A", "trust",
		"--no-sync", "--no-instructions", "-E", "UTF8", "--locale=C.UTF-8")
}

func (p *Postgres) clone(t testing.TB, cfg PostgresConfig) {
	t.Helper()
	argv := []string{"-h", "127.0.0.1", "-p", strconv.Itoa(cfg.Standby.Port), "-U", "postgres",
		"-D", p.Data, "-R", "-X", "stream", "-c", "fast", "--no-sync"}
	if cfg.Slot != "" {
		argv = append(argv, "-C", "-S", cfg.Slot)
	}
	p.runAs(t, Find(t, "pg_basebackup", "postgresql-client-15"), argv...)
}

func (p *Postgres) writeData(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(p.Data, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// runAs runs a program as the user postgres and fails the test with its output.
func (p *Postgres) runAs(t testing.TB, binary string, args ...string) {
	t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Dir = filepath.Dir(p.Data)
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if os.Geteuid() == 0 {
		cmd.SysProcAttr.Credential = credential(t, "postgres")
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", binary, err, out)
	}
}
