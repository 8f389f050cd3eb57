package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// redisDown ends Redis, in one of the ways in which it ends.
func redisDown() Fault {
	return Fault{
		Name: "redis-down", Group: "Redis", Cause: "C-redis-down",
		About:      "Redis is stopped or killed, and nobody starts it again",
		Truth:      one("redis/reach#redis-is-not-running"),
		LookAlikes: []string{"C-redis-misaddressed", "C-redis-unreachable"},
		Inject: func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			if pick(r, true, false) {
				s.Redis.Kill()
			} else {
				s.Redis.End(5 * time.Second)
			}
			return func(context.Context) error { return redisAgain(s) }, nil
		},
	}
}

// redisAgain starts Redis, and those workers that ended when it did.
func redisAgain(s *stack.Stack) error {
	if err := s.Redis.Start(); err != nil {
		return err
	}
	for _, p := range []*stack.Process{s.Receipts, s.Tasks, s.Beat} {
		if p.Running() {
			continue
		}
		if err := p.Start(); err != nil {
			return err
		}
	}
	return nil
}

// redisFrozen stops the process, as a paused container or a machine without a
// processor to spare does: the kernel still accepts for it.
func redisFrozen() Fault {
	return Fault{
		Name: "redis-frozen", Group: "Redis", Cause: "C-redis-resource-starved",
		About:      "the process of Redis gets no processor",
		Truth:      one("redis/reach#the-process-is-stopped-or-gets-no-processor"),
		LookAlikes: []string{"C-redis-unreachable", "C-redis-slow-commands"},
		Inject: func(_ context.Context, s *stack.Stack, _ *rand.Rand) (Heal, error) {
			return func(context.Context) error { return s.Redis.Signal(syscall.SIGCONT) }, s.Redis.Signal(syscall.SIGSTOP)
		},
	}
}

// redisStarved gives Redis less memory than its data take, so that it ends.
func redisStarved() Fault {
	return Fault{
		Name: "redis-starved", Group: "Redis", Cause: "C-redis-resource-starved",
		About:      "Redis gets too little memory for what it holds, and ends",
		Truth:      one("redis/reach#redis-was-killed-for-want-of-memory"),
		LookAlikes: []string{"C-redis-down", "C-redis-memory-pressure"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			have, err := addressSpace(s.Redis.Pid())
			if err != nil {
				return nil, err
			}
			limit := fmt.Sprint(have + int64(between(r, 8, 24))<<20)
			if _, err := s.Tool(ctx, nil, "prlimit", "--pid", fmt.Sprint(s.Redis.Pid()), "--as="+limit+":"+limit); err != nil {
				return nil, err
			}
			// What is to be held comes in as fast as a nightly import brings it.
			_, _ = redisCLI(ctx, s, "EVAL", "for i=1,60000 do redis.call('SET', 'import:'..i, string.rep('x', 800)) end", "0")
			return func(context.Context) error { return s.Redis.Restart() }, nil
		},
	}
}

// addressSpace is how many bytes of addresses a process has.
func addressSpace(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, fmt.Errorf("read the size of a process: %w", err)
	}
	var pages int64
	if _, err := fmt.Sscan(string(text), &pages); err != nil {
		return 0, fmt.Errorf("read the size of a process: %w", err)
	}
	return pages * int64(os.Getpagesize()), nil
}

// redisBadConfig restarts Redis with a configuration that it does not take.
func redisBadConfig() Fault {
	return Fault{
		Name: "redis-bad-config", Group: "Redis", Cause: "C-redis-bad-config",
		About:      "a line of redis.conf is wrong, and Redis is restarted with it",
		Truth:      one("redis/reach#its-configuration-cannot-be-read"),
		LookAlikes: []string{"C-redis-down", "C-redis-corrupt-data"},
		Inject: func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			line := pick(r, "maxmemory-polici allkeys-lru\n", "maxmemory lots\n", "appendfsync sometimes\n")
			before, err := os.ReadFile(s.Path("etc", "redis.conf"))
			if err != nil {
				return nil, fmt.Errorf("read redis.conf: %w", err)
			}
			if err := os.WriteFile(s.Path("etc", "redis.conf"), append(before, line...), 0o644); err != nil {
				return nil, fmt.Errorf("write redis.conf: %w", err)
			}
			s.Redis.End(5 * time.Second)
			return func(context.Context) error {
				if err := os.WriteFile(s.Path("etc", "redis.conf"), before, 0o644); err != nil {
					return fmt.Errorf("write redis.conf: %w", err)
				}
				return s.Redis.Start()
			}, s.Redis.Start()
		},
	}
}

// redisCorrupt damages what Redis reads when it starts.
func redisCorrupt() Fault {
	return Fault{
		Name: "redis-corrupt-data", Group: "Redis", Cause: "C-redis-corrupt-data",
		About:      "the files of Redis are damaged, and it is restarted",
		Truth:      one("redis/reach#its-data-cannot-be-read"),
		LookAlikes: []string{"C-redis-down", "C-redis-bad-config"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			if _, err := redisCLI(ctx, s, "BGREWRITEAOF"); err != nil {
				return nil, err
			}
			time.Sleep(2 * time.Second)
			s.Redis.End(5 * time.Second)
			files, err := redisFiles(s)
			if err != nil {
				return nil, err
			}
			for _, file := range files {
				if err := damage(file, r); err != nil {
					return nil, err
				}
			}
			return func(context.Context) error {
				for _, file := range files {
					if err := os.Remove(file); err != nil {
						return fmt.Errorf("start without data: %w", err)
					}
				}
				for _, left := range []string{s.Path("redis", "appendonlydir")} {
					if err := os.RemoveAll(left); err != nil {
						return fmt.Errorf("start without data: %w", err)
					}
				}
				return s.Redis.Start()
			}, s.Redis.Start()
		},
	}
}

// redisFiles are what Redis reads at its start, the base of its data first.
func redisFiles(s *stack.Stack) ([]string, error) {
	entries, err := os.ReadDir(s.Path("redis", "appendonlydir"))
	if err != nil {
		return nil, fmt.Errorf("find the data of Redis: %w", err)
	}
	var files []string
	for _, e := range entries {
		if strings.Contains(e.Name(), ".base.") || strings.Contains(e.Name(), ".incr.") {
			files = append(files, s.Path("redis", "appendonlydir", e.Name()))
		}
	}
	return files, nil
}

// damage overwrites a piece of a file, as a broken disk does.
func damage(file string, r *rand.Rand) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("damage the data of Redis: %w", err)
	}
	for i := between(r, 0, 20); i < len(text) && i < 400; i++ {
		text[i] ^= 0x5a
	}
	if err := os.WriteFile(file, text, 0o644); err != nil {
		return fmt.Errorf("damage the data of Redis: %w", err)
	}
	return nil
}

// redisCLI asks Redis as an operator does.
func redisCLI(ctx context.Context, s *stack.Stack, args ...string) (string, error) {
	return s.Tool(ctx, []string{"REDISCLI_AUTH=" + stack.RedisPassword}, append([]string{"redis-cli", "-p", fmt.Sprint(s.Port.Redis)}, args...)...)
}
