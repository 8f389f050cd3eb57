package redis_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/redis"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/realserver"
)

// open opens a target with the given settings.
func open(t testing.TB, s connector.Settings) connector.Target {
	t.Helper()
	target, err := redis.Kind().Open(s, connector.Tools{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = target.Close() })
	return target
}

func openURL(t testing.TB, url string) connector.Target {
	t.Helper()
	return open(t, connector.Settings{"url": url})
}

func within(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// ask asks a built-in question.
func ask(t testing.TB, target connector.Target, name string, args map[string]any) evidence.Answer {
	t.Helper()
	return target.Ask(within(t, 10*time.Second), probe.Question{Name: "q", Lang: "probe", Builtin: name, Args: args})
}

// object is ask for an answer that must be there.
func object(t testing.TB, target connector.Target, name string) map[string]any {
	t.Helper()
	a := ask(t, target, name, nil)
	require.Equal(t, evidence.Answered, a.Status, "%s: %s", name, a.Reason)
	v, ok := a.Value.(map[string]any)
	require.True(t, ok, "%s is an object", name)
	return v
}

// fence asks a redis fence.
func fence(t testing.TB, target connector.Target, text string, values map[string]any) evidence.Answer {
	t.Helper()
	tpl, err := probe.ParseTemplate(text)
	require.NoError(t, err)
	tpl, err = tpl.WithValues(values)
	require.NoError(t, err)
	return target.Ask(within(t, 10*time.Second), probe.Question{Name: "q", Lang: "redis", Text: tpl})
}

// connect asks redis.connect and returns its kind and value.
func connect(t testing.TB, target connector.Target) (string, map[string]any) {
	t.Helper()
	v := object(t, target, "redis.connect")
	return v["kind"].(string), v
}

// client is a plain client of the application's side.
func client(t testing.TB, s *realserver.RedisServer) *goredis.Client {
	t.Helper()
	c := goredis.NewClient(&goredis.Options{Addr: s.Addr(), DisableIdentity: true, MaxRetries: -1, Protocol: 2})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// run runs a command that must work.
func run(t testing.TB, c *goredis.Client, command string) any {
	t.Helper()
	var args []any
	for _, w := range strings.Fields(command) {
		args = append(args, w)
	}
	v, err := c.Do(within(t, 10*time.Second), args...).Result()
	require.NoError(t, err, command)
	return v
}

// fill writes n keys prefix0…, of size bytes each.
func fill(t testing.TB, c *goredis.Client, prefix string, n, size int, ttl time.Duration) {
	t.Helper()
	value := strings.Repeat("x", size)
	pipe := c.Pipeline()
	for i := 0; i < n; i++ {
		pipe.Set(context.Background(), fmt.Sprintf("%s%d", prefix, i), value, ttl)
		if i%1000 == 999 || i == n-1 {
			_, err := pipe.Exec(context.Background())
			require.NoError(t, err)
		}
	}
}
