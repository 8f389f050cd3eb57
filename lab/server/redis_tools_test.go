package server_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/realserver"
)

// redisHost gives each test an address of the loopback network of its own, so
// that "no Redis elsewhere on this host" can be true while other tests run.
func redisHost(t testing.TB) string {
	sum := 0
	for _, r := range t.Name() {
		sum = (sum*31 + int(r)) % 60000
	}
	return fmt.Sprintf("127.%d.%d.%d", 10+os.Getpid()%100, sum/250, 1+sum%250)
}

// startRedis starts a server for this test and puts it into env: as the cache
// that the service depends on, and its log as the log that can be read.
func startRedis(t testing.TB, env *Env, args ...string) *realserver.RedisServer {
	t.Helper()
	s := realserver.RedisWith(t, realserver.RedisOptions{Host: redisHost(t), Args: args})
	see(env, s)
	return s
}

func see(env *Env, s *realserver.RedisServer) {
	env.Add("cache", "redis", connector.Settings{"url": s.URL(), "connect_within": "1500ms"})
	env.Add("redis-log", "logs", connector.Settings{"paths": []any{s.Log}, "labels": map[string]any{"service": "redis"}})
}

// seeURL is see for an address that is not the server's own.
func seeURL(env *Env, url string) {
	env.Add("cache", "redis", connector.Settings{"url": url, "connect_within": "1500ms"})
}

func redisClient(t testing.TB, s *realserver.RedisServer, change ...func(*goredis.Options)) *goredis.Client {
	t.Helper()
	o := &goredis.Options{Addr: s.Addr(), DisableIdentity: true, MaxRetries: -1, Protocol: 2, ReadTimeout: 20 * time.Second}
	for _, f := range change {
		f(o)
	}
	c := goredis.NewClient(o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func must(t testing.TB, c *goredis.Client, args ...any) {
	t.Helper()
	require.NoError(t, c.Do(context.Background(), args...).Err())
}

// work runs f again and again in n goroutines until the test ends, with a
// pause between, so that the load is a load and not a flood.
func work(t testing.TB, n int, pause time.Duration, f func(ctx context.Context, worker, i int)) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for w := range n {
		all.Add(1)
		go func() {
			defer all.Done()
			for i := 0; ctx.Err() == nil; i++ {
				f(ctx, w, i)
				if pause > 0 {
					select {
					case <-ctx.Done():
					case <-time.After(pause):
					}
				}
			}
		}()
	}
	t.Cleanup(func() { cancel(); all.Wait() })
}

// readThrough is how most caches are used: look, and on a miss fill. Keys are
// drawn evenly from n; values have size bytes; ttl 0 is for ever.
func readThrough(t testing.TB, s *realserver.RedisServer, prefix string, n, size int, ttl time.Duration) {
	t.Helper()
	c := redisClient(t, s)
	value := strings.Repeat("v", size)
	work(t, 2, time.Millisecond, func(ctx context.Context, _, _ int) {
		readOnce(ctx, c, prefix, n, 8, value, ttl)
	})
}

// readOnce looks for some keys at once and fills those that were missing.
func readOnce(ctx context.Context, c *goredis.Client, prefix string, n, many int, value string, ttl time.Duration) {
	pipe := c.Pipeline()
	got := make([]*goredis.StringCmd, many)
	for i := range got {
		got[i] = pipe.Get(ctx, prefix+strconv.Itoa(rand.IntN(n)))
	}
	_, _ = pipe.Exec(ctx)
	fill := c.Pipeline()
	for _, g := range got {
		if errors.Is(g.Err(), goredis.Nil) {
			fill.Set(ctx, g.Args()[1].(string), value, ttl)
		}
	}
	if fill.Len() > 0 {
		_, _ = fill.Exec(ctx)
	}
}

// warm looks for every key n times over in large steps, so that the cache is
// warm and its lifetime hit rate high.
func warm(t testing.TB, s *realserver.RedisServer, prefix string, n, size int, ttl time.Duration) {
	t.Helper()
	fillKeys(t, s, prefix, n, size, ttl)
	c := redisClient(t, s)
	for done := 0; done < max(20000, n); done += 500 {
		readOnce(context.Background(), c, prefix, n, 500, strings.Repeat("v", size), ttl)
	}
}

func fillKeys(t testing.TB, s *realserver.RedisServer, prefix string, n, size int, ttl time.Duration) {
	t.Helper()
	c := redisClient(t, s)
	value := strings.Repeat("v", size)
	pipe := c.Pipeline()
	for i := range n {
		pipe.Set(context.Background(), prefix+strconv.Itoa(i), value, ttl)
		if pipe.Len() == 1000 || i == n-1 {
			_, err := pipe.Exec(context.Background())
			require.NoError(t, err)
		}
	}
}

// traffic is ordinary light use, so that a fault is not the only thing there.
func traffic(t testing.TB, s *realserver.RedisServer, change ...func(*goredis.Options)) {
	t.Helper()
	c := redisClient(t, s, append([]func(*goredis.Options){func(o *goredis.Options) { o.ReadTimeout = time.Second }}, change...)...)
	work(t, 2, 2*time.Millisecond, func(ctx context.Context, _, _ int) {
		readOnce(ctx, c, "product:", 500, 4, "value", time.Hour)
	})
}

// warmTraffic is traffic on a cache that is warm already, so that a slow server
// is not a cold cache too.
func warmTraffic(t testing.TB, s *realserver.RedisServer) {
	t.Helper()
	warm(t, s, "product:", 500, 5, time.Hour)
	traffic(t, s)
}

// until waits for the outside world.
func until(t testing.TB, s *realserver.RedisServer, what string, f func() bool) {
	t.Helper()
	realserver.WaitFor(t, what, 20*time.Second, s.Log, func() error {
		if f() {
			return nil
		}
		return fmt.Errorf("not yet")
	})
}

func infoHas(c *goredis.Client, section, text string) bool {
	return strings.Contains(c.Info(context.Background(), section).Val(), text)
}

// infoNumber reads a number that stands behind a name in INFO; 0 without.
func infoNumber(c *goredis.Client, section, name string) float64 {
	_, rest, _ := strings.Cut(c.Info(context.Background(), section).Val(), name)
	digits := strings.TrimLeft(rest, ":=")
	if i := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
		digits = digits[:i]
	}
	n, _ := strconv.ParseFloat(digits, 64)
	return n
}

// holdConnections opens n connections that say hello and stay.
func holdConnections(t testing.TB, s *realserver.RedisServer, n int) {
	t.Helper()
	for range n {
		conn, err := net.Dial("tcp", s.Addr())
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		_, _ = conn.Write([]byte("PING\r\n"))
	}
}

// appLog is a log file of the service; it returns a function that writes a line.
func appLog(t testing.TB, env *Env) func(line string) {
	t.Helper()
	path := filepath.Join(realserver.TempDir(t, ""), "app.log")
	f, err := os.Create(path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	env.Add("app-log", "logs", connector.Settings{"paths": []any{path}, "labels": map[string]any{"service": env.Service}})
	var mu sync.Mutex
	return func(line string) {
		mu.Lock()
		defer mu.Unlock()
		_, _ = fmt.Fprintf(f, "%s ERROR %s\n", time.Now().UTC().Format(time.RFC3339Nano), line)
	}
}
