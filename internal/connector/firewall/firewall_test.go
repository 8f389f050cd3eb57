package firewall_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/firewall"
	"github.com/quellhq/quell/internal/realserver"
)

func TestMain(m *testing.M) {
	if role := strings.Fields(os.Getenv(asNeighbour)); len(role) > 0 {
		os.Exit(beNeighbour(role[0], role[1:]))
	}
	os.Exit(realserver.OwnNetwork(m))
}

// street is a machine (the tests' own network) with a neighbour who has several
// addresses, and somebody else's firewall rules on it.
type street struct {
	neighbour *realserver.Neighbour
	caller    *caller
	port      string // where this machine answers
	events    string // file of what nft monitor says
	table     string
}

// The tests share one network, so they run one after the other, and each has
// addresses and a table of its own.
var streets atomic.Int64

func newStreet(t *testing.T) *street {
	t.Helper()
	realserver.NeedNetwork(t)
	n := streets.Add(1)
	s := &street{table: fmt.Sprintf("quell%d", n)}
	net4 := func(last string) string { return fmt.Sprintf("10.9.%d.%s", n, last) }
	net6 := func(last string) string { return fmt.Sprintf("fd00:9:%d::%s", n, last) }
	s.neighbour = realserver.StartNeighbour(t, []string{net4("1/24"), net6("1/64")}, []string{net4("2/24"), net4("3/24"), net4("40/24"), net6("2/64")})
	l, err := net.Listen("tcp", ":0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("hello"))
			c.Close()
		}
	}()
	_, s.port, err = net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	nft(t, "add table inet theirs; add set inet theirs marks { type ipv4_addr; }; add chain inet theirs input { type filter hook input priority 0; }; add rule inet theirs input ip saddr 198.51.100.1 drop")
	t.Cleanup(func() {
		for _, table := range []string{"theirs", s.table} {
			_ = exec.Command("nft", "delete", "table", "inet", table).Run()
		}
	})
	s.watch(t)
	s.caller = s.startCaller(t)
	return s
}

// watch keeps what nft monitor says of new elements in a file.
func (s *street) watch(t *testing.T) {
	t.Helper()
	s.events = filepath.Join(t.TempDir(), "events")
	realserver.Start(t, "", "", s.events, "nft", "monitor", "new")
	s.settle(t)
}

// settle returns what the monitor has said, once it has said all of it.
func (s *street) settle(t *testing.T) string {
	t.Helper()
	for mark := 1; ; mark++ {
		address := fmt.Sprintf("198.51.100.%d", mark)
		_ = exec.Command("nft", "delete", "element", "inet", "theirs", "marks", "{ "+address+" }").Run()
		before := strings.Count(s.said(t), address)
		nft(t, "add element inet theirs marks { "+address+" }")
		for end := time.Now().Add(200 * time.Millisecond); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			if said := s.said(t); strings.Count(said, address) > before {
				nft(t, "delete element inet theirs marks { "+address+" }")
				return said
			}
		}
		require.Less(t, mark, 50, "nft monitor says nothing")
	}
}

func (s *street) said(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(s.events)
	require.NoError(t, err)
	return string(data)
}

// effects counts the elements that were added to a set of ours.
func (s *street) effects(t *testing.T, set string) int {
	t.Helper()
	n := 0
	for _, line := range strings.Split(s.settle(t), "\n") {
		if strings.Contains(line, "add element inet "+s.table+" "+set) {
			n++
		}
	}
	return n
}

func nft(t *testing.T, script string) string {
	t.Helper()
	c := exec.Command("nft", "-f", "-")
	c.Stdin = strings.NewReader(script)
	out, err := c.CombinedOutput()
	require.NoError(t, err, "%s: %s", script, out)
	return string(out)
}

func rules(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("nft", "list", "ruleset").CombinedOutput()
	require.NoError(t, err, string(out))
	return string(out)
}

var (
	counted = regexp.MustCompile(`(counter packets )\d+ bytes \d+|( expires )[0-9a-z]+`)
)

// from is whether the neighbour gets through with each of his addresses.
func (s *street) from(t *testing.T) string {
	t.Helper()
	var out []string
	for _, last := range []string{"2", "3", "40"} {
		out = append(out, last+": "+s.call(t, "10.9."+s.n()+"."+last, "10.9."+s.n()+".1"))
	}
	return strings.Join(append(out, "v6: "+s.call(t, "fd00:9:"+s.n()+"::2", "fd00:9:"+s.n()+"::1")), ", ")
}

func (s *street) n() string { return strings.TrimPrefix(s.table, "quell") }

// world is somebody else's table as it is, what ours blocks and limits, and who
// gets through. The empty sets and rules that stay behind do nothing.
func (s *street) world(t *testing.T) string {
	t.Helper()
	var kept []string
	theirs, _, _ := strings.Cut(rules(t), "table inet "+s.table)
	kept = append(kept, theirs)
	for _, line := range strings.Split(rules(t), "\n") {
		if strings.Contains(line, "comment") || strings.Contains(line, "limit rate") {
			kept = append(kept, counted.ReplaceAllString(line, "$1$2"))
		}
	}
	return strings.Join(kept, "\n") + s.from(t)
}

func (s *street) settings() connector.Settings {
	return connector.Settings{"table": "inet " + s.table, "keep": []any{"10.9." + s.n() + ".40"}}
}

func (s *street) changer(t *testing.T) action.Changer {
	t.Helper()
	return open(t, s.settings()).(action.Changer)
}

func open(t *testing.T, settings connector.Settings) connector.Target {
	t.Helper()
	target, err := firewall.Kind().Open(settings, connector.Tools{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, target.Close()) })
	return target
}

// gone is a machine on which nobody answers for nftables.
func (s *street) gone(t *testing.T) action.Changer {
	t.Helper()
	settings := s.settings()
	settings["binary"] = "/no/nft"
	return open(t, settings).(action.Changer)
}

func (s *street) doer(t *testing.T, name string) action.Doer {
	t.Helper()
	d, ok := s.changer(t).Doer(name)
	require.True(t, ok)
	return d
}

func spec(t *testing.T, name string) action.Spec {
	t.Helper()
	for _, s := range firewall.Kind().Actions {
		if s.Name == name {
			return s
		}
	}
	t.Fatal("no action " + name)
	return action.Spec{}
}

func change(t *testing.T, name string, args map[string]any) action.Change {
	t.Helper()
	complete, err := spec(t, name).Complete(args)
	require.NoError(t, err)
	return action.Change{Type: name, Args: complete}
}

func order(t *testing.T, d action.Doer, c action.Change) action.Order {
	t.Helper()
	p, err := d.Preview(t.Context(), c)
	require.NoError(t, err)
	return action.Order{Change: c, Preview: p, Key: "INC-1.1.1-a", By: "tester", Intended: time.Now()}
}
