package redis_test

import (
	"context"
	"fmt"
	"strconv"
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

// Every question answers on a healthy server, and its value has exactly the
// fields that it documents.
func TestEveryQuestionDocumentsItsFields(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t)
	c := client(t, s)
	fill(t, c, "user:", 50, 10, time.Hour)
	run(t, c, "RPUSH celery a b")
	target := openURL(t, s.URL())
	for _, spec := range redis.Kind().Probes {
		t.Run(spec.Name, func(t *testing.T) {
			require.NotEmpty(t, spec.Question)
			require.NotEmpty(t, spec.Why)
			require.NotEmpty(t, spec.Cost)
			require.NotEmpty(t, spec.Outcomes)
			a := ask(t, target, spec.Name, nil)
			require.Equal(t, evidence.Answered, a.Status, a.Reason)
			documented := map[string]bool{}
			for _, f := range spec.Fields {
				require.NotEmpty(t, f.About, f.Name)
				documented[f.Name] = true
			}
			rows := []any{a.Value}
			if spec.Shape == probe.Rows {
				rows = a.Value.([]any)
				require.NotEmpty(t, rows)
			}
			for _, r := range rows {
				row := r.(map[string]any)
				for name := range row {
					if spec.Name != "redis.info" { // has whatever the server has
						require.True(t, documented[name], "%s has the undocumented field %q", spec.Name, name)
					}
				}
				for name := range documented {
					if spec.Name != "redis.info" {
						require.Contains(t, row, name)
					}
				}
			}
		})
	}
}

// What our own sampling does to the counters is taken off: a quiet server
// stays quiet while redis.keys looks at ten thousand keys.
func TestOurOwnLookupsAreNotTheServersTraffic(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t)
	c := client(t, s)
	fill(t, c, "user:", 5000, 10, time.Hour)
	target := openURL(t, s.URL())
	done := make(chan evidence.Answer, 1)
	go func() {
		done <- target.Ask(context.Background(), probe.Question{Lang: "probe", Builtin: "redis.stats_delta"})
	}()
	for range 3 {
		// On a busy machine its time is up before it has seen all 5000.
		require.Greater(t, object(t, target, "redis.keys")["sampled"], int64(500))
	}
	a := <-done
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	v := a.Value.(map[string]any)
	require.Zero(t, v["lookups"], "lookups")
	require.Zero(t, v["ops_s"], "ops")
	require.Nil(t, v["hit_rate"])
	require.Empty(t, v["commands"])
}

func TestStatsSeeTheTrafficOfOthers(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t)
	c := client(t, s)
	fill(t, c, "user:", 100, 10, time.Hour)
	target := openURL(t, s.URL())
	connect(t, target)
	stop := load(t, s, func(c *goredis.Client, i int) {
		c.Get(context.Background(), fmt.Sprintf("user:%d", i%200)) // every other key is there
		if i%10 == 0 {
			c.Do(context.Background(), "INCR", "user:1") // an error: not a number
		}
	})
	v := object(t, target, "redis.stats_delta")
	stop()
	require.InDelta(t, 0.5, v["hit_rate"], 0.1)
	require.Greater(t, v["ops_s"], 200.0)
	require.Contains(t, v["errors_seen"], "ERR")
	names := map[string]bool{}
	for _, row := range v["commands"].([]any) {
		names[row.(map[string]any)["name"].(string)] = true
	}
	require.True(t, names["get"] && names["incr"], "%v", names)
	require.False(t, names["info"])
}

// load runs f in a loop on a connection of its own until the returned function
// is called.
func load(t testing.TB, s *realserver.RedisServer, f func(c *goredis.Client, i int)) (stop func()) {
	t.Helper()
	c := client(t, s)
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			select {
			case <-quit:
				return
			default:
				f(c, i)
			}
		}
	}()
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			close(quit)
			<-done
		}
	}
	t.Cleanup(stop)
	return stop
}

func TestARestartBetweenTwoSamplesIsNoData(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t)
	c := client(t, s)
	fill(t, c, "a", 1000, 1, 0)
	target := openURL(t, s.URL())
	done := make(chan evidence.Answer, 1)
	connect(t, target)
	// INFO counts the calls before itself: what is above ours is the target's.
	before, ours := infoCalls(t, c), 0
	go func() { done <- ask(t, target, "redis.stats_delta", map[string]any{"window": time.Second}) }()
	realserver.WaitFor(t, "the first sample", 5*time.Second, s.Log, func() error {
		ours++
		if infoCalls(t, c) > before+ours {
			return nil
		}
		return fmt.Errorf("not yet")
	})
	run(t, c, "CONFIG RESETSTAT")
	a := <-done
	require.Equal(t, evidence.NoData, a.Status, a.Reason)
}

// infoCalls is how often the server had been asked INFO before this time.
func infoCalls(t testing.TB, c *goredis.Client) int {
	t.Helper()
	text, err := c.Info(within(t, 5*time.Second), "commandstats").Result()
	require.NoError(t, err)
	_, rest, _ := strings.Cut(text, "cmdstat_info:calls=")
	n, _, _ := strings.Cut(rest, ",")
	calls, _ := strconv.Atoi(n) // none yet
	return calls
}

func TestSlowlogNamesCommandsAndHidesValues(t *testing.T) {
	t.Parallel()
	// Away from 127.0.0.1, where another test looks for servers nearby.
	s := realserver.RedisWith(t, realserver.RedisOptions{Host: "127.0.5.4", Args: []string{"--slowlog-log-slower-than", "0"}})
	c := client(t, s)
	target := openURL(t, s.URL())
	run(t, c, "SET session:9f86d081884c7d659a2feaa0c55ad015 streng-geheim")
	run(t, c, "KEYS user:*")
	v := object(t, target, "redis.slowlog")
	text := fmt.Sprint(v)
	require.NotContains(t, text, "streng-geheim")
	require.NotContains(t, text, "9f86d081")
	commands := map[string]map[string]any{}
	for _, row := range v["by_command"].([]any) {
		r := row.(map[string]any)
		commands[r["command"].(string)] = r
	}
	require.Equal(t, []any{"session:*"}, commands["set"]["keys"])
	require.Equal(t, true, commands["keys"]["whole"])
	require.NotContains(t, commands, "slowlog get", "our own commands are left out")
	require.EqualValues(t, 0, v["threshold_usec"])
	require.EqualValues(t, 0, v["new"], "%v", v["entries"])
}

func TestKeysTellsFamiliesLifetimesAndGiants(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t)
	c := client(t, s)
	fill(t, c, "user:", 300, 10, time.Hour)
	fill(t, c, "report:2024:", 100, 10, 0)
	fill(t, c, "sess:abcdef0123456789abcdef", 50, 10, time.Minute)
	pipe := c.Pipeline()
	for i := range 20000 {
		pipe.RPush(context.Background(), "feed:all", fmt.Sprint("item ", i))
	}
	_, err := pipe.Exec(context.Background())
	require.NoError(t, err)
	v := object(t, openURL(t, s.URL()), "redis.keys")
	require.Equal(t, true, v["complete"])
	require.EqualValues(t, 451, v["total"])
	require.InDelta(t, 101.0/451, v["no_ttl_share"], 1e-9)
	require.Equal(t, []any{"session"}, v["purposes"])
	got := map[string]any{}
	for _, row := range v["families"].([]any) {
		r := row.(map[string]any)
		got[r["family"].(string)] = r["count"]
	}
	require.Equal(t, map[string]any{"user:*": int64(300), "report:*:*": int64(100), "sess:*": int64(50), "feed:all": int64(1)}, got)
	top := v["biggest"].([]any)[0].(map[string]any)
	require.Equal(t, "feed:all", top["key"])
	require.EqualValues(t, 20000, top["items"])
	require.Equal(t, "list", top["type"])
	require.Greater(t, v["same_second_share"], 0.3, "300 keys expire within the same second or two")
}

func TestTheWalkOverKeysIsBounded(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t)
	fill(t, client(t, s), "k:", 40000, 1, 0)
	gate := connector.NewGate(connector.Limits{})
	target, err := redis.Kind().Open(connector.Settings{"url": s.URL()}, connector.Tools{Gate: gate})
	require.NoError(t, err)
	t.Cleanup(func() { _ = target.Close() })
	v := object(t, target, "redis.keys")
	require.Equal(t, false, v["complete"])
	require.LessOrEqual(t, v["sampled"], int64(10300))
	require.Less(t, gate.Cost().Requests, 120)
}

func TestMemoryTellsAStuckLimitFromAnEmptyServer(t *testing.T) {
	t.Parallel()
	target := openURL(t, realserver.Redis(t).URL())
	var empty map[string]any
	realserver.WaitFor(t, "the server's first look at its own memory", 5*time.Second, "", func() error {
		if empty = object(t, target, "redis.memory"); empty["fragmentation_ratio"] == nil {
			return fmt.Errorf("rss is %v", empty["rss_bytes"])
		}
		return nil
	})
	require.Greater(t, empty["fragmentation_ratio"], 1.4, "an empty server has a frightening ratio")
	require.Equal(t, false, empty["fragmented"])
	require.Equal(t, false, empty["stuck_at_limit"])
	s := realserver.Redis(t, "--maxmemory", "4mb", "--maxmemory-policy", "volatile-lru")
	c := client(t, s)
	for i := 0; ; i++ {
		if err := c.Set(context.Background(), fmt.Sprint("k", i), strings.Repeat("x", 4000), 0).Err(); err != nil {
			require.Contains(t, err.Error(), "OOM")
			break
		}
	}
	full := object(t, openURL(t, s.URL()), "redis.memory")
	require.Equal(t, true, full["stuck_at_limit"])
	require.EqualValues(t, 0, full["evictable"])
}

func TestClientsSeesBlockedIdleAndItself(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t)
	for range 3 {
		c := client(t, s)
		go c.BLPop(context.Background(), 0, "queue")
	}
	target := openURL(t, s.URL())
	realserver.WaitFor(t, "three blocked clients", 5*time.Second, s.Log, func() error {
		if v := object(t, target, "redis.clients"); v["blocked"] != int64(3) {
			return fmt.Errorf("blocked: %v", v["blocked"])
		}
		return nil
	})
	v := object(t, target, "redis.clients")
	require.EqualValues(t, 3, v["count"], "we are not among them: %v", v)
}

func TestQueuesTellsWaitingFromWorking(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t)
	c := client(t, s)
	ctx := context.Background()
	now := time.Now().UTC()
	c.SAdd(ctx, "rq:queues", "rq:queue:mail", "rq:queue:default")
	c.RPush(ctx, "rq:queue:mail", "job-1", "job-2")
	c.HSet(ctx, "rq:job:job-1", "enqueued_at", now.Add(-90*time.Second).Format("2006-01-02T15:04:05.000000Z"))
	c.SAdd(ctx, "rq:workers", "rq:worker:one", "rq:worker:gone")
	c.HSet(ctx, "rq:worker:one", "last_heartbeat", now.Format("2006-01-02T15:04:05.000000Z"), "state", "idle", "queues", "default")
	v := object(t, openURL(t, s.URL()), "redis.queues")
	require.EqualValues(t, 2, v["waiting"])
	require.EqualValues(t, 1, v["live_workers"])
	require.InDelta(t, 90, v["oldest_s"], 5)
	for _, row := range v["queues"].([]any) {
		r := row.(map[string]any)
		want := map[string]int64{"mail": 0, "default": 1}[r["name"].(string)]
		require.EqualValues(t, want, r["workers"], r["name"])
	}
}
