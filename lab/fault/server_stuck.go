package fault

import (
	"context"
	"math/rand/v2"
	"syscall"

	"github.com/quellhq/quell/lab/stack"
)

// serverStuck stops one instance: it listens, and never answers.
func serverStuck() Fault {
	return Fault{
		Name: "server-stuck", Group: "LB/network", Cause: "C-app-crash-overload",
		About:      "one of the two instances takes connections and does not answer any more",
		Truth:      one("gateway/backends#one-server-is-stuck-while-others-answer", "startup/deaths#its-process-is-paused", "startup/deaths#the-master-does-not-look-after-its-workers"),
		LookAlikes: []string{"C-lb-network-fault", "C-worker-timeout"},
		Inject: func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			victim := pick(r, s.WebA, s.WebB)
			group := -victim.Pid()
			if err := syscall.Kill(group, syscall.SIGSTOP); err != nil {
				return nil, err
			}
			return func(context.Context) error { return syscall.Kill(group, syscall.SIGCONT) }, nil
		},
	}
}
