package firewall_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// asNeighbour makes the test binary do what a neighbour's machine does, and
// nothing else.
const asNeighbour = "QUELL_TEST_FIREWALL_NEIGHBOUR"

func beNeighbour(role string, args []string) int {
	switch role {
	case "call": // as often as it is told to: from where, to where
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
			from, to, _ := strings.Cut(lines.Text(), " ")
			fmt.Println(hear(from, to))
		}
		return 0
	case "stay":
		c, err := dial(args[0], args[1])
		if err != nil {
			return 1
		}
		_, _ = c.Read(make([]byte, 1)) // until the other side hangs up
		return 0
	case "listen":
		l, err := net.Listen("tcp", net.JoinHostPort(args[0], "0"))
		if err != nil {
			return 1
		}
		fmt.Println(l.Addr())
		for {
			if _, err := l.Accept(); err != nil {
				return 1
			}
		}
	}
	return 2
}

func dial(from, to string) (net.Conn, error) {
	d := net.Dialer{Timeout: 400 * time.Millisecond, LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	return d.Dial("tcp", to)
}

// hear connects and returns what it is told, "silence" for nothing.
func hear(from, to string) string {
	c, err := dial(from, to)
	if err != nil {
		return "silence"
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Second))
	text, err := io.ReadAll(c)
	if err != nil {
		return "silence"
	}
	return string(text)
}

func (s *street) atNeighbours(t *testing.T, role ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	c := s.neighbour.Command(self)
	c.Env = append(os.Environ(), asNeighbour+"="+strings.Join(role, " "))
	return c
}

// caller is a process at the neighbour's that calls as often as it is told to.
type caller struct {
	in  io.Writer
	out *bufio.Reader
}

func (s *street) startCaller(t *testing.T) *caller {
	t.Helper()
	c := s.atNeighbours(t, "call")
	in, err := c.StdinPipe()
	require.NoError(t, err)
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	t.Cleanup(func() { _ = in.Close(); _ = c.Wait() })
	return &caller{in, bufio.NewReader(out)}
}

// call is what the neighbour hears at the machine's port.
func (s *street) call(t *testing.T, from, to string) string {
	t.Helper()
	_, err := fmt.Fprintln(s.caller.in, from, net.JoinHostPort(to, s.port))
	require.NoError(t, err)
	heard, err := s.caller.out.ReadString('\n')
	require.NoError(t, err)
	return strings.TrimSpace(heard)
}

// stay keeps a connection from the neighbour until the test ends.
func (s *street) stay(t *testing.T, from, to string) {
	t.Helper()
	c := s.atNeighbours(t, "stay", from, to)
	require.NoError(t, c.Start())
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
}

// listen makes the neighbour listen at one of his addresses and returns where.
func (s *street) listen(t *testing.T, at string) string {
	t.Helper()
	c := s.atNeighbours(t, "listen", at)
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	return strings.TrimSpace(line)
}
