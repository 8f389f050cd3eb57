package store_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/realserver"
)

// wire stands between a store and its server, and can be cut at the worst
// moment: when COMMIT passes.
type wire struct {
	address string
	server  string
	down    atomic.Bool             // takes no connections
	commit  atomic.Pointer[atWorst] // what happens to the next COMMIT, once
	wg      sync.WaitGroup
}

// atWorst gets the connections of both sides and the message with COMMIT, which
// has not been sent on. No answer reaches the client any more, and both connections are closed after it returns.
type atWorst func(client, server net.Conn, message []byte)

func newWire(t testing.TB, p *realserver.Postgres) *wire {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w := &wire{address: listener.Addr().String(), server: fmt.Sprintf("127.0.0.1:%d", p.Port)}
	t.Cleanup(func() { _ = listener.Close(); w.wg.Wait() })
	w.wg.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", w.server)
			if err != nil || w.down.Load() {
				_ = client.Close()
				continue
			}
			answers := &answers{Writer: client}
			w.wg.Go(func() { _, _ = io.Copy(answers, server); _ = client.Close() })
			w.wg.Go(func() { w.carry(client, server, answers); _ = client.Close(); _ = server.Close() })
		}
	})
	return w
}

// url is the address of a role and a database behind the wire.
func (w *wire) url(p *realserver.Postgres) string {
	return strings.Replace(p.URL("postgres", "app"), fmt.Sprintf("127.0.0.1:%d", p.Port), w.address, 1)
}

// answers are what the server says to the client, until they get lost.
type answers struct {
	io.Writer
	lost atomic.Bool
}

func (a *answers) Write(p []byte) (int, error) {
	if a.lost.Load() {
		return len(p), nil
	}
	return a.Writer.Write(p)
}

// carry sends on what the client says. A statement without arguments comes in a
// message of its own, and the client waits for its answer.
func (w *wire) carry(client, server net.Conn, answers *answers) {
	buffer := make([]byte, 1<<16)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		if bytes.Contains(buffer[:n], []byte("COMMIT\x00")) {
			if worst := w.commit.Swap(nil); worst != nil {
				answers.lost.Store(true)
				(*worst)(client, server, bytes.Clone(buffer[:n]))
				return
			}
		}
		if _, err := server.Write(buffer[:n]); err != nil {
			return
		}
	}
}
