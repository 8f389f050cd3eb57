package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// idleSessions is another team's tool that keeps a pool and hardly uses it.
func idleSessions() Fault {
	return Fault{
		Name: "idle-sessions", Group: "healthy", Kind: Healthy,
		About:  "a report tool keeps a score of idle sessions at the database, as pools do",
		Inject: keepIdleSessions,
	}
}

func keepIdleSessions(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
	mine, end := context.WithCancel(ctx)
	for i := range between(r, 12, 20) {
		if err := s.Session(mine, "quell", fmt.Sprintf("dashboards-%d", i%3), "SELECT 1;"); err != nil {
			end()
			return nil, err
		}
	}
	return func(context.Context) error { end(); return nil }, nil
}

// reportRuns is a long read that takes one processor and nobody's patience.
func reportRuns() Fault {
	return Fault{
		Name: "report-runs", Group: "healthy", Kind: Healthy,
		About: "a report goes through all orders for minutes, in one session; customers do not notice",
		Inject: func(ctx context.Context, s *stack.Stack, _ *rand.Rand) (Heal, error) {
			mine, end := context.WithCancel(ctx)
			script := "SELECT i.category, sum(i.price * l.amount) FROM order_lines l JOIN items i ON i.id = l.item_id GROUP BY i.category;\n\\sleep 300 ms\n"
			if err := s.Bench(mine, "quell", "nightly-report", script, 1); err != nil {
				end()
				return nil, err
			}
			return func(context.Context) error { end(); return nil }, nil
		},
	}
}

// leakBesideIdle is a leak, and beside it idle sessions that are none.
func leakBesideIdle() Fault {
	f := connectionLeak()
	leak := f.Inject
	f.Name, f.Kind, f.Group = "leak-beside-idle-sessions", Herring, "red herrings"
	f.About = "a release leaks connections; beside it a report tool keeps a score of idle sessions, as ever"
	f.Inject = func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
		if _, err := keepIdleSessions(ctx, s, r); err != nil {
			return nil, err
		}
		return leak(ctx, s, r)
	}
	return f
}

// lockReleased was a lock that everybody waited for; its holder has ended.
func lockReleased() Fault {
	f := rowsLocked()
	f.Name, f.Kind, f.Group, f.Cause, f.Truth = "lock-released", Recovered, "recovered", "", nil
	f.About = "a console held rows that customers needed, and let them go; the alert is old"
	f.Settle = 30 * time.Second
	return f
}

// databaseCameBack was stopped and started again.
func databaseCameBack() Fault {
	f := databaseDown()
	f.Name, f.Kind, f.Group, f.Cause, f.Truth = "database-came-back", Recovered, "recovered", "", nil
	f.About = "the database was stopped for a while, and was started again; the alert is old"
	f.Settle = 40 * time.Second
	return f
}
