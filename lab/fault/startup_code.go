package fault

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// missingSetting is a configuration that the service does not accept.
func missingSetting() Fault {
	return Fault{
		Name: "missing-setting", Group: "Startup", Cause: "C-bad-config",
		About:      "a setting is lost, or holds what is no number; the service is restarted",
		Truth:      one("startup/start#its-configuration-is-wrong-or-missing"),
		LookAlikes: []string{"C-startup-code-error", "C-dependency-not-ready"},
		Inject: func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			before, err := s.Settings()
			if err != nil {
				return nil, err
			}
			changes := pick(r, map[string]string{"TOKEN_KEY": ""}, map[string]string{"REDIS_URL": ""}, map[string]string{"DB_POOL_TIMEOUT": "3s"}, map[string]string{"CACHE_TTL": "one minute"})
			back := map[string]string{}
			for name := range changes {
				back[name] = before[name]
			}
			if err := s.Configure(changes, s.WebA, s.WebB); err != nil {
				return nil, err
			}
			return func(context.Context) error { return s.Configure(back, s.WebA, s.WebB) }, nil
		},
	}
}

// startRaises is a release whose code raises before it serves.
func startRaises() Fault {
	return byRelease(Fault{
		Name: "start-raises", Group: "Startup", Cause: "C-startup-code-error",
		About:      "a release raises an error while it is loaded, or while it starts",
		Truth:      one("startup/start#its-own-code-fails-while-it-starts"),
		LookAlikes: []string{"C-bad-config", "C-import-path", "C-bad-deploy"},
	}, "Prepare prices ahead", func(r *rand.Rand) []stack.Edit {
		if r.IntN(2) == 0 {
			return []stack.Edit{{File: "orders/catalogue.py", Old: "routes = APIRouter()\n", New: "routes = APIRouter()\nsteps = [100 // n for n in range(4)]\n"}}
		}
		return []stack.Edit{{File: "orders/main.py", Old: "    journal.info(\"application started\")\n", New: "    journal.info(\"application started\", prices=app.state.prices)\n"}}
	})
}

// missingModule is a release that needs what is not installed.
func missingModule() Fault {
	return byRelease(Fault{
		Name: "missing-module", Group: "Startup", Cause: "C-import-path",
		About:      "a release imports a module that is not where it looks for it",
		Truth:      one("startup/start#a-module-cannot-be-found"),
		LookAlikes: []string{"C-startup-code-error", "C-bad-entrypoint"},
	}, "Move the catalogue", func(r *rand.Rand) []stack.Edit {
		module := pick(r, "orders_catalogue", "babel_prices", "shop.catalogue")
		return []stack.Edit{{File: "orders/main.py", Old: "import time\n", New: "import time\n\nimport " + module + "\n"}}
	})
}

// databaseLate is a service that starts before its database.
func databaseLate() Fault {
	return Fault{
		Name: "database-late", Group: "Startup", Cause: "C-dependency-not-ready",
		About:      "both instances start while the way to the database is not there yet, and give up; it comes a little later",
		Truth:      one("startup/start#something-that-it-needs-is-not-there-yet"),
		LookAlikes: []string{"C-dependency-down", "C-bad-config", "C-startup-code-error"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			s.Database.Cut(true)
			if err := s.Restart(s.WebA, s.WebB); err != nil {
				return nil, err
			}
			if err := meanwhile(ctx, time.Duration(between(r, 8, 12))*time.Second); err != nil {
				return nil, err
			}
			s.Database.Cut(false)
			return func(context.Context) error { return s.Restart(s.WebA, s.WebB) }, nil
		},
	}
}
