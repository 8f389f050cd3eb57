package stack

import (
	"fmt"
	"net"
	"sync"
	"time"
)

// Wire is the network between the service and something that it depends on: a
// proxy that carries bytes as they are, until a fault makes it slow or cuts it.
// When nobody listens at the other end it refuses, as the other end would.
type Wire struct {
	address string // where it listens
	to      string

	mu       sync.Mutex
	listener net.Listener
	delay    time.Duration
	cut      bool
	open     map[net.Conn]bool
	closed   bool
}

// wire starts one.
func wire(to string) (*Wire, error) {
	port, err := ports(1)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port[0]))
	if err != nil {
		return nil, err
	}
	w := &Wire{address: l.Addr().String(), to: to, listener: l, open: map[net.Conn]bool{}}
	go w.accept(l)
	return w, nil
}

// Address is where the service finds it.
func (w *Wire) Address() string { return w.address }

// Delay makes every piece of data from the service arrive so much later; 0 ends it.
func (w *Wire) Delay(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.delay = d
}

// Cut lets nothing through and says nothing, as a firewall that drops; false ends it.
func (w *Wire) Cut(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = cut
}

// Break resets every connection that is open.
func (w *Wire) Break() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.open {
		reset(c)
	}
}

func (w *Wire) close() {
	w.mu.Lock()
	w.closed = true
	if w.listener != nil {
		_ = w.listener.Close()
	}
	w.mu.Unlock()
	w.Break()
}

func (w *Wire) state() (time.Duration, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.delay, w.cut
}

func (w *Wire) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go w.carry(l, c)
	}
}

// carry joins one connection with the other end.
func (w *Wire) carry(l net.Listener, near net.Conn) {
	for _, cut := w.state(); cut; _, cut = w.state() {
		time.Sleep(50 * time.Millisecond)
	}
	far, err := net.DialTimeout("tcp", w.to, 2*time.Second)
	if err != nil {
		reset(near)
		w.refuse(l)
		return
	}
	w.mu.Lock()
	w.open[near], w.open[far] = true, true
	w.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { w.copy(far, near, true) })
	both.Go(func() { w.copy(near, far, false) })
	both.Wait()
	w.mu.Lock()
	delete(w.open, near)
	delete(w.open, far)
	w.mu.Unlock()
	near.Close()
	far.Close()
}

// copy carries one direction until it ends.
func (w *Wire) copy(to, from net.Conn, slowed bool) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		for _, cut := w.state(); n > 0 && cut; _, cut = w.state() {
			time.Sleep(50 * time.Millisecond)
		}
		if delay, _ := w.state(); slowed && n > 0 && delay > 0 {
			time.Sleep(delay)
		}
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				break
			}
		}
		if err != nil {
			break
		}
	}
	if half, ok := to.(*net.TCPConn); ok {
		_ = half.CloseWrite()
	}
}

// refuse closes the listener until the other end answers again.
func (w *Wire) refuse(l net.Listener) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || w.listener != l {
		return
	}
	_ = l.Close()
	w.listener = nil
	go w.reopen()
}

func (w *Wire) reopen() {
	for {
		time.Sleep(200 * time.Millisecond)
		far, err := net.DialTimeout("tcp", w.to, time.Second)
		w.mu.Lock()
		if w.closed {
			w.mu.Unlock()
			return
		}
		if err != nil {
			w.mu.Unlock()
			continue
		}
		far.Close()
		l, err := net.Listen("tcp", w.address)
		if err != nil {
			w.mu.Unlock()
			continue
		}
		w.listener = l
		w.mu.Unlock()
		go w.accept(l)
		return
	}
}

func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}
