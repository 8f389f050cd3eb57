package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// redisMisaddressed gives the service an address where no Redis is.
func redisMisaddressed() Fault {
	return Fault{
		Name: "redis-misaddressed", Group: "Redis", Cause: "C-redis-misaddressed",
		About:      "the service's setting names a port, or a host, where no Redis is",
		Truth:      one("redis/reach#the-address-is-wrong"),
		LookAlikes: []string{"C-redis-down", "C-redis-unreachable"},
		Inject: func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			values, err := s.Settings()
			if err != nil {
				return nil, err
			}
			right := values["REDIS_URL"]
			free, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return nil, fmt.Errorf("find a port where nobody is: %w", err)
			}
			nobody := free.Addr().String()
			free.Close()
			wrong := strings.Replace(right, s.Cache.Address(), pick(r, nobody, "cache.invalid:6379"), 1)
			if err := s.Configure(map[string]string{"REDIS_URL": wrong}, s.WebA, s.WebB); err != nil {
				return nil, err
			}
			return func(context.Context) error { return s.Configure(map[string]string{"REDIS_URL": right}, s.WebA, s.WebB) }, nil
		},
	}
}

// redisAuth lets service and server disagree about the password.
func redisAuth() Fault {
	return Fault{
		Name: "redis-auth-mismatch", Group: "Redis", Cause: "C-redis-auth-mismatch",
		About:      "the password is changed on one side alone: on the server, or in the service's setting",
		Truth:      one("redis/reach#the-password-is-missing-or-wrong"),
		LookAlikes: []string{"C-redis-down", "C-bad-config"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			if pick(r, true, false) {
				if _, err := redisCLI(ctx, s, "CONFIG", "SET", "requirepass", "another-secret"); err != nil {
					return nil, err
				}
				back := func(ctx context.Context) error {
					_, err := s.Tool(ctx, []string{"REDISCLI_AUTH=another-secret"}, "redis-cli", "-p", fmt.Sprint(s.Port.Redis), "CONFIG", "SET", "requirepass", stack.RedisPassword)
					return err
				}
				return back, s.Restart(s.WebA, s.WebB) // who is connected stays so
			}
			values, err := s.Settings()
			if err != nil {
				return nil, err
			}
			right := values["REDIS_URL"]
			wrong := strings.Replace(right, stack.RedisPassword, pick(r, "former-secret", ""), 1)
			if err := s.Configure(map[string]string{"REDIS_URL": strings.Replace(wrong, "://:@", "://", 1)}, s.WebA, s.WebB); err != nil {
				return nil, err
			}
			return func(context.Context) error { return s.Configure(map[string]string{"REDIS_URL": right}, s.WebA, s.WebB) }, nil
		},
	}
}

// redisUnreachable drops what the service sends to Redis.
func redisUnreachable() Fault {
	return Fault{
		Name: "redis-unreachable", Group: "Redis", Cause: "C-redis-unreachable",
		About:      "packets between the service and Redis are dropped",
		Truth:      one("redis/reach#the-way-to-redis-is-blocked"),
		LookAlikes: []string{"C-redis-down", "C-redis-slow-commands", "C-redis-resource-starved"},
		Inject: func(_ context.Context, s *stack.Stack, _ *rand.Rand) (Heal, error) {
			s.Cache.Cut(true)
			return func(context.Context) error { s.Cache.Cut(false); return nil }, nil
		},
	}
}

// redisMaxclients lets another program take the places that Redis has.
func redisMaxclients() Fault {
	return Fault{
		Name: "redis-maxclients", Group: "Redis", Cause: "C-redis-maxclients",
		About:      "a program that leaks connections takes every place of the server",
		Truth:      one("redis/reach#the-server-has-no-place-for-another-client", "redis/reach#clients-take-connections-and-never-give-them-back"),
		LookAlikes: []string{"C-redis-client-pool", "C-redis-down"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			most := between(r, 60, 120)
			if _, err := redisCLI(ctx, s, "CONFIG", "SET", "maxclients", fmt.Sprint(most)); err != nil {
				return nil, err
			}
			var held []net.Conn
			for range most + 20 {
				c, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", s.Port.Redis), time.Second)
				if err != nil {
					break
				}
				fmt.Fprintf(c, "AUTH %s\r\nPING\r\n", stack.RedisPassword)
				held = append(held, c)
			}
			heal := func(ctx context.Context) error {
				for _, c := range held {
					c.Close()
				}
				return nil
			}
			return heal, s.Restart(s.WebA, s.WebB)
		},
	}
}

// redisClientPool gives the service a pool that is too small, or a path that
// takes from it for good.
func redisClientPool() Fault {
	return Fault{
		Name: "redis-client-pool", Group: "Redis", Cause: "C-redis-client-pool",
		About:      "the service's own pool of connections to Redis runs out: a path of a new release keeps them, or its limit was lowered",
		Truth:      one("redis/reach#the-clients-own-pool-is-used-up"),
		LookAlikes: []string{"C-redis-maxclients", "C-redis-down"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			if pick(r, true, false) {
				s.Cache.Delay(time.Duration(between(r, 15, 30)) * time.Millisecond)
				if err := s.Configure(map[string]string{"REDIS_MAX_CONNECTIONS": "1"}, s.WebA, s.WebB); err != nil {
					return nil, err
				}
				return func(context.Context) error {
					s.Cache.Delay(0)
					return s.Configure(map[string]string{"REDIS_MAX_CONNECTIONS": ""}, s.WebA, s.WebB)
				}, nil
			}
			edits := []stack.Edit{
				{File: "orders/catalogue.py", Old: "routes = APIRouter()\n", New: "routes = APIRouter()\nlisteners = []\n"},
				{File: "orders/catalogue.py", Old: "    found = await memory.cached(f\"cache:item:{number}\", make)\n", New: "" +
					"    listener = memory.store.pubsub()\n    await listener.subscribe(f\"prices:{number}\")\n    listeners.append(listener)\n" +
					"    found = await memory.cached(f\"cache:item:{number}\", make)\n"},
			}
			if err := s.Release(ctx, "Listen for new prices", edits, s.WebA, s.WebB); err != nil {
				return nil, err
			}
			return func(ctx context.Context) error { return s.Back(ctx, s.WebA, s.WebB) }, nil
		},
	}
}

// redisDiskFull lets the disk below Redis's files run full.
func redisDiskFull() Fault {
	return Fault{
		Name: "redis-disk-full", Group: "Redis", Cause: "C-redis-disk-full", Needs: []string{"root"},
		About:      "the disk that Redis saves to runs full",
		Truth:      one("redis/writes#saving-to-disk-fails-and-writes-are-stopped"),
		LookAlikes: []string{"C-redis-memory-pressure", "C-redis-down"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			disk := s.Path("disk")
			if _, err := s.Tool(ctx, nil, "mount", "-t", "tmpfs", "-o", "size=8m", "lab-disk", disk); err != nil {
				return nil, err
			}
			if err := redisDir(s, disk); err != nil {
				return nil, err
			}
			size := between(r, 7200, 7800) << 10
			filled := os.WriteFile(s.Path("disk", "core.812"), make([]byte, size), 0o644)
			if filled != nil {
				return nil, fmt.Errorf("fill the disk: %w", filled)
			}
			// Enough is written for the rest, as an ordinary evening does.
			go func() {
				for ctx.Err() == nil {
					_, _ = redisCLI(ctx, s, "EVAL", "for i=1,200 do redis.call('SET', 'report:'..i, string.rep('x', 2000)) end", "0")
					time.Sleep(500 * time.Millisecond)
				}
			}()
			return func(context.Context) error { return os.Remove(s.Path("disk", "core.812")) }, nil
		},
	}
}

// redisDir moves the data of Redis to a directory, with a restart.
func redisDir(s *stack.Stack, dir string) error {
	file := s.Path("etc", "redis.conf")
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read redis.conf: %w", err)
	}
	moved := strings.Replace(string(text), "\ndir "+s.Path("redis")+"\n", "\ndir "+dir+"\n", 1)
	if err := os.WriteFile(file, []byte(moved), 0o644); err != nil {
		return fmt.Errorf("write redis.conf: %w", err)
	}
	return s.Redis.Restart()
}
