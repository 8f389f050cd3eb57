package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// fdExhausted is a release that opens files and leaves them open, under the
// limit that many machines still have.
func fdExhausted() Fault {
	return Fault{
		Name: "files-exhausted", Group: "Capacity", Cause: "C-fd-exhausted",
		About:      "a release opens templates for each search and leaves them open, until no file can be opened",
		Truth:      one("startup/limits#the-service-runs-out-of-open-files"),
		LookAlikes: []string{"C-connection-leak", "C-bad-deploy"},
		Settle:     45 * time.Second,
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			limit := between(r, 110, 160)
			for _, p := range []*stack.Process{s.WebA, s.WebB} {
				if err := before(p, fmt.Sprintf("ulimit -n %d", limit)); err != nil {
					return nil, err
				}
			}
			return released(ctx, s, "Templates for results", inSearch("templates = []\n", "    templates.extend(open(\"gunicorn.conf.py\") for _ in range(12))\n"))
		},
	}
}

// taskLimit is a release that starts a thread for each order, in a container
// that may have so many.
func taskLimit() Fault {
	return Fault{
		Name: "task-limit", Group: "Capacity", Cause: "C-task-limit",
		About:      "a release starts a thread for each search that waits for ever, and the container may have few",
		Truth:      one("startup/limits#no-process-or-thread-can-be-started"),
		LookAlikes: []string{"C-fd-exhausted", "C-bad-deploy"},
		Needs:      []string{"root"}, Settle: 45 * time.Second,
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			for _, p := range []*stack.Process{s.WebA, s.WebB} {
				if _, err := fenced(s, p, "pids", map[string]string{"pids.max": fmt.Sprint(between(r, 60, 80))}); err != nil {
					return nil, err
				}
			}
			return released(ctx, s, "Watch prices", inSearch("import threading\n\nwaiting = threading.Event()\n",
				"    for _ in range(5):\n        threading.Thread(target=waiting.wait, daemon=True).start()\n"))
		},
	}
}
