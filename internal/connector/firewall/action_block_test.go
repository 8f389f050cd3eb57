package firewall_test

import (
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/action/actiontest"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/firewall"
)

func TestBlock(t *testing.T) {
	s := newStreet(t)
	require.Equal(t, "2: hello, 3: hello, 40: hello, v6: hello", s.from(t))
	actiontest.Run(t, actiontest.Case{
		Spec: spec(t, "firewall.block"), Args: map[string]any{"addresses": []any{"10.9." + s.n() + ".2", "10.9." + s.n() + ".3"}, "for": "10m"},
		Open: s.changer, World: s.world, Gone: s.gone,
		Effects: func(t *testing.T) int { return s.effects(t, "blocked4") / 2 },
	})
}

func TestUnblock(t *testing.T) {
	s := newStreet(t)
	d := s.doer(t, "firewall.block")
	address := "fd00:9:" + s.n() + "::/64"
	_, err := d.Preview(t.Context(), change(t, "firewall.block", map[string]any{"addresses": []any{address}}))
	require.ErrorContains(t, err, "an address of this machine")
	address = "fd00:9:" + s.n() + "::2"
	_, err = d.Apply(t.Context(), order(t, d, change(t, "firewall.block", map[string]any{"addresses": []any{address}})))
	require.NoError(t, err)
	require.Equal(t, "2: hello, 3: hello, 40: hello, v6: silence", s.from(t))
	actiontest.Run(t, actiontest.Case{
		Spec: spec(t, "firewall.unblock"), Args: map[string]any{"addresses": []any{address}},
		Open: s.changer, World: s.world, Gone: s.gone,
		Effects: func(t *testing.T) int {
			if strings.Contains(rules(t), address+" timeout") {
				return 0
			}
			return 1
		},
	})
	// The neighbour's address may have to be learnt anew, which takes a second.
	require.Eventually(t, func() bool { return s.from(t) == "2: hello, 3: hello, 40: hello, v6: hello" }, 10*time.Second, 100*time.Millisecond)
}

func TestABlockHoldsAndEndsByItself(t *testing.T) {
	s := newStreet(t)
	d := s.doer(t, "firewall.block")
	o := order(t, d, change(t, "firewall.block", map[string]any{"addresses": []any{"10.9." + s.n() + ".2/31"}, "for": "3s"}))
	require.Equal(t, 3*time.Second, o.Preview.Lasts)
	done, err := d.Apply(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, "2: silence, 3: silence, 40: hello, v6: hello", s.from(t))
	// Nobody does anything: the kernel counts.
	require.Eventually(t, func() bool { return s.from(t) == "2: hello, 3: hello, 40: hello, v6: hello" }, 10*time.Second, 50*time.Millisecond)
	require.NotContains(t, rules(t), "INC-1.1.1-a")
	standing, err := d.Standing(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, action.CannotTell, standing.State, "after a crash nobody knows any more")
	o.Done = &done
	standing, err = d.Standing(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, action.Made, standing.State)
	require.Contains(t, standing.Text, "by itself")
}

func TestWhoMustNotBeLockedOut(t *testing.T) {
	s := newStreet(t)
	here := "10.9." + s.n() + "."
	resolv := filepath.Join(t.TempDir(), "resolv.conf")
	require.NoError(t, os.WriteFile(resolv, []byte("# x\nsearch test\nnameserver 192.0.2.53\nnameserver 2001:db8::53\n"), 0o644))
	require.NoError(t, exec.Command("ip", "route", "add", "203.0.113.0/24", "via", here+"3").Run())
	t.Cleanup(func() { _ = exec.Command("ip", "route", "del", "203.0.113.0/24").Run() })
	t.Setenv("SSH_CONNECTION", "192.0.2.99 50000 192.0.2.1 2222")

	// A session on the SSH port, and a connection of our own to a target.
	ssh, err := net.Listen("tcp", here+"1:0")
	require.NoError(t, err)
	defer ssh.Close()
	_, sshPort, _ := net.SplitHostPort(ssh.Addr().String())
	s.stay(t, here+"2", ssh.Addr().String())
	accepted, err := ssh.Accept()
	require.NoError(t, err)
	defer accepted.Close()

	settings := s.settings()
	settings["resolv_conf"], settings["ssh_ports"] = resolv, []any{sshPort}
	d, _ := open(t, settings).(action.Changer).Doer("firewall.block")
	world := s.world(t)
	for name, c := range map[string]struct{ address, says string }{
		"this machine":                     {here + "1", "an address of this machine"},
		"its network":                      {here + "0/24", "takes in"},
		"this machine by IPv6":             {"fd00:9:" + s.n() + "::1", "an address of this machine"},
		"loopback":                         {"127.0.0.1", "loopback"},
		"loopback by IPv6":                 {"::1", "loopback"},
		"IPv4 in the clothes of IPv6":      {"::ffff:" + here + "1", "an address of this machine"},
		"who works here":                   {"192.0.2.99", "SSH_CONNECTION"},
		"the network of who works here":    {"192.0.2.0/24", "192.0.2."},
		"who is logged in":                 {here + "2", "logged in here"},
		"a gateway":                        {here + "3", "the gateway"},
		"a DNS server":                     {"192.0.2.53", "a DNS server"},
		"a DNS server by IPv6":             {"2001:db8::/48", "a DNS server"},
		"whom the operator keeps":          {here + "40", "settings keep it"},
		"link-local addresses":             {"fe80::1", "link-local"},
		"multicast":                        {"224.0.0.1", "multicast"},
		"everybody":                        {"0.0.0.0/0", "wider than /16"},
		"half of everybody":                {"198.0.0.0/8", "wider than /16"},
		"everybody by IPv6":                {"2000::/3", "wider than"},
		"everybody in the clothes of IPv6": {"::ffff:0:0/96", "wider than"},
		"no address":                       {"example.test", "no address"},
		"a statement in the place of one":  {"192.0.2.1 }; flush ruleset; #", "no address"},
		"an address with a zone":           {"fe80::1%eth0", "no address"},
	} {
		t.Run(name, func(t *testing.T) {
			ch := change(t, "firewall.block", map[string]any{"addresses": []any{c.address}})
			_, err := d.Preview(t.Context(), ch)
			var refusal *action.Refusal
			require.ErrorAs(t, err, &refusal)
			require.ErrorContains(t, err, c.says)
			_, err = d.Apply(t.Context(), action.Order{Change: ch, Key: "INC-1.1.1-a"})
			require.ErrorAs(t, err, &refusal)
		})
	}
	t.Run("whom quell itself is connected to", func(t *testing.T) {
		c, err := net.Dial("tcp", s.listen(t, here+"3"))
		require.NoError(t, err)
		defer c.Close()
		require.NoError(t, exec.Command("ip", "route", "del", "203.0.113.0/24").Run())
		_, err = d.Preview(t.Context(), change(t, "firewall.block", map[string]any{"addresses": []any{here + "3"}}))
		require.ErrorContains(t, err, "quell is connected to it")
	})
	t.Run("what cannot be read is no permission", func(t *testing.T) {
		settings["resolv_conf"] = t.TempDir()
		d, _ := open(t, settings).(action.Changer).Doer("firewall.block")
		_, err := d.Preview(t.Context(), change(t, "firewall.block", map[string]any{"addresses": []any{"198.51.100.7"}}))
		require.ErrorContains(t, err, "cannot be told")
	})
	t.Run("a limit where people log in", func(t *testing.T) {
		d, _ := open(t, settings).(action.Changer).Doer("firewall.rate_limit")
		for _, port := range []float64{2222, number(t, sshPort)} {
			_, err := d.Preview(t.Context(), change(t, "firewall.rate_limit", map[string]any{"port": port, "rate": "1/second"}))
			require.ErrorContains(t, err, "people log in")
		}
	})
	require.Equal(t, world, s.world(t))
}

func number(t *testing.T, text string) float64 {
	t.Helper()
	var n float64
	require.NoError(t, json.Unmarshal([]byte(text), &n))
	return n
}

func TestOverlapsAndRenewals(t *testing.T) {
	s := newStreet(t)
	d := s.doer(t, "firewall.block")
	block := func(key, address, lasts string) (action.Order, error) {
		o := order(t, d, change(t, "firewall.block", map[string]any{"addresses": []any{address}, "for": lasts}))
		o.Key = key
		_, err := d.Apply(t.Context(), o)
		return o, err
	}
	first, err := block("INC-1.1.1-a", "198.51.100.0/24", "1h")
	require.NoError(t, err)
	p, err := d.Preview(t.Context(), change(t, "firewall.block", map[string]any{"addresses": []any{"198.51.100.7"}, "for": "10m"}))
	require.NoError(t, err)
	require.True(t, p.Already, "a network that is blocked for longer takes it in")
	_, err = d.Preview(t.Context(), change(t, "firewall.block", map[string]any{"addresses": []any{"198.51.100.7"}, "for": "2h"}))
	require.ErrorContains(t, err, "overlaps with 198.51.100.0/24")
	_, err = d.Preview(t.Context(), change(t, "firewall.block", map[string]any{"addresses": []any{"198.51.0.0/16"}}))
	require.ErrorContains(t, err, "overlaps")

	// The same for longer takes the place of the first, whose undo then finds
	// nothing of its own.
	second, err := block("INC-1.1.2-a", "198.51.100.0/24", "2h")
	require.NoError(t, err)
	require.Contains(t, second.Preview.Items[0].Now, "INC-1.1.1-a")
	standing, err := d.Standing(t.Context(), first)
	require.NoError(t, err)
	require.Equal(t, action.NotMade, standing.State)
	undo := s.doer(t, "firewall.unblock")
	p, err = undo.Preview(t.Context(), change(t, "firewall.unblock", map[string]any{"addresses": []any{"198.51.100.0/24"}, "order": "INC-1.1.1-a"}))
	require.NoError(t, err)
	require.True(t, p.Already)
	p, err = undo.Preview(t.Context(), change(t, "firewall.unblock", map[string]any{"addresses": []any{"198.51.100.0/24"}}))
	require.NoError(t, err)
	require.False(t, p.Already)

	// Somebody blocks it by hand between preview and act.
	o := order(t, d, change(t, "firewall.block", map[string]any{"addresses": []any{"203.0.113.9"}, "for": "1h"}))
	nft(t, "add element inet "+s.table+" blocked4 { 203.0.113.9 timeout 1m comment \"by hand\" }")
	_, err = d.Apply(t.Context(), o)
	var failure *action.Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, action.NotMade, failure.State)

	// The rules that drop are taken away: what is in the table then does nothing.
	nft(t, "flush chain inet "+s.table+" block")
	standing, err = d.Standing(t.Context(), second)
	require.NoError(t, err)
	require.Equal(t, action.PartlyMade, standing.State)
	_, err = block("INC-1.1.3-a", "10.9."+s.n()+".2", "1m")
	require.NoError(t, err)
	require.Equal(t, "2: silence, 3: hello, 40: hello, v6: hello", s.from(t), "the next block brings them back")

	bad := order(t, d, change(t, "firewall.block", map[string]any{"addresses": []any{"203.0.113.10"}}))
	bad.Key = `x" } ; flush ruleset`
	_, err = d.Apply(t.Context(), bad)
	require.ErrorContains(t, err, "key")
}

func TestATableOfSomebodyElseIsLeftAlone(t *testing.T) {
	s := newStreet(t)
	before := rules(t)
	settings := s.settings()
	settings["table"] = "inet theirs"
	for name, args := range map[string]map[string]any{
		"firewall.block":      {"addresses": []any{"198.51.100.7"}},
		"firewall.unblock":    {"addresses": []any{"198.51.100.7"}},
		"firewall.rate_limit": {"port": 80.0, "rate": "1/second"},
		"firewall.unlimit":    {"port": 80.0},
	} {
		d, _ := open(t, settings).(action.Changer).Doer(name)
		_, err := d.Preview(t.Context(), change(t, name, args))
		require.ErrorContains(t, err, "not quell's", name)
		_, err = d.Apply(t.Context(), action.Order{Change: change(t, name, args), Key: "INC-1.1.1-a"})
		require.Error(t, err, name)
	}
	require.Equal(t, before, rules(t))
	for _, table := range []string{"ip quell", "quell", "inet a b", "inet x;flush"} {
		_, err := firewall.Kind().Open(connector.Settings{"table": table}, connector.Tools{})
		require.Error(t, err, table)
	}
}
