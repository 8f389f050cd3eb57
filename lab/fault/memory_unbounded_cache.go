package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// unboundedCache is a release that caches pages in the process under keys that
// never come again.
func unboundedCache() Fault {
	return Fault{
		Name: "unbounded-cache", Group: "Memory", Cause: "C-unbounded-cache",
		About:      "a release caches rendered pages in the process, by request instead of by page, and without a limit",
		Truth:      one("app/memory#a-cache-in-the-process-has-no-limit"),
		LookAlikes: []string{"C-app-memory-leak", "C-dataset-in-memory"},
		Settle:     70 * time.Second,
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			s.Customers.Rate(float64(between(r, 18, 22)))
			size := between(r, 900, 1400)
			edits := []stack.Edit{
				{File: "orders/measure.py", Old: "build = Gauge(", New: "cache_entries = Gauge(\"cache_entries\", \"entries of a cache in the process\", [\"service\", \"cache\"], multiprocess_mode=\"livesum\")\nbuild = Gauge("},
				{File: "orders/catalogue.py", Old: "from . import database, journal, memory\n", New: "from . import database, journal, measure, memory\n"},
				{File: "orders/catalogue.py", Old: "routes = APIRouter()\n", New: "routes = APIRouter()\npages = {}\n"},
				{File: "orders/catalogue.py", Old: "    found = await memory.cached(f\"cache:item:{number}\", make)\n", New: fmt.Sprintf(
					"    found = await memory.cached(f\"cache:item:{number}\", make)\n"+
						"    pages[journal.request.get()[\"request_id\"]] = bytearray(%d_000)\n"+
						"    measure.cache_entries.labels(measure.S, \"pages\").set(len(pages))\n", size)},
			}
			return released(ctx, s, "Cache rendered pages", edits)
		},
	}
}
