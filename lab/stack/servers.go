package stack

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/quellhq/quell/lab/service"
)

// writeServers writes the configurations of Redis and nginx.
func (s *Stack) writeServers() error {
	for name, text := range map[string]string{
		"redis.conf": `bind 127.0.0.1
port {redis}
dir {dir}/redis
requirepass {redis-password}
appendonly yes
appendfsync everysec
save ""
maxmemory 64mb
maxmemory-policy noeviction
latency-monitor-threshold 50
`,
		"nginx.conf": `worker_processes 1;
pid {dir}/run/nginx-master.pid;
error_log {dir}/log/nginx-error.log warn;
user {user};
events { worker_connections 512; }
http {
  log_format timed '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" '
                   '"$http_user_agent" rt=$request_time ua="$upstream_addr" us="$upstream_status" ut="$upstream_response_time"';
  access_log {dir}/log/nginx-access.log timed;
  client_body_temp_path {dir}/nginx/body;
  proxy_temp_path {dir}/nginx/proxy;
  fastcgi_temp_path {dir}/nginx/fastcgi;
  uwsgi_temp_path {dir}/nginx/uwsgi;
  scgi_temp_path {dir}/nginx/scgi;
  set_real_ip_from 127.0.0.1;
  real_ip_header X-Forwarded-For;
  include {dir}/etc/quell.d/*.conf;

  upstream orders {
    least_conn;
    server 127.0.0.1:{a} max_fails=3 fail_timeout=2s;
    server 127.0.0.1:{b} max_fails=3 fail_timeout=2s;
    keepalive 16;
  }

  server {
    listen 127.0.0.1:{front} backlog=512;
    location = /nginx-status { stub_status; }
    location / {
      proxy_pass http://orders;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_connect_timeout 2s;
      proxy_read_timeout 10s;
    }
  }
}
`,
	} {
		if err := os.WriteFile(s.path("etc", name), []byte(s.fill(text)), 0o644); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return os.MkdirAll(s.path("etc", "quell.d"), 0o755)
}

// fill puts ports, the directory and the passwords into a text.
func (s *Stack) fill(text string) string {
	p := s.Port
	pairs := []string{"{dir}", s.Dir, "{redis-password}", RedisPassword, "{database-password}", databasePassword, "{user}", me(), "{as-postgres}", asPostgres()}
	for name, port := range map[string]int{
		"front": p.Front, "a": p.A, "b": p.B, "postgres": p.Postgres, "redis": p.Redis, "partner": p.Partner, "prometheus": p.Prometheus,
		"alertmanager": p.Alertmanager, "postgres-exporter": p.PostgresExporter, "redis-exporter": p.RedisExporter, "node-exporter": p.NodeExporter, "operations": p.Operations,
	} {
		pairs = append(pairs, "{"+name+"}", strconv.Itoa(port))
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// asPostgres is what a command begins with that runs as the user of Postgres.
func asPostgres() string {
	if os.Getuid() != 0 {
		return ""
	}
	return "setpriv, --reuid=postgres, --regid=postgres, --clear-groups, "
}

func me() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "nobody"
}

// postgresUser is whom Postgres runs as: it refuses root. Nil: as we do.
func postgresUser() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("postgres refuses to run as root, and there is no user postgres: %w", err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

func (s *Stack) writePostgres() error {
	bin, err := postgresBin()
	if err != nil {
		return err
	}
	who, err := postgresUser()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.path("postgres"), 0o700); err != nil {
		return fmt.Errorf("prepare postgres: %w", err)
	}
	if who != nil {
		if err := os.Chown(s.path("postgres"), int(who.Uid), int(who.Gid)); err != nil {
			return fmt.Errorf("prepare postgres: %w", err)
		}
	}
	s.Postgres, err = s.process("postgres", program{argv: []string{bin + "/postgres", "-D", s.path("postgres", "data")}, user: who, stop: syscall.SIGINT})
	return err
}

const postgresConf = `
listen_addresses = '127.0.0.1'
port = {postgres}
unix_socket_directories = '{dir}/postgres'
max_connections = 60
fsync = off
shared_buffers = 64MB
shared_preload_libraries = 'pg_stat_statements'
track_io_timing = on
log_min_duration_statement = 1000
log_lock_waits = on
log_checkpoints = off
log_line_prefix = '%m [%p] %q%u@%d %a '
autovacuum_naptime = 10s
`

// startDatabase makes the cluster, starts it, and brings schema and data in.
func (s *Stack) startDatabase(ctx context.Context) error {
	bin, err := postgresBin()
	if err != nil {
		return err
	}
	as := func(argv ...string) []string {
		if os.Getuid() == 0 {
			return append([]string{"setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"}, argv...)
		}
		return argv
	}
	if _, err := s.Tool(ctx, nil, as(bin+"/initdb", "-D", s.path("postgres", "data"), "-U", "postgres", "-A", "trust",
		"--no-sync", "-E", "UTF8", "--locale=C.UTF-8")...); err != nil {
		return err
	}
	conf, err := os.OpenFile(s.path("postgres", "data", "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("configure postgres: %w", err)
	}
	if _, err := conf.WriteString(s.fill(postgresConf)); err != nil {
		return fmt.Errorf("configure postgres: %w", err)
	}
	conf.Close()
	hba := "local all postgres trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
	if err := os.WriteFile(s.path("postgres", "data", "pg_hba.conf"), []byte(hba), 0o600); err != nil {
		return fmt.Errorf("configure postgres: %w", err)
	}
	if err := s.Postgres.Start(); err != nil {
		return err
	}
	if err := accepts(ctx, s.local(s.Port.Postgres)); err != nil {
		return err
	}
	// It listens a moment before it lets anybody in.
	for s.SQL(ctx, "postgres", "SELECT 1") != nil && ctx.Err() == nil {
		time.Sleep(50 * time.Millisecond)
	}
	return s.fillDatabase(ctx)
}

func (s *Stack) fillDatabase(ctx context.Context) error {
	roles := `CREATE ROLE orders LOGIN PASSWORD '{database-password}';
CREATE ROLE quell LOGIN CREATEROLE PASSWORD '{database-password}' IN ROLE pg_monitor, pg_signal_backend, orders;
CREATE ROLE quell_without_grants LOGIN PASSWORD '{database-password}';
CREATE DATABASE orders OWNER orders;`
	for _, line := range strings.Split(roles, "\n") {
		if err := s.SQL(ctx, "postgres", s.fill(line)); err != nil {
			return err
		}
	}
	if err := s.SQL(ctx, "orders", "CREATE EXTENSION pg_stat_statements"); err != nil {
		return err
	}
	if err := s.Migrate(ctx, "upgrade", "head"); err != nil {
		return err
	}
	seed, err := service.Files.ReadFile("seed.sql")
	if err != nil {
		return fmt.Errorf("read the first data: %w", err)
	}
	return s.SQL(ctx, "orders", "SET ROLE orders;"+string(seed))
}

// SQL runs statements as the superuser, over the socket.
func (s *Stack) SQL(ctx context.Context, database, text string) error {
	_, err := s.Tool(ctx, nil, "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", s.path("postgres"), "-p", strconv.Itoa(s.Port.Postgres), "-U", "postgres", "-d", database, "-c", text)
	return err
}

// Migrate runs alembic as the team does.
func (s *Stack) Migrate(ctx context.Context, args ...string) error {
	alembic, err := find("alembic")
	if err != nil {
		return err
	}
	_, err = s.Tool(ctx, []string{"MIGRATIONS_URL=" + s.MigrationsURL()}, append([]string{Python, alembic}, args...)...)
	return err
}

// MigrationsURL is where migrations find the database.
func (s *Stack) MigrationsURL() string {
	return s.fill("postgresql://orders:{database-password}@127.0.0.1:{postgres}/orders")
}
