package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// well is a healthy state.
func well(name, about string, inject injection) Fault {
	return Fault{Name: name, Group: "healthy", Kind: Healthy, About: about, Inject: inject}
}

// stillWell are states in which nothing is wrong, however they look.
func stillWell() []Fault {
	return []Fault{
		well("idle-night", "hardly anybody comes", func(_ context.Context, s *stack.Stack, _ *rand.Rand) (Heal, error) {
			s.Customers.Rate(0.5)
			return nil, nil
		}),
		well("peak-load", "two to three times the customers, who are served as well as ever", func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			s.Customers.Rate(float64(between(r, 24, 36)))
			return nil, nil
		}),
		well("just-deployed", "a release that changes nothing that matters has just been deployed", func(ctx context.Context, s *stack.Stack, _ *rand.Rand) (Heal, error) {
			return released(ctx, s, "Better names", []stack.Edit{{File: "orders/catalogue.py", Old: `raise HTTPException(404, "no such item")`, New: `raise HTTPException(404, "there is no such item")`}})
		}),
		well("instance-restarted", "one instance was restarted, for no reason", func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			return nil, s.Restart(pick(r, s.WebA, s.WebB))
		}),
		well("nightly-report", "a report reads the whole table of orders again and again", func(ctx context.Context, s *stack.Stack, _ *rand.Rand) (Heal, error) {
			go repeat(ctx, 3*time.Second, func() {
				_ = s.SQL(ctx, "orders", "SELECT state, count(*), max(o.id) FROM orders o JOIN order_lines l ON l.order_id = o.id GROUP BY state")
			})
			return nil, nil
		}),
		well("backup-running", "the database is dumped while customers buy", func(ctx context.Context, s *stack.Stack, _ *rand.Rand) (Heal, error) {
			return nil, neighbour(ctx, 10, "/bin/sh", "-c", fmt.Sprintf("while :; do pg_dump -h %s -p %d -U postgres -d orders >/dev/null; sleep 2; done", s.Path("postgres"), s.Port.Postgres))
		}),
		well("many-sessions", "twenty consoles are logged in to the database and do nothing", func(ctx context.Context, s *stack.Stack, _ *rand.Rand) (Heal, error) {
			for range 20 {
				if err := neighbour(ctx, 0, "/bin/sh", "-c", fmt.Sprintf("sleep 600 | psql -X -q -h %s -p %d -U postgres -d orders", s.Path("postgres"), s.Port.Postgres)); err != nil {
					return nil, err
				}
			}
			return nil, nil
		}),
		well("scanner", "a scanner asks for pages that there are not", func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			s.Customers.Also(scan(between(r, 20, 40)))
			return nil, nil
		}),
		well("exports-streamed", "customers fetch exports, which are streamed", func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			s.Customers.Also(stack.Visit{Name: "export", Weight: between(r, 5, 10), Do: func(ctx context.Context, c *stack.Customer) error { return c.Get(ctx, "/export?rows=3000") }})
			return nil, nil
		}),
		well("polite-build", "a build on the same machine takes what is left of the processors", func(ctx context.Context, _ *stack.Stack, _ *rand.Rand) (Heal, error) {
			return nil, neighbour(ctx, 19, "/bin/sh", "-c", "while :; do :; done")
		}),
		well("prometheus-restarted", "Prometheus was restarted and knows half a minute", func(_ context.Context, s *stack.Stack, _ *rand.Rand) (Heal, error) {
			return nil, s.Restart(s.Prometheus)
		}),
		well("planned-silence", "alerts of another service are silenced for a move", func(_ context.Context, s *stack.Stack, _ *rand.Rand) (Heal, error) {
			return nil, silence(s, "service", "warehouse")
		}),
		well("old-forgotten-passwords", "some customers mistype their passwords, as on every day", func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			s.Customers.Also(stack.Visit{Name: "mistype", Weight: between(r, 2, 4), Do: func(ctx context.Context, c *stack.Customer) error {
				return c.Post(ctx, "/login", map[string]any{"name": fmt.Sprintf("customer%d", 1+c.Rand.IntN(300)), "password": "forgotten"})
			}})
			return nil, nil
		}),
	}
}

// scan asks for what there is not, as robots do.
func scan(weight int) stack.Visit {
	paths := []string{"/wp-login.php", "/.env", "/admin", "/phpmyadmin/index.php", "/api/v1/users", "/.git/config", "/cgi-bin/test"}
	return stack.Visit{Name: "scan", Weight: weight, Do: func(ctx context.Context, c *stack.Customer) error {
		return c.Get(ctx, paths[c.Rand.IntN(len(paths))])
	}}
}

// repeat does something again and again until ctx ends.
func repeat(ctx context.Context, pause time.Duration, do func()) {
	for ctx.Err() == nil {
		do()
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}
