package host_test

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestHowConnectionsFare(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c) }()
		}
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	stop := make(chan struct{})
	done := make(chan struct{})
	t.Cleanup(func() { close(stop); <-done; _ = c.Close() })
	go func() {
		defer close(done)
		buffer := make([]byte, 8)
		for {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
			_, _ = c.Write(buffer)
			_, _ = io.ReadFull(c, buffer)
		}
	}()
	a := ask(t, nil, "host.paths", map[string]any{"sample": 300 * time.Millisecond})
	v := object(t, a)
	for _, r := range v["peers"].([]any) {
		row := r.(map[string]any)
		if row["peer"] != l.Addr().String() {
			continue
		}
		require.Equal(t, "out", row["direction"])
		require.Equal(t, true, row["local"])
		require.Greater(t, row["sent"], int64(20))
		require.Less(t, row["rtt_s"], 1.0)
		require.EqualValues(t, 0, row["stuck"])
		return
	}
	t.Fatalf("the connection is not there: %v", v)
}
