package fault

import (
	"context"
	"math/rand/v2"

	"github.com/quellhq/quell/lab/stack"
)

// serverDead kills one of the two instances behind the gateway.
func serverDead() Fault {
	return Fault{
		Name: "server-dead", Group: "LB/network", Cause: "C-app-crash-overload",
		About:      "one of the two instances was killed and nobody starts it again",
		Truth:      one("gateway/backends#a-server-behind-the-gateway-is-dead"),
		LookAlikes: []string{"C-lb-network-fault", "C-unhealthy-targets"},
		Inject: func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			victim := pick(r, s.WebA, s.WebB)
			victim.Kill()
			return func(context.Context) error { return victim.Start() }, nil
		},
	}
}

// serversDead kills both.
func serversDead() Fault {
	return Fault{
		Name: "servers-dead", Group: "LB/network", Cause: "C-app-crash-overload",
		About:      "both instances were killed",
		Truth:      one("gateway/backends#a-server-behind-the-gateway-is-dead"),
		LookAlikes: []string{"C-lb-network-fault", "C-bad-config"},
		Inject: func(_ context.Context, s *stack.Stack, _ *rand.Rand) (Heal, error) {
			s.WebA.Kill()
			s.WebB.Kill()
			return func(context.Context) error {
				if err := s.WebA.Start(); err != nil {
					return err
				}
				return s.WebB.Start()
			}, nil
		},
	}
}
