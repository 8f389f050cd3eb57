package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// redisSlowCommands is a release that walks all keys with each request.
func redisSlowCommands() Fault {
	return Fault{
		Name: "redis-slow-commands", Group: "Redis", Cause: "C-redis-slow-commands",
		About:      "a release walks a large collection in Redis with many requests",
		Truth:      one("redis/slow#commands-walk-large-collections"),
		LookAlikes: []string{"C-redis-persistence-overhead", "C-redis-memory-pressure", "C-redis-resource-starved"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			many := between(r, 120, 220) * 1000
			if _, err := redisCLI(ctx, s, "EVAL", fmt.Sprintf("for i=1,%d do redis.call('SET', 'seen:'..i, '1') end", many), "0"); err != nil {
				return nil, err
			}
			if _, err := redisCLI(ctx, s, "EVAL", fmt.Sprintf("for i=1,%d do redis.call('ZADD', 'ranking', i, 'item:'..i) end", many/3), "0"); err != nil {
				return nil, err
			}
			ask := pick(r, `await memory.store.keys("seen:*")`, `await memory.store.zrange("ranking", 0, -1)`)
			edits := []stack.Edit{{File: "orders/catalogue.py", Old: "    found = await memory.cached(f\"cache:item:{number}\", make)\n",
				New: "    " + ask + "\n    found = await memory.cached(f\"cache:item:{number}\", make)\n"}}
			if err := s.Release(ctx, "Count what was seen", edits, s.WebA, s.WebB); err != nil {
				return nil, err
			}
			return func(ctx context.Context) error { return s.Back(ctx, s.WebA, s.WebB) }, nil
		},
	}
}

// redisMemory fills Redis where nothing may be evicted.
func redisMemory() Fault {
	return Fault{
		Name: "redis-memory-pressure", Group: "Redis", Cause: "C-redis-memory-pressure",
		About:      "Redis holds as much as it may, and takes no more writes",
		Truth:      one("redis/writes#memory-is-full-and-nothing-may-be-evicted", "redis/writes#only-keys-with-a-lifetime-may-be-evicted-and-there-are-none"),
		LookAlikes: []string{"C-redis-eviction", "C-redis-disk-full"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			_, _ = redisCLI(ctx, s, "EVAL", fmt.Sprintf("for i=1,200000 do redis.call('SET', 'report:'..i, string.rep('x', %d)) end", between(r, 500, 1500)), "0")
			return func(ctx context.Context) error {
				_, err := redisCLI(ctx, s, "CONFIG", "SET", "maxmemory", "256mb")
				return err
			}, nil
		},
	}
}

// redisEviction gives a cache less memory than what is asked of it.
func redisEviction() Fault {
	return Fault{
		Name: "redis-eviction", Group: "Redis", Cause: "C-redis-eviction",
		About:      "entries of the cache have become larger than its memory, and it evicts what is needed",
		Truth:      one("redis/cache#keys-are-evicted-because-the-cache-is-full", "redis/writes#only-keys-with-a-lifetime-may-be-evicted-and-there-are-none"), // the second when all of those are gone
		LookAlikes: []string{"C-cold-cache", "C-cache-mass-invalidation", "C-wrong-ttl"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			if _, err := redisCLI(ctx, s, "CONFIG", "SET", "maxmemory-policy", pick(r, "allkeys-lru", "allkeys-lfu", "volatile-lru")); err != nil {
				return nil, err
			}
			used, err := redisUsed(ctx, s)
			if err != nil {
				return nil, err
			}
			if _, err := redisCLI(ctx, s, "CONFIG", "SET", "maxmemory", fmt.Sprint(used+int64(between(r, 200, 500))<<10)); err != nil {
				return nil, err
			}
			// Entries have become larger, and the cache has not.
			edit := stack.Edit{File: "orders/catalogue.py", Old: "        return dict(row._mapping) if row else None\n",
				New: fmt.Sprintf("        return {**dict(row._mapping), \"story\": \"once upon a time \" * %d} if row else None\n", between(r, 300, 600))}
			if err := s.Release(ctx, "Tell a story of each item", []stack.Edit{edit}, s.WebA, s.WebB); err != nil {
				return nil, err
			}
			return func(ctx context.Context) error {
				_, err := redisCLI(ctx, s, "CONFIG", "SET", "maxmemory", "64mb")
				return err
			}, nil
		},
	}
}

// redisUsed is how much memory Redis says that it uses.
func redisUsed(ctx context.Context, s *stack.Stack) (int64, error) {
	text, err := redisCLI(ctx, s, "EVAL", "return tonumber(string.match(redis.call('INFO', 'memory'), 'used_memory:(%d+)'))", "0")
	if err != nil {
		return 0, err
	}
	var used int64
	if _, err := fmt.Sscan(text, &used); err != nil {
		return 0, fmt.Errorf("read the memory of Redis: %w", err)
	}
	return used, nil
}

// redisPersistence makes Redis wait for a slow disk with each write.
func redisPersistence() Fault {
	return Fault{
		Name: "redis-persistence-overhead", Group: "Redis", Cause: "C-redis-persistence-overhead", Needs: []string{"root", "strace"},
		About:      "every write waits for a disk that has become slow",
		Truth:      one("redis/slow#saving-to-disk-holds-it-up"),
		LookAlikes: []string{"C-redis-slow-commands", "C-redis-memory-pressure"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			if _, err := redisCLI(ctx, s, "CONFIG", "SET", "appendfsync", "always"); err != nil {
				return nil, err
			}
			// A disk that takes so long for each flush: its calls return late.
			slow := fmt.Sprintf("inject=fdatasync,fsync:delay_exit=%dms", between(r, 60, 140))
			done := make(chan struct{})
			ctx, cancel := context.WithCancel(ctx)
			go func() {
				defer close(done)
				_, _ = s.Tool(ctx, nil, "strace", "-f", "-q", "-o", "/dev/null", "-e", "trace=fdatasync,fsync", "-e", slow, "-p", fmt.Sprint(s.Redis.Pid()))
			}()
			return func(heal context.Context) error {
				cancel()
				select {
				case <-done:
				case <-time.After(5 * time.Second):
				}
				_, err := redisCLI(heal, s, "CONFIG", "SET", "appendfsync", "everysec")
				return err
			}, nil
		},
	}
}
