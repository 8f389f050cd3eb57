package redis_test

import (
	"bufio"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/redis"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/realserver"
)

// A server that greets well and then lies about lengths, or never stops, ends
// the question and nothing else.
func TestAServerThatLiesEndsOnlyTheQuestion(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		reply  string
		status evidence.Status
	}{
		"a text longer than memory":  {"$9223372036854775806\r\nx", evidence.Unreachable},
		"a list longer than memory":  {"*9223372036854775806\r\n", evidence.Unreachable},
		"a negative length":          {"$-7\r\n", evidence.Unreachable},
		"a kind that does not exist": {"?what\r\n", evidence.Unreachable},
		"more than the limit":        {"$67108864\r\n" + strings.Repeat("x", 9<<20), evidence.Refused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := openURL(t, "redis://"+liar(t, test.reply))
			a := ask(t, target, "redis.info", nil)
			require.Equal(t, test.status, a.Status, a.Reason)
			require.NotEmpty(t, a.Reason)
		})
	}
}

// liar answers PING, CLIENT and HELLO as Redis does, and everything else with reply.
func liar(t *testing.T, reply string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				for in := bufio.NewScanner(conn); in.Scan(); {
					switch strings.ToUpper(strings.TrimSpace(in.Text())) {
					case "PING":
						_, _ = conn.Write([]byte("+PONG\r\n"))
					case "CLIENT":
						_, _ = conn.Write([]byte("+OK\r\n"))
					case "HELLO":
						_, _ = conn.Write([]byte("-ERR unknown command 'HELLO'\r\n"))
					case "INFO":
						_, _ = conn.Write([]byte(reply))
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

// Nothing of a target runs on after it was closed.
func TestCloseLeavesNothingBehind(t *testing.T) {
	s := realserver.Redis(t)
	ignore := goleak.IgnoreCurrent()
	target, err := redis.Kind().Open(connector.Settings{"url": s.URL()}, connector.Tools{})
	require.NoError(t, err)
	require.Equal(t, evidence.Answered, ask(t, target, "redis.info", nil).Status)
	require.NoError(t, target.Close())
	goleak.VerifyNone(t, ignore)
}
