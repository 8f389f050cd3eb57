package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// libraryLeak is a release with a new agent whose background thread keeps what
// it allocates, whoever calls; and it is night.
func libraryLeak() Fault {
	return Fault{
		Name: "library-leak", Group: "Memory", Cause: "C-library-leak",
		About:      "a release brings an agent whose thread keeps its samples for ever; nobody calls meanwhile",
		Truth:      one("app/memory#it-grows-with-time-whoever-calls"),
		LookAlikes: []string{"C-app-memory-leak"},
		Settle:     75 * time.Second,
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			agent := fmt.Sprintf(`"""Samples of how the process is, for the agent of the hosting company."""

import threading
import time

_samples = []


def _sample():
    while True:
        _samples.append(bytearray(%d_000))
        time.sleep(0.1)


threading.Thread(target=_sample, daemon=True).start()
`, between(r, 250, 450))
			heal, err := released(ctx, s, "Add the agent", []stack.Edit{
				{File: "orders/agent.py", New: agent},
				{File: "orders/main.py", Old: "from . import catalogue,", New: "from . import agent, catalogue,"},
			})
			s.Customers.Rate(0)
			return heal, err
		},
	}
}
