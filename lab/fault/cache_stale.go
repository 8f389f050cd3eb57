package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

const (
	forgetLine  = "    await memory.forget(f\"cache:item:{number}\")\n"
	toldLine    = "    journal.info(\"cache invalidated\", details={\"key\": f\"cache:item:{number}\"})\n"
	lookUpLine  = "    found = await memory.cached(f\"cache:item:{number}\", make)\n"
	storeLine   = "ex=ttl or settings.CACHE_TTL)"
	topSettings = ", make, ttl=15)"
)

// staleLeft is a release that changes prices and leaves the old ones in the cache.
func staleLeft() Fault {
	return Fault{
		Name: "stale-left", Group: "Cache", Cause: "C-stale-no-invalidation",
		About:      "a release changes a price without taking the old one out of the cache, or takes out another name",
		Truth:      one("cache/stale#a-change-leaves-the-old-entry-in-the-cache"),
		LookAlikes: []string{"C-cache-race", "C-wrong-ttl"},
		Settle:     25 * time.Second,
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			priceChanges(s, 14)
			edits := [][]stack.Edit{
				{{File: "orders/catalogue.py", Old: forgetLine + toldLine, New: ""}},
				{{File: "orders/catalogue.py", Old: forgetLine, New: "    await memory.forget(f\"cache:items:{number}\")\n"}},
				{{File: "orders/catalogue.py", Old: forgetLine, New: ""}},
			}[r.IntN(3)]
			return shipped(ctx, s, "Tidy the catalogue", edits...)
		},
	}
}

// staleLate is a reader so slow that it stores what it read before a change.
func staleLate() Fault {
	return Fault{
		Name: "stale-race", Group: "Cache", Cause: "C-cache-race",
		About:      "a release makes filling the cache so slow that prices change meanwhile, and the old one is stored after the change",
		Truth:      one("cache/stale#an-old-value-is-stored-after-the-change"),
		LookAlikes: []string{"C-stale-no-invalidation", "C-wrong-ttl"},
		Settle:     30 * time.Second,
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			priceChanges(s, 8) // each changes about as often as an entry takes to be made twice
			pause := float64(between(r, 20, 25)) / 10
			return shipped(ctx, s, "Enrich items",
				stack.Edit{File: "orders/catalogue.py", Old: "from fastapi import APIRouter", New: "import asyncio\n\nfrom fastapi import APIRouter"},
				stack.Edit{File: "orders/catalogue.py", Old: "        return dict(row._mapping) if row else None\n", New: fmt.Sprintf("        await asyncio.sleep(%.1f)\n        return dict(row._mapping) if row else None\n", pause)})
		},
	}
}

// priceChanges lets the most looked-at items change often, as in a sale.
func priceChanges(s *stack.Stack, items int) {
	s.Customers.Also(stack.Visit{Name: "set a price in a sale", Weight: 20, Do: func(ctx context.Context, c *stack.Customer) error {
		return c.Put(ctx, fmt.Sprintf("/items/%d", 1+c.Rand.IntN(items)), map[string]any{"price": 100 + c.Rand.IntN(900)})
	}}, stack.Visit{Name: "look at the sale", Weight: 30, Do: func(ctx context.Context, c *stack.Customer) error {
		return c.Get(ctx, fmt.Sprintf("/items/%d", 1+c.Rand.IntN(items)))
	}})
}

// wrongLife gives entries of the cache a life that is far too long, or far too
// short.
func wrongLife() Fault {
	return Fault{
		Name: "wrong-ttl", Group: "Cache", Cause: "C-wrong-ttl",
		About:      "a release keeps entries of the cache for ever, or for a second only",
		Truth:      one("cache/stale#entries-live-far-longer-than-they-may", "redis/cache#keys-are-kept-for-ever", "redis/cache#keys-expire-too-soon"),
		LookAlikes: []string{"C-stale-no-invalidation", "C-cold-cache", "C-redis-eviction"},
		Settle:     30 * time.Second,
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			if err := hot(ctx, s); err != nil {
				return nil, err
			}
			if r.IntN(2) == 0 {
				return shipped(ctx, s, "Lives of entries", stack.Edit{File: "orders/memory.py", Old: ", " + storeLine, New: ")"})
			}
			return shipped(ctx, s, "Lives of entries", stack.Edit{File: "orders/memory.py", Old: storeLine, New: fmt.Sprintf("px=%d)", between(r, 300, 1500))})
		},
	}
}

// stampede lets many compute the best sellers at once whenever the entry ends.
func stampede() Fault {
	return Fault{
		Name: "stampede", Group: "Cache", Cause: "C-cache-stampede", Alone: true,
		About:      "what everybody wants is dear to work out and lives for a moment; everybody works it out when it ends",
		Truth:      one("app/slow#everyone-computes-the-same-expired-entry", "cache/work#one-entry-is-computed-by-many-at-once"),
		LookAlikes: []string{"C-missing-index", "C-cold-cache", "C-cache-absent"},
		Warm:       2 * time.Second, Settle: 25 * time.Second,
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			s.Customers.Also(stack.Visit{Name: "see what sells best", Weight: 200, Do: func(ctx context.Context, c *stack.Customer) error { return c.Get(ctx, "/top") }})
			s.Customers.Rate(36)
			if err := meanwhile(ctx, 30*time.Second); err != nil {
				return nil, err
			}
			return shipped(ctx, s, "Best sellers of all time",
				stack.Edit{File: "orders/catalogue.py", Old: "(SELECT max(id) - 20000 FROM order_lines)", New: "(SELECT count(*) - 1 FROM pg_sleep(0.6))"},
				stack.Edit{File: "orders/catalogue.py", Old: topSettings, New: fmt.Sprintf(", make, ttl=%d)", between(r, 3, 5))})
		},
	}
}

// flushed empties the cache but not the sessions.
func flushed() Fault {
	return Fault{
		Name: "cache-flushed", Group: "Cache", Cause: "C-cache-mass-invalidation",
		About:      "a script deletes all entries of the cache again and again",
		Truth:      one("redis/cache#the-cache-was-emptied-at-once", "app/slow#the-cache-lost-its-entries"),
		LookAlikes: []string{"C-redis-eviction", "C-cold-cache", "C-wrong-ttl"},
		Settle:     15 * time.Second,
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			if err := hot(ctx, s); err != nil {
				return nil, err
			}
			ctx, cancel := context.WithCancel(ctx)
			every := time.Duration(between(r, 400, 900)) * time.Millisecond
			first := askStore(ctx, s, deleteAll...)
			go func() {
				for ctx.Err() == nil {
					time.Sleep(every)
					_ = askStore(ctx, s, deleteAll...)
				}
			}()
			return func(context.Context) error { cancel(); return nil }, first
		},
	}
}

// coldCache restarts Redis, which comes back with nothing in it, while people
// look through more things than are fetched in a moment.
func coldCache() Fault {
	return Fault{
		Name: "cache-cold", Group: "Cache", Cause: "C-cold-cache",
		About: "Redis is restarted without its data, while people look through many things",
		// The sessions were in it as well.
		Truth:      one("redis/cache#the-cache-was-restarted-and-is-still-cold", "auth/session#the-store-of-the-sessions-lost-them"),
		LookAlikes: []string{"C-cache-mass-invalidation", "C-redis-eviction", "C-cache-absent"},
		Warm:       2 * time.Second,
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			many := between(r, 450, 600)
			s.Customers.Rate(25)
			s.Customers.Also(stack.Visit{Name: "look through the catalogue", Weight: 200, Do: func(ctx context.Context, c *stack.Customer) error {
				return c.Get(ctx, fmt.Sprintf("/items/%d", 1+c.Rand.IntN(many)))
			}})
			if err := meanwhile(ctx, 45*time.Second); err != nil {
				return nil, err
			}
			s.Redis.Kill()
			// What it wrote down would bring everything back.
			if err := os.RemoveAll(s.Path("redis", "appendonlydir")); err != nil {
				return nil, err
			}
			return nil, redisAgain(s)
		},
		Settle: 6 * time.Second,
	}
}

// deleteAll deletes the entries of the cache and nothing else.
var deleteAll = []string{"EVAL", "local n = 0 for _, k in ipairs(redis.call('KEYS', 'cache:*')) do n = n + redis.call('UNLINK', k) end return n", "0"}

// notAsked is a release that does not ask the cache any more.
func notAsked() Fault {
	return Fault{
		Name: "cache-not-asked", Group: "Cache", Cause: "C-cache-absent",
		About:      "a release works out the best sellers, or reads items, for each request and asks the cache no more",
		Truth:      one("cache/work#the-answer-is-not-kept-in-a-cache"),
		LookAlikes: []string{"C-cache-stampede", "C-missing-index", "C-cold-cache"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			item := stack.Edit{File: "orders/catalogue.py", Old: strings.TrimSuffix(lookUpLine, "\n"), New: "    found = await make()"}
			top := stack.Edit{File: "orders/catalogue.py", Old: "    return await memory.cached(\"cache:top\", make, ttl=15)", New: "    return await make()"}
			if r.IntN(2) == 0 {
				return shipped(ctx, s, "Simpler reading", item)
			}
			return shipped(ctx, s, "Simpler reading", item, top)
		},
	}
}

// hot lets most people look at few items, so that the cache does its work, and
// waits until it does.
func hot(ctx context.Context, s *stack.Stack) error {
	s.Customers.Also(stack.Visit{Name: "look at what is advertised", Weight: 150, Do: func(ctx context.Context, c *stack.Customer) error {
		return c.Get(ctx, fmt.Sprintf("/items/%d", 1+c.Rand.IntN(20)))
	}})
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(25 * time.Second):
		return nil
	}
}
