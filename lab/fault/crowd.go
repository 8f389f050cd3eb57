package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// crowd lets far more people come.
func crowd() Fault {
	return Fault{
		Name: "crowd", Group: "Capacity", Cause: "C-traffic-spike", Alone: true,
		About:      "far more customers than usual come at once",
		Truth:      one("gateway/traffic#a-crowd-has-come", "app/release#far-more-requests-than-usual"),
		LookAlikes: []string{"C-under-provisioned", "C-brute-force"},
		Inject: func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			s.Customers.Rate(float64(between(r, 60, 110)))
			return func(context.Context) error { s.Customers.Rate(stack.OrdinaryRate); return nil }, nil
		},
	}
}

// flood is one program that asks for the same thing again and again.
func flood() Fault {
	return Fault{
		Name: "flood", Group: "Capacity", Cause: "C-traffic-spike",
		About:      "one client sends several times as many requests as all customers together",
		Truth:      one("gateway/traffic#one-client-sends-most-of-the-requests"),
		LookAlikes: []string{"C-under-provisioned", "C-brute-force", "C-cache-stampede"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			ctx, cancel := context.WithCancel(ctx)
			var busy sync.WaitGroup
			from := fmt.Sprintf("203.0.113.%d", between(r, 1, 250))
			pause, path := time.Second/time.Duration(between(r, 20, 35)), pick(r, "/items?category=7&skip=40", "/items/1", "/top")
			busy.Go(func() {
				for ctx.Err() == nil {
					busy.Go(func() { once(ctx, s.Front+path, from) })
					time.Sleep(pause)
				}
			})
			return func(context.Context) error { cancel(); busy.Wait(); return nil }, nil
		},
	}
}

// once sends one request from a client.
func once(ctx context.Context, url, from string) {
	ctx, cancel := context.WithTimeout(ctx, 12*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return
	}
	request.Header.Set("X-Forwarded-For", from)
	request.Header.Set("User-Agent", "python-requests/2.28")
	if answer, err := http.DefaultClient.Do(request); err == nil {
		answer.Body.Close()
	}
}
