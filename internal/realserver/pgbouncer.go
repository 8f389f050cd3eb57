package realserver

import (
	"fmt"
	"net"
	"path/filepath"
	"testing"
	"time"
)

// Pgbouncer is a pooler on 127.0.0.1 in transaction mode.
type Pgbouncer struct {
	Port int
	Proc *Process
}

// StartPgbouncer starts a pooler before a server. more are further lines of its
// [pgbouncer] section.
func StartPgbouncer(t testing.TB, p *Postgres, more string) *Pgbouncer {
	t.Helper()
	bin := Find(t, "pgbouncer", "pgbouncer")
	dir := TempDir(t, "postgres")
	b := &Pgbouncer{Port: Port(t)}
	conf := filepath.Join(dir, "pgbouncer.ini")
	writeFile(t, conf, fmt.Sprintf(`[databases]
* = host=127.0.0.1 port=%d user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = transaction
%s
`, p.Port, b.Port, more))
	log := filepath.Join(dir, "log")
	b.Proc = Start(t, "postgres", dir, log, bin, conf)
	WaitFor(t, "pgbouncer", 10*time.Second, log, func() error {
		c, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", b.Port), time.Second)
		if err == nil {
			_ = c.Close()
		}
		return err
	})
	return b
}

// URL is the address for a database through the pooler. auth_type = any lets
// everybody in as the user that the pooler is told.
func (b *Pgbouncer) URL(role, database string) string {
	return fmt.Sprintf("postgres://%s@127.0.0.1:%d/%s?sslmode=disable", role, b.Port, database)
}
