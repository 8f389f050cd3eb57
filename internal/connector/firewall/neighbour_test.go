package firewall_test

import (
	"bufio"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/firewall"
)

func kind() connector.Kind { return firewall.Kind() }

// What the test binary can do at the neighbour's, beside calling: stay
// connected to an address, and listen at one.
const (
	asGuest    = "QUELL_TEST_FIREWALL_GUEST"
	asListener = "QUELL_TEST_FIREWALL_LISTEN"
)

func init() {
	stay := func(c net.Listener, err error) {
		if err != nil {
			os.Exit(1)
		}
		os.Stdout.WriteString(c.Addr().String() + "\n")
		for {
			if _, err := c.Accept(); err != nil {
				os.Exit(1)
			}
		}
	}
	if text := os.Getenv(asGuest); text != "" {
		from, to, _ := strings.Cut(text, " ")
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		c, err := d.Dial("tcp", to)
		if err != nil {
			os.Exit(1)
		}
		_, _ = c.Read(make([]byte, 1)) // until the other side hangs up
		os.Exit(0)
	}
	if at := os.Getenv(asListener); at != "" {
		stay(net.Listen("tcp", net.JoinHostPort(at, "0")))
	}
}

// startClient keeps a connection from the neighbour until the function that it
// returns is called.
func startClient(t *testing.T, s *street, from, to string) func() {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	c := s.neighbour.Command(self)
	c.Env = append(os.Environ(), asGuest+"="+from+" "+to)
	require.NoError(t, c.Start())
	return func() { _ = c.Process.Kill(); _ = c.Wait() }
}

// listenAt makes the neighbour listen at one of his addresses and returns where.
func listenAt(t *testing.T, s *street, at string) string {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	c := s.neighbour.Command(self)
	c.Env = append(os.Environ(), asListener+"="+at)
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	return strings.TrimSpace(line)
}
