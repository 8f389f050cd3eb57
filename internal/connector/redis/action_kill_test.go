package redis_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/action/actiontest"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/realserver"
)

// connection is a client of the application's side with a name, and its id.
func connection(t testing.TB, s *realserver.RedisServer, name string) (*goredis.Conn, int64) {
	t.Helper()
	c := client(t, s).Conn()
	t.Cleanup(func() { _ = c.Close() })
	ctx := within(t, 10*time.Second)
	require.NoError(t, c.ClientSetName(ctx, name).Err())
	id, err := c.ClientID(ctx).Result()
	require.NoError(t, err)
	return c, id
}

// named lists the ids and addresses of the clients whose names begin so.
func named(t testing.TB, c *goredis.Client, prefix string) string {
	t.Helper()
	text, err := c.ClientList(within(t, 10*time.Second)).Result()
	require.NoError(t, err)
	var out []string
	for _, line := range strings.Split(text, "\n") {
		if strings.Contains(line, "name="+prefix) {
			f := strings.Fields(line)
			out = append(out, f[0]+" "+f[1])
		}
	}
	return strings.Join(out, "\n")
}

func TestClientKillKeepsTheContract(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t)
	c := client(t, s)
	_, id := connection(t, s, "app-leak")
	_, _ = connection(t, s, "app-other")
	before := len(strings.Split(named(t, c, "app-"), "\n"))
	actiontest.Run(t, actiontest.Case{
		Spec: hands.Spec(t, "redis.client_kill"), Open: opener(s), Gone: nobodyThere,
		Args:    map[string]any{"ids": []any{map[string]any{"id": id, "addr": "x"}}},
		World:   func(t *testing.T) string { return named(t, c, "app-") },
		Effects: func(t *testing.T) int { return before - len(strings.Split(named(t, c, "app-"), "\n")) },
	})
	require.NotEmpty(t, named(t, c, "app-other"))
}

func TestAnIDThatIsAnotherClientIsNotKilled(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t)
	c, target := client(t, s), changer(t, s.URL())
	_, id := connection(t, s, "app-a")
	order := hands.Planned(t, target, "redis.client_kill", map[string]any{"ids": []any{id}})
	order.Preview.Items[0].Guard = strings.Replace(order.Preview.Items[0].Guard, "127.0.0.1:", "127.0.0.9:", 1)
	_, err := actiontest.Apply(t, target, order)
	actiontest.NotMade(t, err, "not as it was")
	require.NotEmpty(t, named(t, c, "app-a"))
}

// Who must not be killed is left alone, with a warning, or refused.
func TestWhoIsNotAnOrdinaryClient(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t)
	c := client(t, s)
	replica := realserver.Redis(t, "--replicaof", fmt.Sprintf("%s %d", s.Host, s.Port))
	ids := map[string]int64{}
	eventually(t, "the replica follows", func() bool {
		ids["replica"] = idOf(t, c, "flags=S ")
		ids["master"] = idOf(t, client(t, replica), "flags=M ")
		return ids["replica"] > 0 && ids["master"] > 0
	})
	target := openURL(t, s.URL())
	object(t, target, "redis.info") // our connection stands
	ids["own"] = idOf(t, c, "name=quell ")
	for name, test := range map[string]struct {
		url string
		id  int64
		say string
	}{
		"a replica": {s.URL(), ids["replica"], "a replica of this server"},
		"a master":  {replica.URL(), ids["master"], "the master of this server"},
		"ourselves": {s.URL(), ids["own"], "Quell's own"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Positive(t, test.id)
			_, err := hands.Preview(t, changer(t, test.url), "redis.client_kill", map[string]any{"ids": []any{test.id}})
			actiontest.Refuses(t, err, test.say)
		})
	}
	_, app := connection(t, s, "app-x")
	p := seen(t, changer(t, s.URL()), "redis.client_kill", map[string]any{"ids": []any{app, ids["replica"]}})
	require.Len(t, p.Items, 1)
	require.Contains(t, strings.Join(p.Warnings, "\n"), "left alone")
}

func idOf(t testing.TB, c *goredis.Client, with string) int64 {
	t.Helper()
	text, err := c.ClientList(within(t, 10*time.Second)).Result()
	require.NoError(t, err)
	for _, line := range strings.Split(text, "\n") {
		if strings.Contains(line, with) {
			var id int64
			_, err := fmt.Sscanf(line, "id=%d", &id)
			require.NoError(t, err)
			return id
		}
	}
	return 0
}

func TestWhatAKillCostsIsSaid(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t)
	c := client(t, s)
	blocked, id := connection(t, s, "app-worker")
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = blocked.BLPop(context.Background(), time.Minute, "queue").Err()
	}()
	eventually(t, "the worker waits", func() bool { return idOf(t, c, "name=app-worker age") == 0 || idOf(t, c, "flags=b ") == id })
	subscribed := c.Subscribe(within(t, time.Minute), "channel")
	t.Cleanup(func() { _ = subscribed.Close() })
	eventually(t, "the subscriber listens", func() bool { return idOf(t, c, "flags=P ") > 0 })
	monitor, err := net.Dial("tcp", s.Addr())
	require.NoError(t, err)
	t.Cleanup(func() { _ = monitor.Close() })
	_, err = monitor.Write([]byte("MONITOR\r\n"))
	require.NoError(t, err)
	eventually(t, "MONITOR runs", func() bool { return idOf(t, c, "flags=O ") > 0 })

	target := changer(t, s.URL())
	order := hands.Planned(t, target, "redis.client_kill", map[string]any{"ids": []any{id, idOf(t, c, "flags=P "), idOf(t, c, "flags=O "), 987654}})
	warnings := strings.Join(order.Preview.Warnings, "\n")
	for _, says := range []string{"blocking command", "is subscribed", "runs MONITOR", "client 987654 is gone"} {
		require.Contains(t, warnings, says)
	}
	done := actiontest.Applied(t, target, order)
	require.Equal(t, "3 connections closed", done.Summary)
	require.Equal(t, action.Made, actiontest.StandingOf(t, target, order).State)
	<-ended
}

func TestAClientThatWokeUpIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t)
	sleeper, id := connection(t, s, "app-sleeper")
	target := changer(t, s.URL())
	args := map[string]any{"ids": []any{id}, "idle": "1s"}
	var order action.Order
	eventually(t, "it is idle for a second", func() bool {
		p := seen(t, target, "redis.client_kill", args)
		return !p.Already
	})
	order = hands.Planned(t, target, "redis.client_kill", args)
	require.NoError(t, sleeper.Ping(within(t, time.Second)).Err())
	_, err := actiontest.Apply(t, target, order)
	actiontest.NotMade(t, err)
	require.NoError(t, sleeper.Ping(within(t, time.Second)).Err())
}

// When no place is left, the connection of the questions is one.
func TestAFullServerCanStillBeRelieved(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t, "--maxclients", "6")
	target := open(t, connector.Settings{"url": s.URL()})
	object(t, target, "redis.info")
	var ids []any
	for i := range 5 {
		_, id := connection(t, s, fmt.Sprintf("app-%d", i))
		ids = append(ids, id)
	}
	_, err := net.Dial("tcp", s.Addr())
	require.NoError(t, err)
	done := actiontest.Applied(t, target.(action.Changer), hands.Planned(t, target.(action.Changer), "redis.client_kill", map[string]any{"ids": ids[:3]}))
	require.Equal(t, "3 connections closed", done.Summary)
	object(t, target, "redis.info")
}

func TestIDsThatAreNoneAreRefused(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t)
	many := make([]any, 1001)
	for i := range many {
		many[i] = i + 1
	}
	for _, ids := range [][]any{{"x"}, {0}, {map[string]any{"pid": 3}}, many} {
		_, err := hands.Preview(t, changer(t, s.URL()), "redis.client_kill", map[string]any{"ids": ids})
		actiontest.Refuses(t, err)
	}
}
