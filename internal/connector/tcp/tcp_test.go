package tcp_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/tcp"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/realserver"
)

func open(t *testing.T, s connector.Settings, tools connector.Tools) connector.Target {
	t.Helper()
	target, err := tcp.Kind().Open(s, tools)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, target.Close()) })
	return target
}

func connect(t *testing.T, address string, within time.Duration) map[string]any {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	a := open(t, connector.Settings{"address": address}, connector.Tools{}).Ask(ctx, probe.Question{Lang: "probe", Builtin: "tcp.connect", Args: map[string]any{"count": 2.0}})
	require.NoError(t, ctx.Err(), "the answer came after the deadline")
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	return a.Value.(map[string]any)
}

func TestConnect(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()

	t.Run("open", func(t *testing.T) {
		v := connect(t, l.Addr().String(), time.Second)
		require.Equal(t, true, v["ok"])
		require.Equal(t, "", v["error"])
		require.Len(t, v["addresses"], 2)
		require.Less(t, v["connect_s"].(float64), 0.5)
	})
	t.Run("refused at once", func(t *testing.T) {
		v := connect(t, fmt.Sprintf("127.0.0.1:%d", realserver.Port(t)), time.Second)
		require.Equal(t, false, v["ok"])
		require.Equal(t, "refused", v["error"])
		require.Equal(t, "connect", v["phase_failed"])
		require.Nil(t, v["connect_s"])
		require.Equal(t, 0.0, v["ok_share"])
	})
	t.Run("silence: a queue that is full and never emptied", func(t *testing.T) {
		v := connect(t, fullQueue(t), time.Second)
		require.Equal(t, "timeout", v["error"])
	})
	t.Run("no such name", func(t *testing.T) {
		v := connect(t, "no-such-host.invalid:80", 3*time.Second)
		require.Equal(t, "dns", v["phase_failed"])
		require.Contains(t, []any{"no_such_host", "lookup_failed", "timeout"}, v["error"])
	})
	t.Run("documented fields are there, and no other", func(t *testing.T) {
		v := connect(t, l.Addr().String(), time.Second)
		var want, got []string
		for _, f := range tcp.Kind().Probes[0].Fields {
			want = append(want, f.Name)
		}
		for k := range v {
			got = append(got, k)
		}
		require.ElementsMatch(t, want, got)
	})
	t.Run("a fence asks several ports of the same host", func(t *testing.T) {
		_, port, _ := net.SplitHostPort(l.Addr().String())
		target := open(t, connector.Settings{"url": "http://127.0.0.1:1"}, connector.Tools{})
		a := target.Ask(context.Background(), probe.Question{Lang: "tcp", Text: probe.Literal("# both\nconnect " + port + "\nconnect 1\n")})
		rows := a.Value.([]any)
		require.Len(t, rows, 2)
		require.Equal(t, true, rows[0].(map[string]any)["ok"])
		require.Equal(t, "refused", rows[1].(map[string]any)["error"])
	})
	t.Run("a fence stays on its host, and is no scan", func(t *testing.T) {
		check := tcp.Kind().Languages[0].Check
		for _, bad := range []string{"", "connect", "connect 10.0.0.1:80", "open 80", "connect 99999", strings.Repeat("connect 80\n", 17)} {
			require.NotEmpty(t, check(probe.Literal(bad), nil), "%q", bad)
		}
		require.Empty(t, check(probe.Literal("connect 80"), nil))
	})
	t.Run("examine", func(t *testing.T) {
		good := open(t, connector.Settings{"address": l.Addr().String()}, connector.Tools{}).(connector.Examiner).Examine(context.Background())
		require.True(t, good[0].OK)
		bad := open(t, connector.Settings{"address": "127.0.0.1:1"}, connector.Tools{}).(connector.Examiner).Examine(context.Background())
		require.False(t, bad[0].OK)
		require.Contains(t, bad[0].Detail, "refused")
	})
	t.Run("interrupted and closed ask nothing", func(t *testing.T) {
		target := open(t, connector.Settings{"address": "127.0.0.1:1"}, connector.Tools{})
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		q := probe.Question{Lang: "probe", Builtin: "tcp.connect"}
		require.Equal(t, evidence.NotAsked, target.Ask(ctx, q).Status)
		require.NoError(t, target.Close())
		require.Equal(t, evidence.NotAsked, target.Ask(context.Background(), q).Status)
	})
	t.Run("a spent budget is not an unreachable port", func(t *testing.T) {
		gate := connector.NewGate(connector.Limits{Requests: 1})
		target := open(t, connector.Settings{"address": l.Addr().String()}, connector.Tools{Gate: gate})
		q := probe.Question{Lang: "probe", Builtin: "tcp.connect"}
		require.Equal(t, evidence.Answered, target.Ask(context.Background(), q).Status)
		require.Equal(t, evidence.NotAsked, target.Ask(context.Background(), q).Status)
	})
}

// fullQueue listens with the smallest backlog, fills it, and never accepts:
// Linux then drops further first packets, which is what a blocked network
// looks like.
func fullQueue(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = syscall.Close(fd) })
	require.NoError(t, syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	require.NoError(t, syscall.Listen(fd, 0))
	name, err := syscall.Getsockname(fd)
	require.NoError(t, err)
	address := fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
	for range 8 {
		c, err := net.DialTimeout("tcp", address, 100*time.Millisecond)
		if err != nil {
			require.True(t, os.IsTimeout(err), err)
			return address
		}
		t.Cleanup(func() { _ = c.Close() })
	}
	t.Fatal("the queue never filled")
	return ""
}

func TestSettings(t *testing.T) {
	t.Parallel()
	for says, s := range map[string]connector.Settings{
		"address is missing":        {},
		"address must be host:port": {"address": "x"},
		"names no port":             {"url": "foo://x"},
		"unknown setting":           {"addres": "x:1"},
	} {
		_, err := tcp.Kind().Open(s, connector.Tools{})
		require.ErrorContains(t, err, says)
	}
}
