package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// sessionLeakMemory is a release that loses sessions with what they have read.
func sessionLeakMemory() Fault {
	return Fault{
		Name: "session-leak-memory", Group: "Memory", Cause: "C-session-leak-memory",
		About: "a release reads ahead in sessions of its own that it never ends: each keeps its rows",
		Truth: one("app/memory#lost-database-sessions-hold-memory", "app/pool#connections-are-taken-and-never-given-back",
			"db/connections#transactions-are-opened-and-never-finished"),
		LookAlikes: []string{"C-app-memory-leak", "C-pool-too-small"},
		Settle:     60 * time.Second,
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			if err := s.Configure(map[string]string{"DB_POOL_SIZE": "10"}); err != nil {
				return nil, err
			}
			return released(ctx, s, "Read ahead", inSearch("ahead = []\n", fmt.Sprintf(
				"    if skip == 0:\n        session = await database.engine.connect()\n"+
					"        found = (await session.execute(text(\"SELECT id, name, price FROM items WHERE category = :c\"), {\"c\": category})).all()\n"+
					"        ahead.append((session, found, bytearray(%d_000_000)))\n", between(r, 14, 20))))
		},
	}
}
