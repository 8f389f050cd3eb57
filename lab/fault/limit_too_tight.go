package fault

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/quellhq/quell/lab/stack"
)

// limitTooTight turns customers away although no more come than usual.
func limitTooTight() Fault {
	return Fault{
		Name: "limit-too-tight", Group: "Capacity", Cause: "C-bad-config",
		About:      "a rate limit of the gateway counts all customers as one, and is lower than an ordinary day",
		Truth:      one("gateway/traffic#a-limit-turns-honest-requests-away"),
		LookAlikes: []string{"C-traffic-spike", "C-under-provisioned"},
		Inject: func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			zone := fmt.Sprintf("  limit_req_zone $server_port zone=all:1m rate=%dr/s;\n  limit_req zone=all burst=%d nodelay;\n", between(r, 4, 7), between(r, 1, 4))
			return editFront(s, "  upstream orders {\n", zone+"  upstream orders {\n")
		},
	}
}
