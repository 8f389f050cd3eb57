package fault

import (
	"context"
	"math/rand/v2"

	"github.com/quellhq/quell/lab/stack"
)

// healthPath breaks the path that balancers ask for, and nothing else.
func healthPath() Fault {
	const route = "@app.get(\"/health/ready\")\nasync def ready():\n"
	return Fault{
		Name: "health-path", Group: "LB/network", Cause: "C-unhealthy-targets",
		About:      "a release moves the health path, lets it ask for a login, or lets it ask something that nobody needs",
		Truth:      one("gateway/backends#the-health-path-fails-while-the-server-serves", "edge/unreachable#the-health-check-fails-while-the-service-works"),
		LookAlikes: []string{"C-app-crash-overload", "C-dependency-down"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			edit := pick(r,
				stack.Edit{File: "orders/main.py", Old: `@app.get("/health/ready")`, New: `@app.get("/ready")`},
				stack.Edit{File: "orders/main.py", Old: route, New: "@app.get(\"/health/ready\")\nasync def ready(request: Request):\n    if \"authorization\" not in request.headers:\n        return JSONResponse({\"detail\": \"log in first\"}, 401)\n"},
				stack.Edit{File: "orders/main.py", Old: route, New: route + "    with open(\"/mnt/archive/ready\", encoding=\"utf-8\") as mark:\n        mark.read()\n"},
			)
			if err := s.Release(ctx, "Tidy up the health checks", []stack.Edit{edit}, s.WebA, s.WebB); err != nil {
				return nil, err
			}
			return func(ctx context.Context) error { return s.Back(ctx, s.WebA, s.WebB) }, nil
		},
	}
}
