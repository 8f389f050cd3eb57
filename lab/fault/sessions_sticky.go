package fault

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// affinityMissing takes away what a service with sessions in its processes lives on.
func affinityMissing() Fault {
	return Fault{
		Name: "affinity-missing", Group: "Session/auth", Cause: "C-affinity-missing",
		About:      "each instance keeps sessions in its one process, and the gateway's way of sending people back to theirs is taken away",
		Truth:      one("auth/session#each-process-knows-only-its-own-sessions", "app/state#each-process-keeps-a-state-of-its-own", "app/state#each-instance-keeps-a-state-of-its-own"),
		LookAlikes: []string{"C-cookie-broken", "C-session-ttl-short", "C-signing-key-changed"},
		Settle:     30 * time.Second,
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			s.Customers.Also(stack.Newcomer(10, 5*time.Second))
			const anywhere = "    least_conn;\n"
			sticky := pick(r, "    hash $remote_addr consistent;\n", "    hash $http_x_forwarded_for;\n")
			if _, err := editFront(s, anywhere, sticky); err != nil {
				return nil, err
			}
			for _, p := range []*stack.Process{s.WebA, s.WebB} {
				if err := p.Rewrite("set -e\n", "set -e\nexport WEB_CONCURRENCY=1\n"); err != nil {
					return nil, err
				}
			}
			if _, err := shipped(ctx, s, "Fewer trips to Redis", sessionsInMemory()...); err != nil {
				return nil, err
			}
			if err := meanwhile(ctx, 45*time.Second); err != nil { // and so it has been for a while
				return nil, err
			}
			return editFront(s, sticky, anywhere)
		},
	}
}
