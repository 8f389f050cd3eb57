package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// byRelease is a fault that a release of the web processes brings.
func byRelease(f Fault, message string, edits func(r *rand.Rand) []stack.Edit) Fault {
	f.Inject = func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
		return released(ctx, s, message, edits(r))
	}
	return f
}

// blockedLoop waits inside of the loop.
func blockedLoop() Fault {
	return byRelease(Fault{
		Name: "blocked-loop", Group: "App workers", Cause: "C-blocking-in-async",
		About:      "a release waits for something in the loop's own thread, on a path that many use",
		Truth:      one("app/loop#a-call-blocks-the-event-loop"),
		LookAlikes: []string{"C-external-slow", "C-gil-bound", "C-pool-too-small"},
	}, "Wait for the stock of an item", func(r *rand.Rand) []stack.Edit {
		ms := between(r, 350, 600)
		call := pick(r,
			fmt.Sprintf("    time.sleep(%.3f)\n", float64(ms)/1000),
			fmt.Sprintf("    near, far = socket.socketpair()\n    near.settimeout(%.3f)\n    try:\n        near.recv(1)\n    except OSError:\n        pass\n    near.close()\n    far.close()\n", float64(ms)/1000),
		)
		return []stack.Edit{
			{File: "orders/catalogue.py", Old: "from fastapi import APIRouter, HTTPException\n", New: "import socket\nimport time\n\nfrom fastapi import APIRouter, HTTPException\n"},
			{File: "orders/catalogue.py", Old: "    found = await memory.cached(f\"cache:item:{number}\", make)\n", New: call + "    found = await memory.cached(f\"cache:item:{number}\", make)\n"},
		}
	})
}

// workerTimeout waits in the loop for longer than the master does.
func workerTimeout() Fault {
	return byRelease(Fault{
		Name: "worker-timeout", Group: "App workers", Cause: "C-worker-timeout",
		About:      "a release hangs on some searches, for longer than the master waits for a sign of life",
		Truth:      one("startup/deaths#workers-are-silent-for-too-long", "app/loop#a-call-blocks-the-event-loop"),
		LookAlikes: []string{"C-oom", "C-dependency-down", "C-blocking-in-async"},
		Settle:     45 * time.Second,
	}, "Search harder", func(r *rand.Rand) []stack.Edit {
		category := between(r, 0, 9)
		return []stack.Edit{
			{File: "orders/catalogue.py", Old: "from fastapi import APIRouter, HTTPException\n", New: "import time\n\nfrom fastapi import APIRouter, HTTPException\n"},
			{File: "orders/catalogue.py", Old: "async def search(category: int = 1, skip: int = 0, limit: int = 20):\n", New: fmt.Sprintf("async def search(category: int = 1, skip: int = 0, limit: int = 20):\n    if category %% 10 == %d:\n        time.sleep(60)\n", category)},
		}
	})
}

// oneCore computes beside the requests of one process.
func oneCore() Fault {
	return byRelease(Fault{
		Name: "one-core", Group: "App workers", Cause: "C-gil-bound", Alone: true,
		About:      "a release computes in threads of one worker: one core is full, and its requests wait for the interpreter",
		Truth:      one("startup/workers#one-process-uses-a-whole-core-and-can-use-no-more"),
		LookAlikes: []string{"C-blocking-in-async", "C-hot-code", "C-worker-count-missized"},
	}, "Work out what sells together", func(r *rand.Rand) []stack.Edit {
		return []stack.Edit{
			{File: "orders/main.py", Old: "journal.start()\n", New: "threading.stack_size()\n\n\ndef together():\n    while True:\n        sum(i * i for i in range(10000))\n\n\njournal.start()\n"},
			{File: "orders/main.py", Old: "import time\n", New: "import fcntl\nimport threading\nimport time\n"},
			{File: "orders/main.py", Old: "    journal.info(\"application started\")\n", New: fmt.Sprintf(
				"    try:\n        app.state.lock = open(__file__)\n        fcntl.flock(app.state.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)\n        for _ in range(%d):\n            threading.Thread(target=together, daemon=True).start()\n    except BlockingIOError:\n        pass\n    journal.info(\"application started\")\n", between(r, 18, 28))},
		}
	})
}
