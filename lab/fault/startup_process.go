package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"syscall"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// instance is one of the two, and its port.
func instance(s *stack.Stack, r *rand.Rand) (*stack.Process, int) {
	if r.IntN(2) == 0 {
		return s.WebA, s.Port.A
	}
	return s.WebB, s.Port.B
}

// portTaken is somebody's test that sits on a port when an instance restarts.
func portTaken() Fault {
	return Fault{
		Name: "port-taken", Group: "Startup", Cause: "C-port-conflict",
		About:      "another program takes the port of an instance while it restarts",
		Truth:      one("startup/port#another-program-holds-the-port"),
		LookAlikes: []string{"C-bad-entrypoint", "C-bad-config"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			p, port := instance(s, r)
			p.End(5 * time.Second)
			other := exec.CommandContext(ctx, "/usr/bin/python3", "-m", "http.server", "--bind", "127.0.0.1", fmt.Sprint(port))
			other.Dir = s.Path("log")
			other.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
			if err := other.Start(); err != nil {
				return nil, fmt.Errorf("start another program: %w", err)
			}
			go func() { _ = other.Wait() }()
			if err := meanwhile(ctx, 2*time.Second); err != nil {
				return nil, err
			}
			if err := p.Start(); err != nil {
				return nil, err
			}
			return func(context.Context) error {
				_ = other.Process.Kill()
				return p.Restart()
			}, nil
		},
	}
}

// oldInstance is what a restart leaves over.
func oldInstance() Fault {
	return Fault{
		Name: "old-instance", Group: "Startup", Cause: "C-port-conflict",
		About:      "the master of an instance is killed and started anew, while its old workers hold the port",
		Truth:      one("startup/port#an-older-instance-of-it-holds-the-port", "startup/deaths#the-master-does-not-look-after-its-workers"),
		LookAlikes: []string{"C-master-not-supervising"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			p, _ := instance(s, r)
			children := p.Children()
			if err := p.Signal(syscall.SIGKILL); err != nil {
				return nil, err
			}
			if err := meanwhile(ctx, 1*time.Second); err != nil {
				return nil, err
			}
			if err := p.Start(); err != nil {
				return nil, err
			}
			return func(context.Context) error {
				for _, c := range children {
					_ = syscall.Kill(c, syscall.SIGKILL)
				}
				return p.Restart()
			}, nil
		},
	}
}

// wrongPort is a port that nobody else was told of.
func wrongPort() Fault {
	return Fault{
		Name: "wrong-port", Group: "Startup", Cause: "C-bad-entrypoint",
		About:      "a new start command makes both instances listen on other ports than the proxy knows",
		Truth:      one("startup/port#it-listens-on-another-port", "edge/unreachable#the-gateway-finds-nobody-behind-it"),
		LookAlikes: []string{"C-port-conflict", "C-dependency-down"},
		Inject: func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			by := between(r, 1, 9)
			for p, port := range map[*stack.Process]int{s.WebA: s.Port.A, s.WebB: s.Port.B} {
				if err := p.Rewrite(fmt.Sprintf("BIND='127.0.0.1:%d'", port), fmt.Sprintf("BIND='127.0.0.1:%d'", port%20000+40000+by)); err != nil {
					return nil, err
				}
			}
			return nil, s.Restart(s.WebA, s.WebB)
		},
	}
}

// wrongCommand is a command that is not there.
func wrongCommand() Fault {
	return Fault{
		Name: "wrong-command", Group: "Startup", Cause: "C-bad-entrypoint",
		About:      "a new start command names a program, or an application, that is not there",
		Truth:      one("startup/start#the-command-cannot-be-run"),
		LookAlikes: []string{"C-import-path", "C-startup-code-error"},
		Inject: func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			old, now := "'/usr/bin/python3' '/usr/bin/gunicorn'", "'/usr/local/bin/gunicorn'"
			if r.IntN(2) == 0 {
				old, now = "'orders.main:app'", "'orders.main:application'"
			}
			for _, p := range []*stack.Process{s.WebA, s.WebB} {
				if err := p.Rewrite(old, now); err != nil {
					return nil, err
				}
			}
			return nil, s.Restart(s.WebA, s.WebB)
		},
	}
}
