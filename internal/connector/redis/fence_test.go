package redis_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/redis"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/realserver"
)

func TestAFenceGivesOneRowPerCommand(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t)
	c := client(t, s)
	run(t, c, "SET greeting hello")
	run(t, c, "RPUSH jobs a b c")
	a := fence(t, openURL(t, s.URL()), "# how long is the queue?\nLLEN jobs\nGET 'greeting'\nLRANGE jobs 0 1\nGET missing\nLLEN greeting\n", nil)
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	rows := a.Value.([]any)
	require.Len(t, rows, 5)
	value := func(i int) any { return rows[i].(map[string]any)["value"] }
	require.Equal(t, int64(3), value(0))
	require.Equal(t, "hello", value(1))
	require.Equal(t, []any{"a", "b"}, value(2))
	require.Nil(t, value(3))
	require.Contains(t, rows[4].(map[string]any)["error"], "WRONGTYPE")
}

func TestHolesAreArgumentsAndNeverSyntax(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t)
	evil := "x\nFLUSHALL\n\" y"
	run(t, client(t, s), "SET a 1")
	require.NoError(t, client(t, s).Set(within(t, time.Second), "k:"+evil, "found", 0).Err())
	a := fence(t, openURL(t, s.URL()), "GET k:${name}\nEXISTS ${all}", map[string]any{"name": evil, "all": []any{"a", "b"}})
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	require.Equal(t, "found", a.Value.([]any)[0].(map[string]any)["value"])
	require.Equal(t, int64(1), a.Value.([]any)[1].(map[string]any)["value"])
	a = fence(t, openURL(t, s.URL()), "${cmd} a", map[string]any{"cmd": "DEL"})
	require.Equal(t, evidence.Refused, a.Status)
	a = fence(t, openURL(t, s.URL()), "CONFIG ${sub} maxmemory 1", map[string]any{"sub": "SET"})
	require.Equal(t, evidence.Refused, a.Status)
	require.Equal(t, int64(2), run(t, client(t, s), "DBSIZE"))
}

// Every command that the server knows is either in our table or refused by
// its flags: none that writes, blocks or administers gets through.
func TestNoCommandOfTheServerGetsThroughThatWrites(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t)
	c := client(t, s)
	run(t, c, "SET k v")
	run(t, c, "RPUSH l 1 2 3")
	gate := connector.NewGate(connector.Limits{Requests: 1e6})
	target, err := redis.Kind().Open(connector.Settings{"url": s.URL()}, connector.Tools{Gate: gate})
	require.NoError(t, err)
	t.Cleanup(func() { _ = target.Close() })
	sent := map[string]bool{}
	for _, name := range run(t, c, "COMMAND LIST").([]any) {
		for _, args := range []string{"", " k", " k 1", " k 1 2", " 1 k", " GET maxmemory", " SET maxmemory 1", " RESET", " KILL 1", " l", " l 0 -1"} {
			a := fence(t, target, strings.ReplaceAll(name.(string), "|", " ")+args, nil)
			if a.Status == evidence.Answered {
				sent[strings.ToLower(strings.Split(name.(string), "|")[0])] = true
			}
		}
	}
	require.Equal(t, int64(2), run(t, c, "DBSIZE"))
	require.Equal(t, "v", run(t, c, "GET k"))
	require.Equal(t, []any{"maxmemory", "0"}, run(t, c, "CONFIG GET maxmemory"))
	for _, name := range []string{"set", "del", "keys", "monitor", "eval", "eval_ro", "flushall", "smembers", "subscribe", "blpop", "touch", "select", "save", "shutdown", "debug"} {
		require.False(t, sent[name], name)
	}
	require.True(t, sent["get"] && sent["llen"] && sent["config"] && sent["info"])
}

func TestABigStringIsNotFetched(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t)
	require.NoError(t, client(t, s).Set(within(t, time.Second), "big", strings.Repeat("x", 100<<10), 0).Err())
	a := fence(t, openURL(t, s.URL()), "GET big", nil)
	require.Equal(t, evidence.Refused, a.Status)
	require.Contains(t, a.Reason, "GETRANGE")
}

func TestPasswordsInSettingsAreHidden(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t, "--requirepass", "geheim-3")
	target := openURL(t, "redis://:geheim-3@"+s.Addr())
	a := fence(t, target, "CONFIG GET *", nil)
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	for _, row := range a.Value.([]any) {
		for _, v := range row.(map[string]any)["value"].([]any) {
			require.NotEqual(t, "geheim-3", v)
		}
	}
}

func TestLintNamesTheBoundedAlternative(t *testing.T) {
	t.Parallel()
	check := redis.Kind().Languages[0].Check
	for text, want := range map[string]string{
		"KEYS user:*": "SCAN 0 MATCH", "MONITOR": "redis.slowlog", "SMEMBERS s": "SSCAN", "HGETALL h": "HSCAN", "LRANGE l 0 -1": "LRANGE key 0 99",
		"ZRANGE z 0 -1": "ZRANGE key 0 99", "SORT l": "LRANGE", "FLUSHALL": "deletes everything", "CONFIG SET maxmemory 1": "redis.config_set",
		"SLOWLOG RESET": "deletes evidence", "GETEX k": "GET and TTL", "TOUCH k": "evicted", "EVAL 'return 1' 0": "script", "SELECT 1": "url",
		"GETRANGE k 0 -1": "GETRANGE key 0 1023", "SCAN 0 COUNT 100000": "1 to 1000", "XRANGE s - +": "COUNT", "MEMORY USAGE k SAMPLES 0": "SAMPLES 5",
		"GET 'open": "never closed", "": "no command", "CLIENT KILL id 3": "redis.client_kill", "SLOWLOG GET -1": "entries",
		"ZRANGEBYSCORE z 0 1": "LIMIT", "OBJECT HELP x": "not in our table",
	} {
		problems := check(probe.Literal(text), nil)
		require.NotEmpty(t, problems, text)
		require.Contains(t, problems[0].Text, want, text)
	}
	for _, text := range []string{"GET k", "LRANGE l -10 -1", "lrange l 5 104", "ZRANGE z 0 1 BYSCORE LIMIT 0 10", "SCAN 0 MATCH a:* COUNT 100", "OBJECT FREQ k", "CONFIG GET max*"} {
		require.Empty(t, check(probe.Literal(text), nil), text)
	}
	tpl, err := probe.ParseTemplate("GET a\n  KEYS ${p}")
	require.NoError(t, err)
	problems := check(tpl, nil)
	require.Len(t, problems, 1)
	require.Equal(t, 8, problems[0].Offset, "of the second command")
}

func FuzzSplitNeverPanics(f *testing.F) {
	f.Add("GET \"a\\n\" 'b' ${x}\n# c\n")
	check := redis.Kind().Languages[0].Check
	f.Fuzz(func(t *testing.T, text string) {
		tpl, err := probe.ParseTemplate(text)
		if err != nil {
			t.Skip()
		}
		for _, p := range check(tpl, nil) {
			if p.Offset < 0 || p.Offset > len(tpl.Source())+1 {
				t.Fatalf("offset %d of %d", p.Offset, len(tpl.Source()))
			}
		}
	})
}
