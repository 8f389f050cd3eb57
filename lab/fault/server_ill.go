package fault

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/quellhq/quell/lab/stack"
)

// serverIll is one instance of which most requests fail: its setting was
// mistyped when it was restarted last.
func serverIll() Fault {
	return Fault{
		Name: "server-ill", Group: "LB/network", Cause: "C-bad-config",
		About:      "one of the two instances was restarted with a wrong password for the cache",
		Truth:      one("gateway/backends#one-server-fails-while-the-others-work", "redis/reach#the-password-is-missing-or-wrong", "app/release#a-setting-is-wrong"),
		LookAlikes: []string{"C-bad-deploy", "C-redis-auth-mismatch"},
		Inject: func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			victim := pick(r, s.WebA, s.WebB)
			before, err := s.Settings()
			if err != nil {
				return nil, err
			}
			if err := s.Configure(map[string]string{"REDIS_URL": fmt.Sprintf("redis://:mistyped%d@%s/0", r.IntN(100), s.Cache.Address())}, victim); err != nil {
				return nil, err
			}
			return func(context.Context) error {
				return s.Configure(map[string]string{"REDIS_URL": before["REDIS_URL"]}, victim)
			}, nil
		},
	}
}
