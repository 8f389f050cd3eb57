package fault

import (
	"context"
	"math/rand/v2"
	"syscall"

	"github.com/quellhq/quell/lab/stack"
)

const hangUp = syscall.SIGHUP

// masterStopped is a master that somebody debugs, while its workers die.
func masterStopped() Fault {
	return Fault{
		Name: "master-stopped", Group: "App workers", Cause: "C-master-not-supervising",
		About:      "somebody stops the master of an instance, and one of its workers dies",
		Truth:      one("startup/deaths#the-master-does-not-look-after-its-workers"),
		LookAlikes: []string{"C-worker-timeout", "C-port-conflict"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			p := pick(r, s.WebA, s.WebB)
			children := p.Children()
			if err := p.Signal(syscall.SIGSTOP); err != nil {
				return nil, err
			}
			if len(children) > 0 {
				_ = syscall.Kill(children[r.IntN(len(children))], syscall.SIGKILL)
			}
			return func(context.Context) error { return p.Signal(syscall.SIGCONT) }, nil
		},
	}
}

// masterKilled is a master that is gone, while its workers go on.
func masterKilled() Fault {
	return Fault{
		Name: "master-killed", Group: "App workers", Cause: "C-master-not-supervising",
		About:      "the master of an instance is killed; its workers go on without it",
		Truth:      one("startup/deaths#the-master-does-not-look-after-its-workers"),
		LookAlikes: []string{"C-worker-timeout", "C-port-conflict"},
		Inject: func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			p := pick(r, s.WebA, s.WebB)
			children := p.Children()
			if err := p.Signal(syscall.SIGKILL); err != nil {
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
