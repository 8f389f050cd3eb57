package fault

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// oddities are faults with something beside them that catches the eye and does
// no harm: each is one of the healthy states.
func oddities() []Fault {
	harmless := map[string]injection{}
	about := map[string]string{}
	for _, f := range stillWell() {
		harmless[f.Name], about[f.Name] = f.Inject, f.About
	}
	// A release goes back with the fault, so what was released before it must stay.
	odd := func(name string, f Fault) Fault {
		return beside(f.Name+"-beside-"+name, f, about[name], func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			_, err := harmless[name](ctx, s, r)
			if err == nil {
				err = meanwhile(ctx, 10*time.Second)
			}
			return nil, err
		})
	}
	return []Fault{
		odd("just-deployed", exporterDown()),
		odd("scanner", connectionLeak()),
		odd("many-sessions", connectionLeak()),
		odd("planned-silence", hotCode()),
		odd("polite-build", hotCode()),
		odd("backup-running", memoryLeak()),
		odd("nightly-report", fdExhausted()),
		odd("instance-restarted", metricsBroken()),
		odd("exports-streamed", memoryLeak()),
		odd("old-forgotten-passwords", diskFull()),
		odd("scanner", unboundedCache()),
		odd("nightly-report", datasetInMemory()),
	}
}
