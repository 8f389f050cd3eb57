package redis_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/realserver"
)

func queuesByName(t *testing.T, s *realserver.RedisServer) map[string]map[string]any {
	t.Helper()
	out := map[string]map[string]any{}
	for _, row := range object(t, openURL(t, s.URL()), "redis.queues")["queues"].([]any) {
		r := row.(map[string]any)
		out[r["name"].(string)] = r
	}
	return out
}

func TestQueuesOfSidekiq(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t)
	c, ctx := client(t, s), context.Background()
	now := time.Now()
	c.SAdd(ctx, "queues", "mail", "reports", "late")
	c.LPush(ctx, "queue:mail", fmt.Sprintf(`{"class": "Mail", "enqueued_at": %d}`, now.Add(-40*time.Second).UnixMilli()))
	c.LPush(ctx, "queue:mail", fmt.Sprintf(`{"class": "Mail", "enqueued_at": %d}`, now.UnixMilli()))
	c.LPush(ctx, "queue:reports", fmt.Sprintf(`{"class": "Report", "created_at": %d.5}`, now.Add(-90*time.Second).Unix()))
	c.LPush(ctx, "queue:late", "no JSON")
	c.SAdd(ctx, "paused", "late")
	c.SAdd(ctx, "processes", "a:1", "b:2", "gone:3", "quiet:4")
	beat := fmt.Sprint(float64(now.UnixMilli()) / 1000)
	c.HSet(ctx, "a:1", "info", `{"queues": ["mail", "mail"]}`, "beat", beat, "quiet", "false")
	c.HSet(ctx, "b:2", "info", `{"queues": ["mail"]}`, "beat", "1000.5", "quiet", "false")
	c.HSet(ctx, "quiet:4", "info", `{"queues": ["reports"]}`, "beat", beat, "quiet", "true")
	queues := queuesByName(t, s)
	require.EqualValues(t, 2, queues["mail"]["waiting"])
	require.EqualValues(t, 1, queues["mail"]["workers"], "its other process gave no sign of life")
	require.InDelta(t, 40, queues["mail"]["oldest_s"], 5)
	require.EqualValues(t, 0, queues["reports"]["workers"], "its process takes no new jobs")
	require.InDelta(t, 90, queues["reports"]["oldest_s"], 5)
	require.Nil(t, queues["late"]["oldest_s"])
	require.Equal(t, true, queues["late"]["paused"])
	require.Equal(t, false, queues["mail"]["paused"])
}

func TestQueuesOfBull(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t)
	c, ctx := client(t, s), context.Background()
	now := time.Now()
	for _, q := range []string{"mail", "thumbs"} {
		c.Set(ctx, "bull:"+q+":id", "3", 0)
		c.LPush(ctx, "bull:"+q+":wait", "1", "2")
		c.HSet(ctx, "bull:"+q+":1", "timestamp", now.Add(-50*time.Second).UnixMilli())
	}
	c.LPush(ctx, "bull:mail:active", "3")
	c.ZAdd(ctx, "bull:mail:prioritized", goredis.Z{Member: "7"})
	c.ZAdd(ctx, "bull:mail:failed", goredis.Z{Member: "8"}, goredis.Z{Member: "9"})
	c.HSet(ctx, "bull:thumbs:meta", "paused", "1")
	worker, listener := client(t, s), client(t, s)
	pin := worker.Conn()
	require.NoError(t, pin.ClientSetName(ctx, "bull:bWFpbA==").Err())
	events := listener.Conn()
	require.NoError(t, events.ClientSetName(ctx, "bull:dGh1bWJz:qe").Err())
	t.Cleanup(func() { _ = pin.Close(); _ = events.Close() })
	queues := queuesByName(t, s)
	require.EqualValues(t, 3, queues["mail"]["waiting"])
	require.EqualValues(t, 1, queues["mail"]["running"])
	require.EqualValues(t, 2, queues["mail"]["failed"])
	require.EqualValues(t, 1, queues["mail"]["workers"])
	require.EqualValues(t, 0, queues["thumbs"]["workers"], "who listens to events does not work")
	require.InDelta(t, 50, queues["thumbs"]["oldest_s"], 5)
	require.Equal(t, true, queues["thumbs"]["paused"])
}
