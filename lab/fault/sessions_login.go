package fault

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// guessing lets somebody try passwords.
func guessing() Fault {
	return Fault{
		Name: "guessing", Group: "Session/auth", Cause: "C-brute-force",
		About:      "one address, or a few, try passwords of many names, or of one",
		Truth:      one("auth/login#somebody-guesses-passwords"),
		LookAlikes: []string{"C-bad-credentials", "C-auth-service-down", "C-traffic-spike"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			from := make([]string, between(r, 1, 3))
			for i := range from {
				from[i] = fmt.Sprintf("203.0.113.%d", between(r, 1, 250))
			}
			names, pause := pick(r, 1, 40, 300), time.Second/time.Duration(between(r, 3, 8))
			return attempts(ctx, s, pause, func(n int) (name, password, address string) {
				return fmt.Sprintf("customer%d", 1+n%names), fmt.Sprintf("guess%d", n), from[n%len(from)]
			}), nil
		},
	}
}

// forgotten is one person who tries again and again.
func forgotten() Fault {
	return Fault{
		Name: "forgotten-password", Group: "Session/auth", Cause: "C-bad-credentials",
		About:      "one or two people do not know their password any more and try it several times",
		Truth:      one("auth/login#one-person-has-forgotten-the-password"),
		LookAlikes: []string{"C-brute-force"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			people, first := between(r, 1, 2), between(r, 1, 250)
			pause := time.Duration(between(r, 900, 1800)) * time.Millisecond
			return attempts(ctx, s, pause, func(n int) (name, password, address string) {
				who := first + n%people
				return fmt.Sprintf("customer%d", who), fmt.Sprintf("perhaps%d", n), fmt.Sprintf("198.51.100.%d", 100+who%100)
			}), nil
		},
	}
}

// attempts logs in again and again with what it is given, until it is healed.
func attempts(ctx context.Context, s *stack.Stack, pause time.Duration, next func(n int) (name, password, address string)) Heal {
	ctx, cancel := context.WithCancel(ctx)
	var busy sync.WaitGroup
	busy.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			name, password, address := next(n)
			busy.Go(func() { attempt(ctx, s, name, password, address) })
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
		}
	})
	return func(context.Context) error { cancel(); busy.Wait(); return nil }
}

func attempt(ctx context.Context, s *stack.Stack, name, password, address string) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	body, err := json.Marshal(map[string]string{"name": name, "password": password})
	if err != nil {
		return
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Front+"/login", bytes.NewReader(body))
	if err != nil {
		return
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Forwarded-For", address)
	if answer, err := http.DefaultClient.Do(request); err == nil {
		answer.Body.Close()
	}
}

// tokensEnd makes tokens end soon, and nobody renews them.
func tokensEnd() Fault {
	return Fault{
		Name: "tokens-end", Group: "Session/auth", Cause: "C-token-expired",
		About:      "a setting makes tokens end after a few seconds, and programs do not renew them",
		Truth:      one("auth/login#tokens-end-and-are-not-renewed"),
		LookAlikes: []string{"C-signing-key-changed", "C-session-ttl-short"},
		Settle:     30 * time.Second,
		Inject: func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			if err := s.Configure(map[string]string{"TOKEN_TTL": fmt.Sprint(between(r, 1, 4))}, s.WebA, s.WebB); err != nil {
				return nil, err
			}
			return func(context.Context) error { return s.Configure(map[string]string{"TOKEN_TTL": ""}, s.WebA, s.WebB) }, nil
		},
	}
}

// keyChanged changes the key that tokens are signed with.
func keyChanged() Fault {
	return Fault{
		Name: "key-changed", Group: "Session/auth", Cause: "C-signing-key-changed",
		About:      "the key of the tokens was changed everywhere, or on one of two instances",
		Truth:      one("auth/login#tokens-are-checked-with-another-key-than-they-were-signed-with"),
		LookAlikes: []string{"C-token-expired", "C-auth-service-down"},
		Settle:     12 * time.Second,
		Inject: func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			before, err := s.Settings()
			if err != nil {
				return nil, err
			}
			restart := []*stack.Process{s.WebA, s.WebB}
			if r.IntN(2) == 0 {
				restart = restart[:1]
			}
			if err := s.Configure(map[string]string{"TOKEN_KEY": fmt.Sprintf("%032x", r.Uint64())}, restart...); err != nil {
				return nil, err
			}
			return func(context.Context) error {
				return s.Configure(map[string]string{"TOKEN_KEY": before["TOKEN_KEY"]}, restart...)
			}, nil
		},
	}
}
