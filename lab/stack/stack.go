package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// dirPrefix is how the directories of stacks begin; the keeper removes no other.
const dirPrefix = "quell-lab-"

// Stack is one running service with all that it rests on.
type Stack struct {
	Dir    string // everything is below
	Source string // the service's code, a git repository: bin/run scripts run what is here
	Config string // etc/orders.env, which the service reads when it starts
	Quell  string // quell.yaml

	Front, A, B string // URLs of nginx and of the two instances
	Port        Ports

	Postgres, Redis, Nginx, WebA, WebB, Receipts, Tasks, Beat, Partner *Process
	Prometheus, Alertmanager                                           *Process
	PostgresExporter, RedisExporter, NodeExporter                      *Process
	Processes                                                          []*Process // all of them, in order of creation

	Database, Cache, Payment *Wire // between the service and Postgres, Redis, the partner
	Customers                *Customers

	operations operations

	keeper  *exec.Cmd
	release io.Closer // closing it lets the keeper clear up
	stopped sync.Once
}

// Ports are where things listen on 127.0.0.1.
type Ports struct {
	Front, A, B, Postgres, Redis, Partner, Prometheus, Alertmanager, PostgresExporter, RedisExporter, NodeExporter, Operations int
}

// Options of a stack.
type Options struct {
	Seed uint64 // of what the customers do
}

// Start starts a stack and waits until customers are served. What it has begun
// is cleared away when it fails. It needs what Check names.
func Start(ctx context.Context, o Options) (*Stack, error) {
	for try := 1; ; try++ {
		s, err := startOnce(ctx, o)
		// Between choosing a port and listening there ourselves, somebody else may take it.
		if try == mostStarts || !errors.Is(err, syscall.EADDRINUSE) {
			return s, err
		}
	}
}

// mostStarts bounds how often other ports are tried.
const mostStarts = 3

func startOnce(ctx context.Context, o Options) (*Stack, error) {
	if err := Check(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", dirPrefix)
	if err != nil {
		return nil, fmt.Errorf("make a directory for the stack: %w", err)
	}
	s := &Stack{Dir: dir, Source: filepath.Join(dir, "srv"), Config: filepath.Join(dir, "etc", "orders.env"), Quell: filepath.Join(dir, "quell.yaml")}
	pipe, cmd, err := keeper(dir)
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	s.release, s.keeper = pipe, cmd
	if err := s.start(ctx, o); err != nil {
		err = fmt.Errorf("%w\n%s", err, s.lastWords())
		s.Stop()
		return nil, err
	}
	return s, nil
}

func (s *Stack) path(parts ...string) string {
	return filepath.Join(append([]string{s.Dir}, parts...)...)
}

// Path is a path below the stack's directory.
func (s *Stack) Path(parts ...string) string { return s.path(parts...) }

// start goes in the order in which things need one another; what does not need
// another starts beside it.
func (s *Stack) start(ctx context.Context, o Options) error {
	ctx, cancel := context.WithTimeout(ctx, 90*time.Second)
	defer cancel()
	for _, step := range []func() error{s.prepare, s.layWires, s.writeService, s.writeProcesses, s.writeMonitoring, s.writeQuell} {
		if err := step(); err != nil {
			return err
		}
	}
	if err := s.settle(s.path("etc")); err != nil {
		return err
	}
	if err := s.startOperations(); err != nil {
		return err
	}
	database := make(chan error, 1)
	go func() { database <- s.startDatabase(ctx) }()
	for _, p := range []*Process{s.Redis, s.Partner, s.Alertmanager, s.Prometheus, s.NodeExporter, s.RedisExporter} {
		if err := p.Start(); err != nil {
			return err
		}
	}
	if err := accepts(ctx, s.local(s.Port.Redis)); err != nil {
		return err
	}
	for _, p := range []*Process{s.Receipts, s.Tasks, s.Beat} {
		if err := p.Start(); err != nil {
			return err
		}
	}
	if err := <-database; err != nil {
		return err
	}
	for _, p := range []*Process{s.WebA, s.WebB, s.PostgresExporter, s.Nginx} {
		if err := p.Start(); err != nil {
			return err
		}
	}
	for _, url := range []string{s.A + "/health/ready", s.B + "/health/ready", s.Front + "/health/ready"} {
		if err := answers(ctx, url); err != nil {
			return err
		}
	}
	s.Customers = customers(s.Front, o.Seed)
	s.Customers.start()
	return nil
}

func (s *Stack) local(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// Stop ends everything and removes the directory. It may be called twice.
func (s *Stack) Stop() {
	s.stopped.Do(func() {
		if s.Customers != nil {
			s.Customers.stop()
		}
		for _, w := range []*Wire{s.Database, s.Cache, s.Payment} {
			if w != nil {
				w.close()
			}
		}
		if s.operations.server != nil {
			_ = s.operations.server.Close()
		}
		s.release.Close()
		_ = s.keeper.Wait() // it kills what bears the mark, and removes the directory
	})
}

// prepare makes the directories and finds ports.
func (s *Stack) prepare() error {
	for _, name := range []string{"bin", "run", "log", "etc", "srv", "redis", "prometheus", "alertmanager", "nginx", "prom-a", "prom-b", "disk"} {
		if err := os.MkdirAll(s.path(name), 0o755); err != nil {
			return fmt.Errorf("prepare the stack: %w", err)
		}
	}
	if err := os.Chmod(s.Dir, 0o755); err != nil { // Postgres is another user
		return fmt.Errorf("prepare the stack: %w", err)
	}
	free, err := ports(12)
	if err != nil {
		return err
	}
	p := &s.Port
	for i, port := range []*int{&p.Front, &p.A, &p.B, &p.Postgres, &p.Redis, &p.Partner, &p.Prometheus, &p.Alertmanager, &p.PostgresExporter, &p.RedisExporter, &p.NodeExporter, &p.Operations} {
		*port = free[i]
	}
	s.Front, s.A, s.B = "http://"+s.local(p.Front), "http://"+s.local(p.A), "http://"+s.local(p.B)
	return nil
}

func (s *Stack) layWires() (err error) {
	for _, w := range []struct {
		wire **Wire
		port int
	}{{&s.Database, s.Port.Postgres}, {&s.Cache, s.Port.Redis}, {&s.Payment, s.Port.Partner}} {
		if *w.wire, err = wire(s.local(w.port)); err != nil {
			return fmt.Errorf("lay a wire: %w", err)
		}
	}
	return nil
}

// lastWords are the ends of the logs, for a stack that did not start.
func (s *Stack) lastWords() string {
	logs, _ := filepath.Glob(s.path("log", "*.log"))
	said := ""
	for _, log := range logs {
		text, _ := os.ReadFile(log)
		if len(text) > 600 {
			text = text[len(text)-600:]
		}
		if len(text) > 0 {
			said += "--- " + filepath.Base(log) + "\n" + string(text) + "\n"
		}
	}
	return said
}
