package fault

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/quellhq/quell/lab/stack"
)

// unevenWeight gives one instance most of the requests.
func unevenWeight() Fault {
	return Fault{
		Name: "uneven-weight", Group: "LB/network", Cause: "C-uneven-lb",
		About:      "a weight that was meant for another machine stands at one of two equal instances",
		Truth:      one("gateway/balance#weights-give-one-server-too-much"),
		LookAlikes: []string{"C-app-crash-overload", "C-under-provisioned"},
		Inject: func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			server := fmt.Sprintf("server 127.0.0.1:%d max_fails=3", pick(r, s.Port.A, s.Port.B))
			heal, err := editFront(s, server, fmt.Sprintf("server %s weight=%d max_fails=3", server[len("server "):len(server)-len(" max_fails=3")], between(r, 7, 20)))
			s.Customers.Rate(float64(between(r, 14, 22)))
			return heal, err
		},
	}
}

// unevenHash ties clients of one network to one instance.
func unevenHash() Fault {
	return Fault{
		Name: "uneven-hash", Group: "LB/network", Cause: "C-uneven-lb",
		About:      "the balancing was changed to ip_hash, and the customers come from one network",
		Truth:      one("gateway/balance#the-gateway-ties-clients-to-servers"),
		LookAlikes: []string{"C-app-crash-overload", "C-under-provisioned"},
		Inject: func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			s.Customers.Rate(float64(between(r, 14, 22)))
			return editFront(s, "least_conn;", pick(r, "ip_hash;", "hash $http_host consistent;", "hash $server_port;"))
		},
	}
}
