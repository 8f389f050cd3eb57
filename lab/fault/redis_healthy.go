package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// redisSaves writes its files anew, as it does by itself every now and then.
func redisSaves() Fault {
	return Fault{
		Name: "redis-saves", Group: "healthy", Kind: Healthy,
		About: "Redis writes a snapshot and its log anew while everybody is served",
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			if _, err := redisCLI(ctx, s, "EVAL", fmt.Sprintf("for i=1,%d do redis.call('SET', 'report:'..i, string.rep('x', 400), 'EX', 900) end", between(r, 5, 20)*1000), "0"); err != nil {
				return nil, err
			}
			for _, command := range []string{"BGREWRITEAOF", "BGSAVE"} {
				if _, err := redisCLI(ctx, s, command); err != nil {
					return nil, err
				}
				time.Sleep(time.Second)
			}
			return nil, nil
		},
	}
}

// redisEvictsOld is a cache that is full, as caches are, and evicts what nobody
// asks for any more.
func redisEvictsOld() Fault {
	return Fault{
		Name: "redis-evicts-what-is-old", Group: "healthy", Kind: Healthy,
		About: "the cache is full and evicts old entries that nobody needs; most look-ups hit",
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			if _, err := redisCLI(ctx, s, "CONFIG", "SET", "maxmemory-policy", "allkeys-lru"); err != nil {
				return nil, err
			}
			if _, err := redisCLI(ctx, s, "CONFIG", "SET", "maxmemory-samples", "10"); err != nil {
				return nil, err
			}
			used, err := redisUsed(ctx, s)
			if err != nil {
				return nil, err
			}
			if _, err := redisCLI(ctx, s, "CONFIG", "SET", "maxmemory", fmt.Sprint(used+int64(between(r, 10, 16))<<20)); err != nil {
				return nil, err
			}
			// Reports that are written once and never read: it is full of them, and
			// more come, so few that what is evicted is minutes old.
			report := "for i=1,%d do redis.call('SET', 'report:%d:'..i, string.rep('x', 1000), 'EX', 3600) end"
			if _, err := redisCLI(ctx, s, "EVAL", fmt.Sprintf(report, 16000, 0), "0"); err != nil {
				return nil, err
			}
			go func() {
				for i := 1; ctx.Err() == nil; i++ {
					_, _ = redisCLI(ctx, s, "EVAL", fmt.Sprintf(report, 16, i), "0")
					time.Sleep(400 * time.Millisecond)
				}
			}()
			return nil, nil
		},
	}
}

// redisManyClients is a night with many programs connected that wait for work.
func redisManyClients() Fault {
	return Fault{
		Name: "redis-many-clients", Group: "healthy", Kind: Healthy,
		About: "two hundred programs are connected to Redis, each waiting for work; there is room for thousands",
		Inject: func(ctx context.Context, s *stack.Stack, _ *rand.Rand) (Heal, error) {
			for range 4 {
				go func() {
					_, _ = s.Tool(ctx, []string{"REDISCLI_AUTH=" + stack.RedisPassword}, "redis-benchmark", "-p", fmt.Sprint(s.Port.Redis), "-a", stack.RedisPassword,
						"-c", "50", "-n", "50", "-q", "BLPOP", "work", "60")
				}()
			}
			return nil, nil
		},
	}
}

// redisBack was down for a while, and runs again.
func redisBack() Fault {
	f := redisDown()
	f.Name, f.Kind, f.Group, f.Cause, f.Truth, f.LookAlikes = "redis-is-back", Recovered, "recovered", "", nil, nil
	f.About = "Redis was down for half a minute, and runs again; the log is full of it"
	return f
}

// redisPasswordRight had the wrong password, and has the right one again.
func redisPasswordRight() Fault {
	f := redisAuth()
	f.Name, f.Kind, f.Group, f.Cause, f.Truth, f.LookAlikes = "redis-password-is-right", Recovered, "recovered", "", nil, nil
	f.About = "the password of Redis was wrong on one side, and is right again"
	return f
}
