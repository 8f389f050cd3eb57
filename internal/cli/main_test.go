package cli_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/quellhq/quell/internal/cli"
	"github.com/quellhq/quell/internal/realserver"
)

// world is what all scripts share: servers that are well, and places where
// none is. It is filled before the first test.
var world struct {
	postgres *realserver.Postgres
	doomed   *realserver.Postgres // one script kills it
	env      []string
}

type run struct{ m *testing.M }

func (r run) Run() int { return realserver.Main(r.m, start) }

// TestMain runs this binary as the command quell inside of the scripts.
func TestMain(m *testing.M) {
	testscript.Main(run{m}, map[string]func(){"quell": func() {
		code := cli.Process()
		if file := os.Getenv("QUELL_TEST_PEAK"); file != "" {
			_ = os.WriteFile(file, peak(), 0o600)
		}
		os.Exit(code)
	}})
}

// peak is the line of /proc with the most memory that this process ever held;
// rusage would count the test that started it too.
func peak() []byte {
	status, _ := os.ReadFile("/proc/self/status")
	for _, l := range strings.Split(string(status), "\n") {
		if strings.HasPrefix(l, "VmHWM:") {
			return []byte(l)
		}
	}
	return nil
}

// hba lets everyone in but one role, which needs its password.
const hba = `local all all trust
host all locked 127.0.0.1/32 scram-sha-256
host all all 127.0.0.1/32 trust
`

func start(t testing.TB) {
	pg := realserver.StartPostgres(t, realserver.PostgresConfig{HBA: hba})
	pg.Exec(t, "app",
		"CREATE ROLE watcher LOGIN", "GRANT pg_monitor TO watcher", "CREATE ROLE bare LOGIN", "CREATE ROLE shop LOGIN",
		"CREATE ROLE locked LOGIN PASSWORD 'right'",
		"CREATE TABLE orders (id bigint PRIMARY KEY, note text)",
		"INSERT INTO orders SELECT g, 'order ' || g FROM generate_series(1, 1000) g",
		"GRANT SELECT ON orders TO watcher", "VACUUM ANALYZE")
	open, locked := realserver.Redis(t), realserver.Redis(t, "--requirepass", "right")
	refused, hanging := refusing(t), silent(t)
	doomed := realserver.StartPostgres(t, realserver.PostgresConfig{})
	doomed.Exec(t, "app", "CREATE ROLE watcher LOGIN", "GRANT pg_monitor TO watcher")
	world.postgres, world.doomed = pg, doomed
	world.env = []string{
		"PG_WELL=" + pg.URL("watcher", "app"),
		"PG_OWNER=" + pg.URL("postgres", "app"), "QUELL_STATE=state",
		"PG_DOOMED=" + doomed.URL("watcher", "app"),
		"PG_BARE=" + pg.URL("bare", "app"),
		"PG_NODB=" + pg.URL("watcher", "nosuchdb"),
		"PG_WRONG=" + strings.Replace(pg.URL("locked", "app"), "locked@", "locked:hunter2secret@", 1),
		"PG_TLS=" + strings.Replace(pg.URL("watcher", "app"), "disable", "require", 1),
		"PG_REFUSED=postgres://watcher@" + refused + "/app?sslmode=disable",
		"PG_NOHOST=postgres://watcher@no-such-host.invalid:5432/app?sslmode=disable",
		"PG_HANG=postgres://watcher@" + hanging + "/app?sslmode=disable",
		"REDIS_WELL=" + open.URL(),
		"REDIS_WRONG=redis://:hunter2secret@" + locked.Addr() + "/0",
		"REDIS_TLS=rediss://" + open.Addr() + "/0",
		"REDIS_REFUSED=redis://" + refused + "/0",
		"REDIS_HANG=redis://" + hanging + "/0",
		"WEB_REFUSED=http://" + refused,
		"WEB_HANG=http://" + hanging,
		"LOKI_WELL=" + lokiServer(t),
	}
}

// refusing is an address that stays taken and refuses connections: a socket
// that is bound and does not listen.
func refusing(t testing.TB) string {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
}

// silent is an address that accepts connections and never says a word.
func silent(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var held []net.Conn
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			held = append(held, c)
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
		for _, c := range held {
			_ = c.Close()
		}
	})
	return l.Addr().String()
}

func TestScripts(t *testing.T) {
	if world.postgres == nil {
		realserver.Find(t, "postgres", "postgresql-15")
		realserver.Find(t, "redis-server", "redis-server")
	}
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"), UpdateScripts: *update,
		Condition: func(name string) (bool, error) {
			if name != "race" {
				return false, fmt.Errorf("there is no condition %s", name)
			}
			return raceFactor > 1, nil
		},
		Setup: func(e *testscript.Env) error { e.Vars = append(e.Vars, world.env...); return nil },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"runs": runs, "during": during, "idle": idle, "says": says, "documented": documented, "plain": plain,
		},
	})
}
