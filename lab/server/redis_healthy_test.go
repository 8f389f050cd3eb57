package server_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/realserver"
)

// redisHealthy are states that look alarming and are not: none may have a
// likely cause.
func redisHealthy() []Fault {
	return []Fault{
		{Name: "a warm cache", Variants: []Variant{{"read through", func(t testing.TB, env *Env) {
			s := startRedis(t, env, "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru")
			warm(t, s, "page:", 5000, 200, time.Hour)
			readThrough(t, s, "page:", 5000, 200, time.Hour)
		}}}},
		{Name: "a full cache that evicts what nobody asks for", Variants: []Variant{{"allkeys-lru", func(t testing.TB, env *Env) {
			s := startRedis(t, env, "--maxmemory", "10mb", "--maxmemory-policy", "allkeys-lru", "--maxmemory-samples", "10")
			readThrough(t, s, "hot:", 500, 500, time.Hour)
			c := redisClient(t, s)
			fillKeys(t, s, "once:", 20000, 500, time.Hour)
			value := make([]byte, 500)
			work(t, 1, 10*time.Millisecond, func(ctx context.Context, _, i int) { c.Set(ctx, "once:x"+strconv.Itoa(i), value, time.Hour) })
		}}}},
		{Name: "workers wait for jobs", Variants: []Variant{{"a queue with noeviction and an append-only file", func(t testing.TB, env *Env) {
			s := startRedis(t, env, "--maxmemory", "200mb", "--maxmemory-policy", "noeviction", "--appendonly", "yes")
			c := redisClient(t, s)
			work(t, 8, 0, func(ctx context.Context, _, _ int) { c.BLPop(ctx, time.Second, "rq:queue:default") })
			work(t, 1, 3*time.Millisecond, func(ctx context.Context, _, i int) {
				c.Set(ctx, "rq:job:"+strconv.Itoa(i), "{}", 0)
				c.RPush(ctx, "rq:queue:default", i)
			})
		}}}},
		{Name: "a master with a replica and snapshots", Variants: []Variant{{"under writes", func(t testing.TB, env *Env) {
			s := startRedis(t, env, "--save", "3600 1000000")
			replica := realserver.Redis(t, "--replicaof", s.Host+" "+strconv.Itoa(s.Port))
			until(t, replica, "a link", func() bool { return infoHas(redisClient(t, replica), "replication", "master_link_status:up") })
			traffic(t, s)
			c := redisClient(t, s)
			work(t, 1, 200*time.Millisecond, func(ctx context.Context, _, _ int) { c.Do(ctx, "BGSAVE") })
		}}}},
		{Name: "a replica that serves reads", Variants: []Variant{{"following", func(t testing.TB, env *Env) {
			master := realserver.Redis(t)
			warm(t, master, "product:", 500, 20, time.Hour)
			s := startRedis(t, env, "--replicaof", master.Host+" "+strconv.Itoa(master.Port))
			until(t, s, "a link", func() bool { return infoHas(redisClient(t, s), "replication", "master_link_status:up") })
			c := redisClient(t, s)
			work(t, 2, time.Millisecond, func(ctx context.Context, _, i int) { c.Get(ctx, "product:"+strconv.Itoa(i%500)) })
		}}}},
		{Name: "a flood of cheap commands", Alone: true, Variants: []Variant{{"pipelines", func(t testing.TB, env *Env) {
			s := startRedis(t, env)
			warm(t, s, "k:", 1000, 20, time.Hour)
			c := redisClient(t, s)
			work(t, 2, 0, func(ctx context.Context, _, _ int) {
				pipe := c.Pipeline()
				for i := range 100 {
					pipe.Get(ctx, "k:"+strconv.Itoa(i))
				}
				_, _ = pipe.Exec(ctx)
			})
		}}}},
		{Name: "many clients and subscribers", Variants: []Variant{{"sixty of a thousand", func(t testing.TB, env *Env) {
			s := startRedis(t, env, "--maxclients", "1000", "--requirepass", "geheim-8")
			env.Targets = nil
			env.Add("cache", "redis", connector.Settings{"url": "redis://:geheim-8@" + s.Addr()})
			let := func(o *goredis.Options) { o.Password = "geheim-8" }
			for i := range 10 {
				must(t, redisClient(t, s, let), "SET", "user:"+strconv.Itoa(i), "a name")
			}
			for range 60 {
				c := redisClient(t, s, let)
				conn := c.Conn()
				t.Cleanup(func() { _ = conn.Close() })
				sub := c.Subscribe(context.Background(), "news")
				t.Cleanup(func() { _ = sub.Close() })
				work(t, 1, 20*time.Millisecond, func(ctx context.Context, _, i int) { conn.Get(ctx, "user:"+strconv.Itoa(i%10)) })
			}
		}}}},
		{Name: "an empty server just started", Variants: []Variant{{"no traffic", func(t testing.TB, env *Env) { startRedis(t, env) }}}},
	}
}
