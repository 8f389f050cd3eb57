package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/quellhq/quell/lab/stack"
)

// badConfig changes one setting so that the service cannot work with it.
func badConfig() Fault {
	return Fault{
		Name: "bad-config", Group: "Deploy", Cause: "C-bad-config",
		About:      "a setting was changed and the service restarted with it: the cache's password, the partner's address, or how long it is waited for",
		Truth:      one("app/release#a-setting-is-wrong", "redis/reach#the-password-is-missing-or-wrong"),
		LookAlikes: []string{"C-bad-deploy", "C-dependency-down"},
		Inject: func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			before, err := s.Settings()
			if err != nil {
				return nil, err
			}
			name, value := "PAYMENT_TIMEOUT", fmt.Sprintf("0.00%d", between(r, 1, 3))
			switch r.IntN(3) {
			case 0:
				name, value = "REDIS_URL", strings.Replace(before["REDIS_URL"], "secret", fmt.Sprintf("secret%d", between(r, 2, 9)), 1)
			case 1:
				name, value = "PAYMENT_URL", fmt.Sprintf("http://127.0.0.1:%d", between(r, 2, 9))
			}
			if err := s.Configure(map[string]string{name: value}, s.WebA, s.WebB); err != nil {
				return nil, err
			}
			return func(context.Context) error {
				return s.Configure(map[string]string{name: before[name]}, s.WebA, s.WebB)
			}, nil
		},
	}
}
