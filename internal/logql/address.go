package logql

import (
	"fmt"
	"net/netip"
	"strings"
)

// network is what stands in ip("…"): the addresses from first to last.
type network struct{ first, last netip.Addr }

// parseNetwork reads one address, a network 10.0.0.0/8, or a range
// 10.0.0.1-10.0.0.9, of IPv4 or IPv6.
func parseNetwork(text string) (network, error) {
	text = strings.TrimSpace(text)
	if from, to, ok := strings.Cut(text, "-"); ok {
		first, err := netip.ParseAddr(strings.TrimSpace(from))
		last, err2 := netip.ParseAddr(strings.TrimSpace(to))
		if err != nil || err2 != nil || first.Is4() != last.Is4() || last.Less(first) {
			return network{}, fmt.Errorf("%q is no range of addresses", text)
		}
		return network{first, last}, nil
	}
	if prefix, err := netip.ParsePrefix(text); err == nil {
		first := prefix.Masked().Addr()
		return network{first, lastOf(prefix)}, nil
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		return network{}, fmt.Errorf("%q is no IP address, network or range of addresses", text)
	}
	return network{a, a}, nil
}

// lastOf is the highest address of a network.
func lastOf(prefix netip.Prefix) netip.Addr {
	b := prefix.Masked().Addr().AsSlice()
	for bit := prefix.Bits(); bit < len(b)*8; bit++ {
		b[bit/8] |= 1 << (7 - bit%8)
	}
	last, _ := netip.AddrFromSlice(b)
	return last
}

func (n network) holds(a netip.Addr) bool {
	return a.Is4() == n.first.Is4() && !a.Less(n.first) && !n.last.Less(a)
}

// inside reports whether any address written in the text lies in the network.
func (n network) inside(text []byte) bool {
	for i := 0; i < len(text); {
		if !isAddressByte(text[i]) {
			i++
			continue
		}
		start := i
		for i < len(text) && isAddressByte(text[i]) {
			i++
		}
		if n.amongParts(text[start:i]) {
			return true
		}
	}
	return false
}

// maxAddress is the longest text of an address: an IPv6 one that ends in an
// IPv4 one.
const maxAddress = 45

// amongParts looks at a run of digits, dots and colons. It is an address as a
// whole, or before a port, or with punctuation around it.
func (n network) amongParts(run []byte) bool {
	word := strings.Trim(string(run[:min(len(run), 2*maxAddress)]), ".")
	for _, try := range []string{word, strings.Trim(word, ":")} {
		if a, err := netip.ParseAddr(try); err == nil && n.holds(a) {
			return true
		}
	}
	// 10.0.0.1:8080, and the like of v6 as [::1]:8080 splits at the bracket.
	for _, part := range strings.Split(word, ":") {
		if strings.Count(part, ".") == 3 {
			if a, err := netip.ParseAddr(part); err == nil && n.holds(a) {
				return true
			}
		}
	}
	return false
}

func isAddressByte(c byte) bool {
	return isDigit(c) || c == '.' || c == ':' || c|0x20 >= 'a' && c|0x20 <= 'f'
}
