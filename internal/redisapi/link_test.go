package redisapi_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/realserver"
	"github.com/quellhq/quell/internal/redisapi"
	"github.com/quellhq/quell/internal/secret"
)

func open(t *testing.T, s *realserver.RedisServer) *redisapi.Session {
	t.Helper()
	at, err := redisapi.Settings{URL: secret.New(s.URL())}.Address("")
	require.NoError(t, err)
	session, err := redisapi.Open(context.Background(), at, connector.DefaultLimits(), nil)
	require.NoError(t, err)
	t.Cleanup(session.Close)
	return session
}

func TestARefusedCommandSpeaksForItselfAlone(t *testing.T) {
	t.Parallel()
	s := open(t, realserver.Redis(t))
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	replies, err := s.Do(ctx, []any{"GET"}, []any{"PING"}, []any{"GET", "nothing"}, []any{"INCR", "n"}, []any{"CONFIG", "NONE"})
	require.NoError(t, err)
	require.Equal(t, "ERR wrong number of arguments for 'get' command", replies[0].Err)
	require.Equal(t, redisapi.Reply{Val: "PONG"}, replies[1])
	require.Equal(t, redisapi.Reply{Val: int64(1)}, replies[3])
	nothing, err := s.Do(ctx, []any{"GET", "nothing"}, []any{"PING"}, []any{"GET", "nothing"})
	require.NoError(t, err)
	require.Equal(t, []redisapi.Reply{{}, {Val: "PONG"}, {}}, nothing, "nothing is an answer of one command alone")
	require.ErrorContains(t, replies[4].Said([]any{"config", "none"}), "CONFIG NONE: ERR")
	_, err = s.All(ctx, []any{"PING"}, []any{"GET"})
	var said *redisapi.Said
	require.ErrorAs(t, err, &said)
	require.Equal(t, "GET", said.Command)
	require.Equal(t, "ERR", said.Word())
	v, err := s.Run(ctx, "return {KEYS[1], ARGV[1]}", []string{"k"}, 7)
	require.NoError(t, err)
	require.Equal(t, []string{"k", "7"}, redisapi.Texts(v))
	now, err := s.Time(ctx)
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), now, time.Minute)
	s.Close()
	s.Close()
}
