package fault

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/quellhq/quell/lab/stack"
)

// packetsLost loses some packets of every connection of the service.
func packetsLost() Fault {
	return Fault{
		Name: "packets-lost", Group: "LB/network", Cause: "C-network-congestion",
		About:      "the network drops a share of all packets between the service and what it rests on",
		Truth:      one("edge/network#the-network-is-congested"),
		LookAlikes: []string{"C-external-slow", "C-db-server-saturated", "C-lb-network-fault"},
		Needs:      []string{"root", "iptables"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			share := 0.08 + 0.1*r.Float64()
			ports := fmt.Sprintf("%d,%d,%d,%d,%d", s.Port.A, s.Port.B, s.Port.Postgres, s.Port.Redis, s.Port.Front)
			rule := func(side string) string {
				return fmt.Sprintf("-i lo -p tcp -m multiport --%s %s -m statistic --mode random --probability %.3f -j DROP", side, ports, share)
			}
			return s.Firewall(ctx, rule("dports"), rule("sports"))
		},
	}
}
