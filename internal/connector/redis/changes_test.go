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

func specOf(t testing.TB, name string) action.Spec {
	t.Helper()
	for _, s := range redis.Kind().Actions {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("there is no action %s", name)
	return action.Spec{}
}

// changeOf completes the arguments of a change as the executor does.
func changeOf(t testing.TB, name string, args map[string]any) action.Change {
	t.Helper()
	complete, err := specOf(t, name).Complete(args)
	require.NoError(t, err)
	return action.Change{Type: name, Args: complete}
}

func doerOf(t testing.TB, target action.Changer, name string) action.Doer {
	t.Helper()
	d, ok := target.Doer(name)
	require.True(t, ok)
	return d
}

func preview(t testing.TB, target action.Changer, name string, args map[string]any) (action.Preview, error) {
	t.Helper()
	return doerOf(t, target, name).Preview(within(t, 20*time.Second), changeOf(t, name, args))
}

// seen is a preview that must come.
func seen(t testing.TB, target action.Changer, name string, args map[string]any) action.Preview {
	t.Helper()
	p, err := preview(t, target, name, args)
	require.NoError(t, err)
	return p
}

// planned previews a change and makes an order of it.
func planned(t testing.TB, target action.Changer, name string, args map[string]any) action.Order {
	t.Helper()
	p := seen(t, target, name, args)
	require.False(t, p.Already, p.Summary)
	key := "INC-9.1." + regexp.MustCompile(`[^A-Za-z0-9.-]`).ReplaceAllString(t.Name(), "-")
	return action.Order{Change: changeOf(t, name, args), Preview: p, Key: key, By: "tester", Intended: time.Now()}
}

func apply(t testing.TB, target action.Changer, o action.Order) (action.Done, error) {
	t.Helper()
	return doerOf(t, target, o.Type).Apply(within(t, 30*time.Second), o)
}

func applied(t testing.TB, target action.Changer, o action.Order) action.Done {
	t.Helper()
	done, err := apply(t, target, o)
	require.NoError(t, err)
	return done
}

func standingOf(t testing.TB, target action.Changer, o action.Order) action.Standing {
	t.Helper()
	s, err := doerOf(t, target, o.Type).Standing(within(t, 10*time.Second), o)
	require.NoError(t, err)
	return s
}

// refuses requires a Refusal that says all of the given.
func refuses(t testing.TB, err error, says ...string) {
	t.Helper()
	var refusal *action.Refusal
	require.ErrorAs(t, err, &refusal)
	for _, s := range says {
		require.Contains(t, refusal.Error(), s)
	}
}

// notMade requires a Failure of which nothing happened.
func notMade(t testing.TB, err error, says ...string) {
	t.Helper()
	var failure *action.Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, action.NotMade, failure.State)
	for _, s := range says {
		require.Contains(t, failure.Error(), s)
	}
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
