package fault

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/quellhq/quell/lab/stack"
)

// wayBlocked lets packets to one instance vanish.
func wayBlocked() Fault {
	return Fault{
		Name: "way-blocked", Group: "LB/network", Cause: "C-lb-network-fault",
		About:      "a new firewall rule drops what the gateway sends to one of two instances",
		Truth:      one("gateway/backends#the-way-to-a-server-is-blocked"),
		LookAlikes: []string{"C-app-crash-overload", "C-unhealthy-targets"},
		Needs:      []string{"root", "iptables"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			return s.Firewall(ctx, fmt.Sprintf("-i lo -p tcp --dport %d -j DROP", pick(r, s.Port.A, s.Port.B)))
		},
	}
}
