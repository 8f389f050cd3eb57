package firewall

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/quellhq/quell/internal/action"
)

// kept is an address or a network that must not be blocked, and why.
type kept struct {
	prefix netip.Prefix
	why    string
}

// everywhere are networks that mean this machine, everybody, or the wire itself.
var everywhere = []kept{
	{netip.MustParsePrefix("0.0.0.0/8"), "this machine"},
	{netip.MustParsePrefix("127.0.0.0/8"), "this machine (loopback)"},
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local addresses"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast"},
	{netip.MustParsePrefix("255.255.255.255/32"), "broadcast"},
	{netip.MustParsePrefix("::/127"), "this machine (loopback)"},
	{netip.MustParsePrefix("fe80::/10"), "link-local addresses"},
	{netip.MustParsePrefix("ff00::/8"), "multicast"},
}

// refuse finds what of the networks must not be blocked. What cannot be read
// counts as a reason too: nobody is locked out by a guess.
func (t *target) refuse(networks []netip.Prefix) error {
	known, err := t.known()
	if err != nil {
		return action.Refuse("run quell where that can be read", "whom not to lock out cannot be told: %s", err)
	}
	for _, p := range networks {
		for _, k := range known {
			if p.Overlaps(k.prefix) {
				return action.Refuse("leave it out", "%s takes in %s: %s", p, written(k.prefix), k.why)
			}
		}
	}
	return nil
}

// known lists everybody whom we must not lock out, as far as this machine knows.
func (t *target) known() ([]kept, error) {
	all := append([]kept{}, everywhere...)
	for _, p := range t.config.keep {
		all = append(all, kept{p, "the target's settings keep it"})
	}
	for _, find := range []func() ([]kept, error){ownAddresses, t.loggedIn, ourPeers, gateways, t.resolvers} {
		found, err := find()
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

func single(a netip.Addr, why string) kept {
	a = a.Unmap().WithZone("")
	return kept{netip.PrefixFrom(a, a.BitLen()), why}
}

func ownAddresses() ([]kept, error) {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("list the addresses of this machine: %w", err)
	}
	var out []kept
	for _, a := range list {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			out = append(out, single(p.Addr(), "an address of this machine"))
		}
	}
	return out, nil
}

// loggedIn are the clients of the sessions that we may be working in: the one
// that our environment names, and everybody who is connected to an SSH port.
func (t *target) loggedIn() ([]kept, error) {
	const why = "somebody is logged in here from it"
	var out []kept
	for _, name := range []string{"SSH_CONNECTION", "SSH_CLIENT"} {
		client, _, _ := strings.Cut(os.Getenv(name), " ")
		if a, err := netip.ParseAddr(client); err == nil {
			out = append(out, single(a, why+" ("+name+")"))
		}
	}
	all, err := connections()
	for _, c := range all {
		if t.sshPort(c.local.Port()) {
			out = append(out, single(c.remote.Addr(), why))
		}
	}
	return out, err
}

// sshPort reports whether people log in on a port.
func (t *target) sshPort(port uint16) bool {
	if fields := strings.Fields(os.Getenv("SSH_CONNECTION")); len(fields) == 4 && fields[3] == fmt.Sprint(port) {
		return true
	}
	return t.config.ssh[port]
}

// ourPeers are those whom quell itself is connected to: databases and other
// targets.
func ourPeers() ([]kept, error) {
	const dir = "/proc/self/fd"
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list our own connections: %w", err)
	}
	ours := map[string]bool{}
	for _, e := range entries {
		link, err := os.Readlink(dir + "/" + e.Name())
		if inode, ok := strings.CutPrefix(link, "socket:["); err == nil && ok {
			ours[strings.TrimSuffix(inode, "]")] = true
		}
	}
	all, err := connections()
	var out []kept
	for _, c := range all {
		if ours[c.inode] {
			out = append(out, single(c.remote.Addr(), "quell is connected to it"))
		}
	}
	return out, err
}

func (t *target) resolvers() ([]kept, error) {
	data, err := os.ReadFile(t.config.Resolv)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the DNS servers: %w", err)
	}
	var out []kept
	for line := range strings.Lines(string(data)) {
		fields := strings.Fields(line)
		if len(fields) < 2 || fields[0] != "nameserver" {
			continue
		}
		if a, err := netip.ParseAddr(fields[1]); err == nil {
			out = append(out, single(a, "a DNS server of this machine"))
		}
	}
	return out, nil
}

// gateways are the ways out of this machine's networks.
func gateways() ([]kept, error) {
	const why = "the gateway of this machine"
	var out []kept
	err := eachLine("/proc/self/net/route", false, func(f []string) {
		if len(f) < 3 {
			return
		}
		if a, ok := kernelAddr(f[2]); ok && !a.IsUnspecified() {
			out = append(out, single(a, why))
		}
	})
	if err != nil {
		return nil, err
	}
	err = eachLine("/proc/self/net/ipv6_route", true, func(f []string) {
		if len(f) < 5 {
			return
		}
		// Here the kernel writes bytes in the order of the address.
		raw, err := hex.DecodeString(f[4])
		if a, ok := netip.AddrFromSlice(raw); err == nil && ok && !a.IsUnspecified() {
			out = append(out, single(a, why))
		}
	})
	return out, err
}

// connection is a TCP connection of this machine.
type connection struct {
	local, remote netip.AddrPort
	inode         string
}

// connections lists those that are established.
func connections() ([]connection, error) {
	const established = "01"
	var out []connection
	read := func(f []string) {
		if len(f) < 10 || f[3] != established {
			return
		}
		local, okL := kernelAddrPort(f[1])
		remote, okR := kernelAddrPort(f[2])
		if okL && okR {
			out = append(out, connection{local, remote, f[9]})
		}
	}
	if err := eachLine("/proc/self/net/tcp", false, read); err != nil {
		return nil, err
	}
	return out, eachLine("/proc/self/net/tcp6", true, read)
}

// eachLine gives the words of every line of a table of the kernel but the
// first. A file of IPv6 is missing where IPv6 is off.
func eachLine(path string, mayMiss bool, read func([]string)) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) && mayMiss {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the network of this machine: %w", err)
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		read(strings.Fields(lines.Text()))
	}
	return lines.Err()
}

// kernelAddrPort reads 0100007F:0016.
func kernelAddrPort(text string) (netip.AddrPort, bool) {
	host, port, ok := strings.Cut(text, ":")
	a, okA := kernelAddr(host)
	p, err := hex.DecodeString(port)
	if !ok || !okA || err != nil || len(p) != 2 {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(a.Unmap(), binary.BigEndian.Uint16(p)), true
}

// kernelAddr reads an address that the kernel writes as words of 32 bits in
// this machine's order.
func kernelAddr(text string) (netip.Addr, bool) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw)%4 != 0 {
		return netip.Addr{}, false
	}
	for i := 0; i < len(raw); i += 4 {
		binary.NativeEndian.PutUint32(raw[i:], binary.BigEndian.Uint32(raw[i:]))
	}
	return netip.AddrFromSlice(raw)
}
