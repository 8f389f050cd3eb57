package stack

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"time"

	"github.com/quellhq/quell/lab/service"
)

// writeService lays down the service's source as the first release: a commit
// in a git repository, as a deployment from git leaves it.
func (s *Stack) writeService() error {
	err := fs.WalkDir(service.Files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := service.Files.ReadFile(path)
		if err != nil {
			return err
		}
		target := filepath.Join(s.Source, path)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		return os.WriteFile(target, text, 0o644)
	})
	if err != nil {
		return fmt.Errorf("write the service: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	// As it lies on a machine on which nothing was changed for a while.
	if err := s.settle(s.Source); err != nil {
		return err
	}
	for _, argv := range [][]string{{"git", "init", "-q", "-b", "main"}, {"git", "add", "-A"}} {
		if _, err := s.Tool(ctx, nil, argv...); err != nil {
			return err
		}
	}
	if err := s.commit(ctx, firstRelease); err != nil {
		return err
	}
	return s.writeSettings(s.settings())
}

func (s *Stack) commit(ctx context.Context, message string) error {
	who := []string{"-c", "user.name=Developer", "-c", "user.email=developer@example.org", "-c", "commit.gpgsign=false"}
	var env []string
	if message == firstRelease {
		at := time.Now().Add(-longAgo).Format(time.RFC3339)
		env = []string{"GIT_COMMITTER_DATE=" + at, "GIT_AUTHOR_DATE=" + at}
	}
	_, err := s.Tool(ctx, env, append(append([]string{"git"}, who...), "commit", "-q", "-a", "-m", message)...)
	return err
}

// firstRelease went out long before the lab begins, and so did all settings.
const (
	firstRelease = "Release 1.0.0"
	longAgo      = 7 * 24 * time.Hour
)

// settle lets files be as old as the first release.
func (s *Stack) settle(dir string) error {
	at := time.Now().Add(-longAgo)
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		return os.Chtimes(path, at, at)
	})
}

// Passwords of the stack, for its own users and Quell's.
const (
	databasePassword = "orders-secret"
	RedisPassword    = "cache-secret"
)

// settings are etc/orders.env as it is first.
func (s *Stack) settings() map[string]string {
	return map[string]string{
		"SERVICE_NAME":      "orders",
		"DATABASE_URL":      fmt.Sprintf("postgresql+asyncpg://orders:%s@%s/orders", databasePassword, s.Database.Address()),
		"REDIS_URL":         fmt.Sprintf("redis://:%s@%s/0", RedisPassword, s.Cache.Address()),
		"JOBS_REDIS_URL":    fmt.Sprintf("redis://:%s@%s/1", RedisPassword, s.Cache.Address()),
		"CELERY_BROKER_URL": fmt.Sprintf("redis://:%s@%s/2", RedisPassword, s.Cache.Address()),
		"PAYMENT_URL":       "http://" + s.Payment.Address(),
		"TOKEN_KEY":         "0d7cbd7c1f8b4c55a8f4e0c2b6a9d1e3",
	}
}

func (s *Stack) writeSettings(values map[string]string) error {
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	sort.Strings(names)
	var b strings.Builder
	b.WriteString("# Settings of the order service. It reads them when it starts.\n")
	for _, name := range names {
		fmt.Fprintf(&b, "%s=%s\n", name, values[name])
	}
	if err := os.WriteFile(s.Config, []byte(b.String()), 0o644); err != nil {
		return fmt.Errorf("write the settings: %w", err)
	}
	return nil
}

// Settings are the values of etc/orders.env now.
func (s *Stack) Settings() (map[string]string, error) {
	text, err := os.ReadFile(s.Config)
	if err != nil {
		return nil, fmt.Errorf("read the settings: %w", err)
	}
	values := map[string]string{}
	for _, line := range strings.Split(string(text), "\n") {
		if name, value, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(line, "#") {
			values[name] = value
		}
	}
	return values, nil
}

// Configure changes settings as an operator does: the file first, then a
// restart of those that read it. An empty value takes the setting away.
func (s *Stack) Configure(changes map[string]string, restart ...*Process) error {
	values, err := s.Settings()
	if err != nil {
		return err
	}
	for name, value := range changes {
		if values[name] = value; value == "" {
			delete(values, name)
		}
	}
	before, err := s.Settings()
	if err != nil {
		return err
	}
	if err := s.writeSettings(values); err != nil {
		return err
	}
	s.deployed(func(context.Context) error { return s.writeSettings(before) })
	return s.Restart(restart...)
}

// Restart restarts processes, one after another, as a rolling restart does.
func (s *Stack) Restart(processes ...*Process) error {
	for _, p := range processes {
		if err := p.Restart(); err != nil {
			return err
		}
	}
	return nil
}

// Edit is a change of one file of the service: what stood there once, and what
// stands there afterwards.
type Edit struct {
	File     string // below the source, "orders/database.py"
	Old, New string
}

// Release deploys a release: edits the source, gives it the next version,
// commits, and restarts those who run the code. Errors: an edit whose old text
// is not there exactly once.
func (s *Stack) Release(ctx context.Context, message string, edits []Edit, restart ...*Process) error {
	for _, e := range edits {
		path := filepath.Join(s.Source, e.File)
		text, err := os.ReadFile(path)
		if err != nil && !(e.Old == "" && os.IsNotExist(err)) {
			return fmt.Errorf("release %q: %w", message, err)
		}
		if e.Old != "" && strings.Count(string(text), e.Old) != 1 {
			return fmt.Errorf("release %q: %s holds %d times: %s", message, e.File, strings.Count(string(text), e.Old), e.Old)
		}
		after := e.New
		if e.Old != "" {
			after = strings.Replace(string(text), e.Old, e.New, 1)
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("release %q: %w", message, err)
		}
		if err := os.WriteFile(path, []byte(after), 0o644); err != nil {
			return fmt.Errorf("release %q: %w", message, err)
		}
	}
	if err := s.nextVersion(); err != nil {
		return err
	}
	if _, err := s.Tool(ctx, nil, "git", "add", "-A"); err != nil {
		return err
	}
	if err := s.commit(ctx, message); err != nil {
		return err
	}
	s.deployed(s.revert)
	return s.Restart(restart...)
}

// nextVersion raises the patch level in orders/version.py.
func (s *Stack) nextVersion() error {
	path := filepath.Join(s.Source, "orders", "version.py")
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the version: %w", err)
	}
	const marker = `VERSION = "`
	before, rest, _ := strings.Cut(string(text), marker)
	version, after, _ := strings.Cut(rest, `"`)
	var major, minor, patch int
	if _, err := fmt.Sscanf(version, "%d.%d.%d", &major, &minor, &patch); err != nil {
		return fmt.Errorf("read the version %q: %w", version, err)
	}
	next := fmt.Sprintf("%s%s%d.%d.%d\"%s", before, marker, major, minor, patch+1, after)
	if err := os.WriteFile(path, []byte(next), 0o644); err != nil {
		return fmt.Errorf("write the version: %w", err)
	}
	return nil
}

// Back takes the last release back, in source and processes.
func (s *Stack) Back(ctx context.Context, restart ...*Process) error {
	s.takenBack()
	if err := s.revert(ctx); err != nil {
		return err
	}
	return s.Restart(restart...)
}

// revert takes the last release back in the source.
func (s *Stack) revert(ctx context.Context) error {
	_, err := s.Tool(ctx, nil, "git", "reset", "-q", "--hard", "HEAD~1")
	return err
}

// web is one gunicorn instance of the service.
func (s *Stack) web(instance string, port int) (*Process, error) {
	gunicorn, err := find("gunicorn")
	if err != nil {
		return nil, err
	}
	return s.process("web-"+instance, program{
		argv: []string{Python, gunicorn, "--config", s.path("srv", "gunicorn.conf.py"), "--pid", s.path("run", "gunicorn-"+instance+".pid"), "orders.main:app"},
		env: []string{
			"ORDERS_ENV=" + s.Config, "INSTANCE=" + instance, "BIND=" + s.local(port),
			"PROMETHEUS_MULTIPROC_DIR=" + s.path("prom-"+instance),
		},
		dir: s.Source,
	})
}

func (s *Stack) writeProcesses() (err error) {
	if s.WebA, err = s.web("a", s.Port.A); err != nil {
		return err
	}
	if s.WebB, err = s.web("b", s.Port.B); err != nil {
		return err
	}
	env := []string{"ORDERS_ENV=" + s.Config, "PYTHONPATH=" + s.Source}
	celery := func(args ...string) []string {
		return append([]string{Python, "-m", "celery", "-A", "orders.tasks:app"}, args...)
	}
	redis, err := find("redis-server")
	if err != nil {
		return err
	}
	nginx, err := find("nginx")
	if err != nil {
		return err
	}
	if err := s.writeServers(); err != nil {
		return err
	}
	for _, p := range []struct {
		process **Process
		name    string
		program program
	}{
		{&s.Receipts, "receipts", program{argv: []string{Python, "-m", "orders.worker"}, env: append(env, "INSTANCE=receipts"), dir: s.Source}},
		{&s.Tasks, "tasks", program{argv: celery("worker", "--concurrency", "2", "--loglevel", "INFO", "--without-gossip", "--without-mingle"), env: append(env, "INSTANCE=tasks"), dir: s.Source}},
		{&s.Beat, "beat", program{argv: celery("beat", "--loglevel", "INFO", "--schedule", s.path("run", "beat-schedule"), "--pidfile="), env: append(env, "INSTANCE=beat"), dir: s.Source}},
		{&s.Partner, "partner", program{argv: []string{Python, s.path("srv", "partner.py"), fmt.Sprint(s.Port.Partner), s.path("run", "partner.mood")}}},
		{&s.Redis, "redis", program{argv: []string{redis, s.path("etc", "redis.conf")}}},
		{&s.Nginx, "nginx", program{argv: []string{nginx, "-c", s.path("etc", "nginx.conf"), "-g", "daemon off;"}, stop: syscall.SIGQUIT, log: "nginx-output.log"}},
	} {
		if *p.process, err = s.process(p.name, p.program); err != nil {
			return err
		}
	}
	return s.writePostgres()
}
