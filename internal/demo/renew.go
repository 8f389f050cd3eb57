package demo

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// socketVariable tells a process that follows another which of its files is the
// socket.
const socketVariable = "QUELL_DEMO_SOCKET"

// handOver makes ready for another release: nothing more is accepted here, and
// whoever comes waits at the socket for the process that follows. s.mu is held.
func (s *server) handOver() error {
	heir, err := s.socket.File()
	if err != nil {
		return fmt.Errorf("keep the shop's port: %w", err)
	}
	s.heir = heir
	s.http.SetKeepAlivesEnabled(false)
	return s.socket.Close()
}

// renewWhenAnswered lets the answer go out first.
func (s *server) renewWhenAnswered(w http.ResponseWriter) {
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
	s.renewal <- struct{}{}
}

// renew puts another process in the place of this one: the program is read
// anew, its memory is new, and the socket is the same. It returns only if that
// fails.
func (s *server) renew() error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the shop's program: %w", err)
	}
	if _, err := unix.FcntlInt(s.heir.Fd(), unix.F_SETFD, 0); err != nil { // it stays open
		return fmt.Errorf("hand the shop's port on: %w", err)
	}
	env := []string{socketVariable + "=" + strconv.Itoa(int(s.heir.Fd()))}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, socketVariable+"=") {
			env = append(env, v)
		}
	}
	return syscall.Exec(program, os.Args, env)
}

// inherited is the socket that the process before us has left; nil where it
// has not.
func inherited() (*net.TCPListener, error) {
	n, err := strconv.Atoi(os.Getenv(socketVariable))
	if err != nil {
		return nil, nil
	}
	file := os.NewFile(uintptr(n), "socket")
	defer file.Close()
	socket, err := net.FileListener(file)
	if err != nil {
		return nil, fmt.Errorf("take the shop's port over: %w", err)
	}
	return socket.(*net.TCPListener), nil
}
