package server_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/realserver"
)

func serverFaults() []Fault {
	return []Fault{
		{
			Name:  "postgres: server down",
			Truth: []string{"db/server#the-database-server-is-not-running", "db/server#the-address-of-the-database-is-wrong"},
			Variants: []Variant{
				with("stopped", nil, func(s stage) { s.Stop() }),
				with("killed", nil, func(s stage) { s.Kill() }),
			},
		},
		{
			Name:  "postgres: server does not answer",
			Truth: []string{"db/server#the-database-server-does-not-answer-in-time"},
			Variants: []Variant{
				with("frozen", nil, func(s stage) { thaw := s.Freeze(); s.t.Cleanup(thaw) }),
				{Name: "accepts and says nothing", Inject: func(t testing.TB, env *Env) {
					l, err := net.Listen("tcp", "127.0.0.1:0")
					require.NoError(t, err)
					t.Cleanup(func() { _ = l.Close() })
					stage{}.target(env, "db", fmt.Sprintf("postgres://quell@%s/app", l.Addr()))
				}},
			},
		},
		{
			Name:  "postgres: wrong address",
			Truth: []string{"db/server#the-address-of-the-database-is-wrong", "db/server#the-database-does-not-exist-on-this-server"},
			Variants: []Variant{
				{Name: "no such host", Inject: func(t testing.TB, env *Env) {
					stage{}.target(env, "db", "postgres://quell@orders-db.invalid:5432/app")
				}},
				with2("no such database", func(s stage, env *Env) { s.target(env, "db", s.URL("quell", "aap")) }),
				{Name: "the port of a web server", Inject: func(t testing.TB, env *Env) {
					web := httptest.NewServer(http.NotFoundHandler())
					t.Cleanup(web.Close)
					stage{}.target(env, "db", "postgres://quell@"+web.Listener.Addr().String()+"/app")
				}},
			},
		},
		{
			Name:  "postgres: login refused",
			Truth: []string{"db/server#the-login-is-refused"},
			Variants: []Variant{
				withHBA("wrong password", "host all quell 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n", func(s stage, env *Env) {
					s.run("ALTER ROLE quell PASSWORD 'the new one'")
					s.target(env, "db", fmt.Sprintf("postgres://quell:the-old-one@127.0.0.1:%d/app?sslmode=disable", s.Port))
				}),
				withHBA("the password is an ordinary word", "host all quell 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n", func(s stage, env *Env) {
					s.target(env, "db", fmt.Sprintf("postgres://quell:wrong@127.0.0.1:%d/app?sslmode=disable", s.Port))
				}),
				withHBA("no such role", "host all all 127.0.0.1/32 trust\n", func(s stage, env *Env) { s.target(env, "db", s.URL("gone", "app")) }),
			},
		},
		{
			Name:  "postgres: no rule for this client",
			Truth: []string{"db/server#the-server-has-no-rule-that-lets-this-client-in"},
			Variants: []Variant{
				withHBA("role not listed", "host all postgres,shop,worker 127.0.0.1/32 trust\n", func(s stage, env *Env) { s.target(env, "db", s.URL("quell", "app")) }),
				withHBA("database not listed", "host postgres all 127.0.0.1/32 trust\nhost app postgres 127.0.0.1/32 trust\n", func(s stage, env *Env) { s.target(env, "db", s.URL("quell", "app")) }),
			},
		},
		{
			Name:  "postgres: encryption mismatch",
			Truth: []string{"db/server#server-and-client-do-not-agree-on-encryption"},
			Variants: []Variant{
				with2("client insists", func(s stage, env *Env) {
					s.target(env, "db", fmt.Sprintf("postgres://quell@127.0.0.1:%d/app?sslmode=require", s.Port))
				}),
				with2("client verifies", func(s stage, env *Env) {
					s.target(env, "db", fmt.Sprintf("postgres://quell@127.0.0.1:%d/app?sslmode=verify-full", s.Port))
				}),
			},
		},
		{
			Name:  "postgres: crash and restart",
			Truth: []string{"db/server#a-server-process-crashed-and-the-server-restarted-itself"},
			Variants: []Variant{
				with("a session killed by signal 9", nil, func(s stage) { crash(s, syscall.SIGKILL) }),
				with("a session aborted", nil, func(s stage) { crash(s, syscall.SIGABRT) }),
			},
		},
	}
}

// with2 is a variant whose address the fault itself gives.
func with2(name string, do func(s stage, env *Env)) Variant {
	return Variant{Name: name, Inject: func(t testing.TB, env *Env) { do(newStage(t, &Env{}, nil), env) }}
}

// withHBA is a variant with rules of its own in pg_hba.conf; the superuser gets
// in over TCP in any case, to set the stage.
func withHBA(name, hba string, do func(s stage, env *Env)) Variant {
	return Variant{Name: name, Inject: func(t testing.TB, env *Env) {
		s := stage{realserver.StartPostgres(t, realserver.PostgresConfig{HBA: "local all postgres trust\nhost all postgres 127.0.0.1/32 trust\n" + hba}), t}
		s.Exec(t, "app", shopTables...)
		do(s, env)
	}}
}

// crash kills one session's process. The server then restarts all others
// itself; it is seen by the age of shared memory, which must differ from the
// server's by more than five seconds.
func crash(s stage, signal syscall.Signal) {
	settle(6 * time.Second)
	conn := s.session("shop", "shop-api", "SELECT 1")
	require.NoError(s.t, syscall.Kill(int(conn.PgConn().PID()), signal))
	settle(200 * time.Millisecond)
	s.WaitReady(s.t)
	s.busy(2, "shop", "shop-api", 20*time.Millisecond, script("SELECT * FROM orders WHERE id = %d"))
}

// postgresHealthy are states under load in which nothing is wrong. They come
// alone: a machine that others keep busy is not healthy.
func postgresHealthy() []Fault {
	state := func(name string, settings map[string]string, do func(s stage)) Fault {
		return Fault{Name: "healthy postgres: " + name, Alone: true, Variants: []Variant{with("", settings, do)}}
	}
	return []Fault{
		state("idle", nil, func(s stage) {}),
		state("pgbench, 1 client", nil, func(s stage) { pgbench(s, "-c", "1", "-R", "50") }),
		state("pgbench, 8 clients", nil, func(s stage) { pgbench(s, "-c", "8", "-R", "200") }),
		state("pgbench, reads only", nil, func(s stage) { pgbench(s, "-S", "-c", "4", "-R", "500") }),
		state("idle pool", nil, func(s stage) {
			s.crowd(25, "shop", "shop-api", "SELECT 1")
			s.busy(2, "shop", "shop-api", 20*time.Millisecond, script("SELECT * FROM orders WHERE id = %d"))
		}),
		state("a long report that blocks nobody", nil, func(s stage) {
			s.stuck(1, "worker", "report", "SELECT count(*) FROM orders a, orders b WHERE a.total < b.total AND a.note < b.note")
			s.busy(2, "shop", "shop-api", 20*time.Millisecond, script("SELECT * FROM orders WHERE id = %d", "UPDATE customers SET visits = visits + 1 WHERE id = %d % 2000"))
			settle(time.Second)
		}),
		state("vacuum at work", map[string]string{"vacuum_cost_delay": "20ms", "vacuum_cost_limit": "20"}, func(s stage) {
			s.run("UPDATE orders SET total = total + 1")
			s.stuck(1, "postgres", "maintenance", "VACUUM orders")
			pgbench(s, "-c", "2", "-R", "50")
		}),
		state("a standby that follows", nil, func(s stage) {
			realserver.StartPostgres(s.t, realserver.PostgresConfig{Standby: s.Postgres, Slot: "s1"})
			s.await("SELECT count(*) = 1 FROM pg_stat_replication WHERE state = 'streaming'")
			pgbench(s, "-c", "2", "-R", "100")
		}),
		state("reads of their own beside few transactions", nil, func(s stage) {
			s.busy(4, "shop", "shop-api", 2*time.Millisecond, func(ctx context.Context, conn *pgx.Conn, client, round int) error {
				_, err := conn.Exec(ctx, "SELECT email FROM customers WHERE id = $1", round%2000)
				return err
			})
			s.busy(1, "worker", "jobs", 100*time.Millisecond, script("BEGIN", "UPDATE customers SET visits = visits + 1 WHERE id = %d % 50", "COMMIT"))
			settle(1500 * time.Millisecond)
		}),
		state("short transactions on few rows", nil, func(s stage) {
			s.busy(4, "shop", "shop-api", 10*time.Millisecond, script("BEGIN", "UPDATE customers SET visits = visits + 1 WHERE id = %d % 50", "COMMIT"))
			settle(time.Second)
		}),
	}
}

// pgbench runs Postgres' own load generator at a bounded rate until the test ends.
func pgbench(s stage, args ...string) {
	s.t.Helper()
	binary := realserver.Find(s.t, "pgbench", "postgresql-15")
	common := []string{"-h", "127.0.0.1", "-p", strconv.Itoa(s.Port), "-U", "postgres"}
	out, err := exec.Command(binary, append(append([]string{"-i", "-q", "-s", "2"}, common...), "app")...).CombinedOutput()
	require.NoError(s.t, err, string(out))
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, binary, append(append(append([]string{"-n", "-T", "120"}, args...), common...), "app")...)
	require.NoError(s.t, cmd.Start())
	s.t.Cleanup(func() { cancel(); _ = cmd.Wait() })
	settle(2 * time.Second)
}
