package fault

import (
	"context"
	"math/rand/v2"

	"github.com/quellhq/quell/lab/stack"
)

// partnerDown takes the payment partner away.
func partnerDown() Fault {
	return Fault{
		Name: "partner-down", Group: "External", Cause: "C-dependency-down",
		About:      "the payment partner refuses connections, or answers everything with an error",
		Truth:      one("app/dependencies#the-other-service-is-down", "app/release#a-service-that-it-calls-fails"),
		LookAlikes: []string{"C-external-slow", "C-bad-deploy"},
		Inject: func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			if r.IntN(2) == 0 {
				s.Partner.Kill()
				return func(context.Context) error { return s.Partner.Start() }, nil
			}
			if err := mood(s, 0.01, pick(r, 500, 502, 503)); err != nil {
				return nil, err
			}
			return func(context.Context) error { return mood(s, 0.01, 200) }, nil
		},
	}
}

// partnerSlow lets the payment partner take its time.
func partnerSlow() Fault {
	return Fault{
		Name: "partner-slow", Group: "External", Cause: "C-external-slow",
		About:      "the payment partner takes seconds for each payment",
		Truth:      one("app/dependencies#the-other-service-is-slow", "app/slow#a-service-that-it-calls-is-slow"),
		LookAlikes: []string{"C-dependency-down", "C-long-hold", "C-missing-index"},
		Inject: func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			if err := mood(s, 1.5+4*r.Float64(), 200); err != nil {
				return nil, err
			}
			return func(context.Context) error { return mood(s, 0.01, 200) }, nil
		},
	}
}

// partnerGone lets packets to the partner vanish.
func partnerGone() Fault {
	return Fault{
		Name: "partner-gone", Group: "External", Cause: "C-dependency-down",
		About:      "the way to the payment partner is cut: connections are taken by nobody, or nothing comes back",
		Truth:      one("app/dependencies#the-other-service-is-slow", "app/dependencies#the-way-to-the-other-service-is-blocked", "app/dependencies#the-other-service-is-down", "app/slow#a-service-that-it-calls-is-slow", "app/release#a-service-that-it-calls-fails"),
		LookAlikes: []string{"C-external-slow"},
		Inject: func(_ context.Context, s *stack.Stack, _ *rand.Rand) (Heal, error) {
			s.Payment.Cut(true)
			return func(context.Context) error { s.Payment.Cut(false); return nil }, nil
		},
	}
}
