package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// uvicornAlone starts an instance by uvicorn itself instead of gunicorn. Its
// command is put together here, since it has to replace the line of a script.
func uvicornAlone(s *stack.Stack, p *stack.Process, port int, more string) (Heal, error) {
	old := "'/usr/bin/gunicorn' '--config' '" + s.Path("srv", "gunicorn.conf.py") + "' '--pid' '" + s.Path("run", "gunicorn-"+p.Name[len(p.Name)-1:]+".pid") + "' 'orders.main:app'"
	now := fmt.Sprintf("/usr/bin/uvicorn --app-dir %s --host 127.0.0.1 --port %d%s orders.main:app", s.Path("srv"), port, more)
	if err := p.Rewrite(old, now); err != nil {
		return nil, err
	}
	if err := p.Restart(); err != nil {
		return nil, err
	}
	return func(context.Context) error {
		if err := p.Rewrite(now, old); err != nil {
			return err
		}
		return p.Restart()
	}, nil
}

// slowThumbnails makes looking at an item take a moment in which the process
// can do nothing else: four processes carry it, and one does not.
func slowThumbnails(ctx context.Context, s *stack.Stack, ms int) error {
	return s.Release(ctx, "Draw small pictures of items", []stack.Edit{
		{File: "orders/catalogue.py", Old: "from fastapi import APIRouter, HTTPException\n", New: "import hashlib\nimport time\n\nfrom fastapi import APIRouter, HTTPException\n"},
		{File: "orders/catalogue.py", Old: "    found = await memory.cached(f\"cache:item:{number}\", make)\n", New: fmt.Sprintf(
			"    found = await memory.cached(f\"cache:item:{number}\", make)\n    end = time.thread_time() + %d / 1000\n    while time.thread_time() < end:\n        hashlib.sha256(b\"picture\" * 2000).digest()\n", ms)},
	})
}

// onlyOne leaves one instance, with a command of its own.
func onlyOne(ctx context.Context, s *stack.Stack, ms int, more string) (Heal, error) {
	if err := slowThumbnails(ctx, s, ms); err != nil {
		return nil, err
	}
	healA, err := uvicornAlone(s, s.WebA, s.Port.A, more)
	if err != nil {
		return nil, err
	}
	healB, err := uvicornAlone(s, s.WebB, s.Port.B, more)
	if err != nil {
		return healA, err
	}
	return func(ctx context.Context) error {
		if err := healA(ctx); err != nil {
			return err
		}
		return healB(ctx)
	}, nil
}

// reloadSwitch is a start command of development.
func reloadSwitch() Fault {
	return Fault{
		Name: "reload-switch", Group: "App workers", Cause: "C-reload-vs-workers", Alone: true,
		About:      "a new start command asks for four workers, and for --reload, which takes them away",
		Truth:      one("startup/workers#the-reload-switch-takes-the-workers-away"),
		LookAlikes: []string{"C-single-worker-flag", "C-gil-bound"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			heal, err := onlyOne(ctx, s, between(r, 80, 120), " --reload --reload-dir "+s.Path("srv", "orders")+" --workers 4")
			s.Customers.Rate(float64(between(r, 30, 40)))
			return heal, err
		},
	}
}

// singleProcess is a start command that says no number.
func singleProcess() Fault {
	return Fault{
		Name: "single-process", Group: "App workers", Cause: "C-single-worker-flag", Alone: true,
		About:      "a new start command says no number of workers: one process serves",
		Truth:      one("startup/workers#one-process-serves-everybody"),
		LookAlikes: []string{"C-reload-vs-workers", "C-worker-count-missized", "C-gil-bound"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			heal, err := onlyOne(ctx, s, between(r, 80, 120), "")
			s.Customers.Rate(float64(between(r, 30, 40)))
			return heal, err
		},
	}
}

// tooManyWorkers is a number that no one has counted.
func tooManyWorkers() Fault {
	return Fault{
		Name: "too-many-workers", Group: "App workers", Cause: "C-worker-count-missized", Alone: true,
		About:      "a number of workers far above the processors, and pools that were made small for it",
		Truth:      one("startup/workers#there-are-more-workers-than-the-processors-carry"),
		LookAlikes: []string{"C-under-provisioned", "C-server-conn-limit"},
		Settle:     40 * time.Second,
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			if err := slowThumbnails(ctx, s, between(r, 60, 90)); err != nil {
				return nil, err
			}
			n := between(r, 10, 14)
			s.Customers.Rate(60)
			if err := s.Configure(map[string]string{"DB_POOL_SIZE": "2"}); err != nil {
				return nil, err
			}
			for _, p := range []*stack.Process{s.WebA, s.WebB} {
				if err := p.Rewrite("set -e\n", fmt.Sprintf("set -e\nexport WEB_CONCURRENCY=%d\n", n)); err != nil {
					return nil, err
				}
			}
			return nil, s.Restart(s.WebA, s.WebB)
		},
	}
}

// preloadedCode is a release that a reload does not bring.
func preloadedCode() Fault {
	return Fault{
		Name: "preloaded-code", Group: "App workers", Cause: "C-preload-blocks-reload",
		About:      "the master preloads the application; a release is laid down, and brought by HUP",
		Truth:      one("startup/reload#the-preloaded-code-survives-the-reload"),
		LookAlikes: []string{"C-bad-deploy"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			preload := []stack.Edit{{File: "gunicorn.conf.py", Old: "timeout = 20\n", New: "timeout = 20\npreload_app = True\n"}}
			if err := s.Release(ctx, "Start faster", preload, s.WebA, s.WebB); err != nil {
				return nil, err
			}
			if err := meanwhile(ctx, time.Duration(between(r, 8, 14))*time.Second); err != nil {
				return nil, err
			}
			greeting := []stack.Edit{{File: "orders/main.py", Old: `"status": "ready"`, New: `"status": "ready", "since": "today"`}}
			if err := s.Release(ctx, "Say more when asked", greeting); err != nil {
				return nil, err
			}
			for _, p := range []*stack.Process{s.WebA, s.WebB} {
				if err := p.Signal(hangUp); err != nil {
					return nil, err
				}
			}
			return func(context.Context) error { return s.Restart(s.WebA, s.WebB) }, nil
		},
	}
}
