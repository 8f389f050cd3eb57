package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

const cookieLine = `response.set_cookie("session", session, max_age=settings.SESSION_TTL, httponly=True, samesite="lax")`

// cookieBroken is a release whose cookie no browser sends back.
func cookieBroken() Fault {
	return Fault{
		Name: "cookie-broken", Group: "Session/auth", Cause: "C-cookie-broken",
		About:      "a release sets the session's cookie so that browsers do not keep it or send it back",
		Truth:      one("auth/session#the-browser-does-not-keep-or-send-the-cookie"),
		LookAlikes: []string{"C-session-ttl-short", "C-process-local-state"},
		Settle:     30 * time.Second,
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			s.Customers.Also(stack.Newcomer(10, 5*time.Second))
			return shipped(ctx, s, "Tidy the cookie", stack.Edit{File: "orders/people.py", Old: cookieLine, New: pick(r,
				`response.set_cookie("session", session, max_age=settings.SESSION_TTL, httponly=True, samesite="lax", path="/login")`,
				`response.set_cookie("session", session, max_age=settings.SESSION_TTL, httponly=True, samesite="lax", domain="shop.example.org")`,
				`response.set_cookie("session", session, expires=-settings.SESSION_TTL, httponly=True, samesite="lax")`,
				`pass`)})
		},
	}
}

// sessionsShort makes sessions end soon.
func sessionsShort() Fault {
	return Fault{
		Name: "sessions-short", Group: "Session/auth", Cause: "C-session-ttl-short",
		About:      "a setting makes sessions end after some seconds",
		Truth:      one("auth/session#sessions-end-too-soon"),
		LookAlikes: []string{"C-cookie-broken", "C-redis-eviction", "C-process-local-state"},
		Settle:     40 * time.Second,
		Inject: func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			s.Customers.Also(stack.Newcomer(10, 5*time.Second))
			if err := s.Configure(map[string]string{"SESSION_TTL": fmt.Sprint(between(r, 2, 5))}, s.WebA, s.WebB); err != nil {
				return nil, err
			}
			return func(context.Context) error { return s.Configure(map[string]string{"SESSION_TTL": ""}, s.WebA, s.WebB) }, nil
		},
	}
}

// sessionsInProcess keeps sessions in the memory of each worker.
func sessionsInProcess() Fault {
	return Fault{
		Name: "sessions-in-process", Group: "Session/auth", Cause: "C-process-local-state",
		About:      "a release keeps sessions in the memory of each worker, of which there are several, and the gateway sends people anywhere",
		Truth:      one("auth/session#each-process-knows-only-its-own-sessions", "app/state#each-process-keeps-a-state-of-its-own"),
		LookAlikes: []string{"C-cookie-broken", "C-session-ttl-short", "C-signing-key-changed"},
		Settle:     30 * time.Second,
		Inject: func(ctx context.Context, s *stack.Stack, _ *rand.Rand) (Heal, error) {
			s.Customers.Also(stack.Newcomer(10, 5*time.Second))
			return shipped(ctx, s, "Fewer trips to Redis", sessionsInMemory()...)
		},
	}
}

// sessionsInMemory keeps sessions in the process instead of Redis.
func sessionsInMemory() []stack.Edit {
	return []stack.Edit{
		{File: "orders/people.py", Old: "routes = APIRouter()\n", New: "routes = APIRouter()\nsessions = {}\n"},
		{File: "orders/people.py", Old: `await memory.store.set(f"session:{session}", json.dumps({"user": user}), ex=settings.SESSION_TTL)`, New: `sessions[session] = json.dumps({"user": user})`},
		{File: "orders/people.py", Old: `await memory.store.get(f"session:{session}") if session else None`, New: `sessions.get(session)`},
	}
}

// sessionsLost empties the store of the sessions.
func sessionsLost() Fault {
	return Fault{
		Name: "sessions-lost", Group: "Session/auth", Cause: "C-cache-mass-invalidation",
		About:      "somebody flushes the Redis that holds cache and sessions",
		Truth:      one("auth/session#the-store-of-the-sessions-lost-them", "redis/cache#the-cache-was-emptied-at-once"),
		LookAlikes: []string{"C-session-ttl-short", "C-cold-cache"},
		Settle:     8 * time.Second,
		Inject: func(ctx context.Context, s *stack.Stack, _ *rand.Rand) (Heal, error) {
			return nil, askStore(ctx, s, "FLUSHDB")
		},
	}
}

// shipped deploys a release to both instances; it is healed by going back.
func shipped(ctx context.Context, s *stack.Stack, message string, edits ...stack.Edit) (Heal, error) {
	if err := s.Release(ctx, message, edits, s.WebA, s.WebB); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error { return s.Back(ctx, s.WebA, s.WebB) }, nil
}

// askStore sends a command to the Redis of cache and sessions, past the service.
func askStore(ctx context.Context, s *stack.Stack, args ...string) error {
	values, err := s.Settings()
	if err != nil {
		return err
	}
	to, err := url.Parse(values["REDIS_URL"])
	if err != nil {
		return fmt.Errorf("read the address of Redis: %w", err)
	}
	password, _ := to.User.Password()
	argv := append([]string{"redis-cli", "-p", fmt.Sprint(s.Port.Redis)}, args...)
	_, err = s.Tool(ctx, []string{"REDISCLI_AUTH=" + password}, argv...)
	return err
}
