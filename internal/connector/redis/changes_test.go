package redis_test

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/action/actiontest"
	"github.com/quellhq/quell/internal/connector/redis"
	"github.com/quellhq/quell/internal/realserver"
)

// changer opens a server to change it.
func changer(t testing.TB, url string) action.Changer {
	t.Helper()
	return openURL(t, url).(action.Changer)
}

// opener is how the suite opens a server anew.
func opener(s *realserver.RedisServer) func(t *testing.T) action.Changer {
	return func(t *testing.T) action.Changer { return changer(t, s.URL()) }
}

// nobodyThere opens an address at which nobody answers.
func nobodyThere(t *testing.T) action.Changer {
	t.Helper()
	return changer(t, "redis://127.0.5.9:"+strconv.Itoa(realserver.Port(t)))
}

// seen is a preview that must come.
func seen(t testing.TB, target action.Changer, name string, args map[string]any) action.Preview {
	t.Helper()
	p, err := hands.Preview(t, target, name, args)
	require.NoError(t, err)
	return p
}

// calls is how often the server carried a command out, by its own count.
func calls(t testing.TB, c *goredis.Client, command string) int {
	t.Helper()
	text, err := c.Info(within(t, 10*time.Second), "commandstats").Result()
	require.NoError(t, err)
	m := regexp.MustCompile(`cmdstat_` + regexp.QuoteMeta(command) + `:calls=(\d+),.*rejected_calls=(\d+),failed_calls=(\d+)`).FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	n, err := strconv.Atoi(m[1])
	require.NoError(t, err)
	failed, err := strconv.Atoi(m[3])
	require.NoError(t, err)
	return n - failed
}

// config is one setting as the server has it.
func config(t testing.TB, c *goredis.Client, name string) string {
	t.Helper()
	v, err := c.ConfigGet(within(t, 10*time.Second), name).Result()
	require.NoError(t, err)
	return v[name]
}

// keysOf lists all keys but our notes, with when each ends (−1: never).
func keysOf(t testing.TB, c *goredis.Client) string {
	t.Helper()
	ctx := within(t, 10*time.Second)
	keys, err := c.Keys(ctx, "*").Result()
	require.NoError(t, err)
	var lines []string
	for _, k := range keys {
		if strings.HasPrefix(k, "quell:") {
			continue
		}
		ends, err := c.Do(ctx, "PEXPIRETIME", k).Result()
		require.NoError(t, err)
		lines = append(lines, fmt.Sprintf("%s %v", k, ends))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// eventually polls, for the server is another process.
func eventually(t testing.TB, what string, shown func() bool) {
	t.Helper()
	require.Eventually(t, shown, 30*time.Second, 20*time.Millisecond, what)
}

// callsOf is calls on a server with a password.
func callsOf(t testing.TB, s *realserver.RedisServer, password, command string) int {
	t.Helper()
	c := goredis.NewClient(&goredis.Options{Addr: s.Addr(), Password: password, DisableIdentity: true, Protocol: 2})
	t.Cleanup(func() { _ = c.Close() })
	return calls(t, c, command)
}

// hands do the actions of this connector.
var hands = actiontest.Hands{Specs: redis.Kind().Actions}
