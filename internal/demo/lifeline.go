package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// lifeline ties the shop's process to ours, however either ends: whoever starts
// it, it connects to this port, and when the connection breaks it ends. So
// nothing is left behind when quell is killed, and whoever restarts the shop
// need not know of us.
type lifeline struct {
	address string
	socket  *net.TCPListener

	mu       sync.Mutex
	lines    []*net.TCPConn
	ended    bool
	all      sync.WaitGroup
	children sync.WaitGroup // processes that we started ourselves
}

func newLifeline() (*lifeline, error) {
	socket, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, fmt.Errorf("open a port for the shop's process: %w", err)
	}
	l := &lifeline{address: socket.Addr().String(), socket: socket}
	l.all.Go(func() {
		for {
			line, err := socket.AcceptTCP()
			if err != nil {
				return
			}
			l.hold(line)
		}
	})
	return l, nil
}

func (l *lifeline) hold(line *net.TCPConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		_ = line.Close() // it came too late, and ends
		return
	}
	l.lines = append(l.lines, line)
	l.all.Go(func() {
		_, _ = io.Copy(io.Discard, line) // until the process is gone
		_ = line.Close()
	})
}

// end lets go, and waits until every process is gone.
func (l *lifeline) end() error {
	l.mu.Lock()
	l.ended = true
	_ = l.socket.Close()
	for _, line := range l.lines {
		_ = line.CloseWrite() // one that is gone already has nothing to hear
		_ = line.SetReadDeadline(time.Now().Add(patience))
	}
	l.mu.Unlock()
	l.all.Wait()
	gone := make(chan struct{})
	go func() { l.children.Wait(); close(gone) }()
	select {
	case <-gone:
		return nil
	case <-time.After(patience):
		return errors.New("the shop's process has not ended")
	}
}

// patience is how long the shop's process may take to end.
const patience = 10 * time.Second

// tied takes the other end of a lifeline, and returns a context that ends with
// it. The line is to be closed last of all.
func tied(ctx context.Context, address string) (context.Context, net.Conn, error) {
	line, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, nil, fmt.Errorf("reach whoever has opened the shop: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		_, _ = io.Copy(io.Discard, line)
	}()
	return ctx, line, nil
}
