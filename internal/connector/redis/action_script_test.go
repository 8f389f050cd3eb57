package redis_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/action/actiontest"
	"github.com/quellhq/quell/internal/realserver"
)

// stuck starts what keeps the server until it is stopped, and waits until the
// server says that it is busy.
func stuck(t testing.TB, s *realserver.RedisServer, command ...any) {
	t.Helper()
	ended := make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	c := goredis.NewClient(&goredis.Options{Addr: s.Addr(), DisableIdentity: true, MaxRetries: -1, Protocol: 2, ReadTimeout: time.Minute})
	go func() {
		defer close(ended)
		_ = c.Do(ctx, command...).Err()
	}()
	t.Cleanup(func() { cancel(); _ = c.Close(); <-ended })
	eventually(t, "the server is busy", func() bool { return busy(t, s) })
}

func busy(t testing.TB, s *realserver.RedisServer) bool {
	t.Helper()
	err := client(t, s).Ping(within(t, time.Second)).Err()
	return err != nil && strings.HasPrefix(err.Error(), "BUSY")
}

// function is what keeps the server, as a function of a library.
const function = `#!lua name=lib
redis.register_function('hang', function() while true do end end)`

func TestScriptKillKeepsTheContract(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(t *testing.T, s *realserver.RedisServer){
		"a script": func(t *testing.T, s *realserver.RedisServer) { stuck(t, s, "EVAL", "while true do end", 0) },
		"a function": func(t *testing.T, s *realserver.RedisServer) {
			require.NoError(t, client(t, s).Do(within(t, 5*time.Second), "FUNCTION", "LOAD", function).Err())
			stuck(t, s, "FCALL", "hang", 0)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := realserver.Redis(t, "--busy-reply-threshold", "50")
			start(t, s)
			actiontest.Run(t, actiontest.Case{
				Spec: hands.Spec(t, "redis.script_kill"), Gone: nobodyThere,
				// a database of its own in the address, which a busy server does not select
				Open: func(t *testing.T) action.Changer { return changer(t, strings.Replace(s.URL(), "/0", "/3", 1)) },
				World: func(t *testing.T) string {
					if busy(t, s) {
						return "busy"
					}
					return "free"
				},
				Effects: func(t *testing.T) int {
					log, err := os.ReadFile(s.Log)
					require.NoError(t, err)
					return strings.Count(string(log), "killed by user with")
				},
				Settles: 2 * time.Second,
			})
		})
	}
}

func TestAScriptThatHasWrittenIsNotKilled(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t, "--busy-reply-threshold", "50")
	stuck(t, s, "EVAL", "redis.call('SET', 'a', 1) while true do end", 0)
	target := changer(t, s.URL())
	_, err := actiontest.Apply(t, target, hands.Planned(t, target, "redis.script_kill", nil))
	actiontest.NotMade(t, err, "UNKILLABLE")
	require.True(t, busy(t, s))
}

func TestWhereNoScriptRunsThereIsNothingToDo(t *testing.T) {
	t.Parallel()
	p := seen(t, changer(t, realserver.Redis(t).URL()), "redis.script_kill", nil)
	require.True(t, p.Already)
}
