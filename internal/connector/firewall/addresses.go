package firewall

import (
	"fmt"
	"net/netip"
	"sort"
	"strings"

	"github.com/quellhq/quell/internal/action"
)

// Bounds of what one order may block.
const (
	mostAddresses = 256
	widest4       = 16 // a /16 has 65,536 addresses
	widest6       = 32 // a /32 is what a provider gets
)

// parsePrefix reads an address or a network. IPv4 in IPv6 is IPv4.
func parsePrefix(text string) (netip.Prefix, error) {
	text = strings.TrimSpace(text)
	p, err := netip.ParsePrefix(text)
	if err != nil {
		a, aErr := netip.ParseAddr(text)
		if aErr != nil || a.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("%q is no address and no network like 192.0.2.0/24", text)
		}
		p = netip.PrefixFrom(a, a.BitLen())
	}
	const mapped = 96
	if p.Addr().Is4In6() && p.Bits() >= mapped {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-mapped)
	}
	return p.Masked(), nil
}

// parsePrefixes reads what is to be blocked: sorted, without those that others
// contain.
func parsePrefixes(list []any) ([]netip.Prefix, error) {
	if len(list) == 0 || len(list) > mostAddresses {
		return nil, action.Refuse("", "1 to %d addresses can be named at once, not %d", mostAddresses, len(list))
	}
	var all []netip.Prefix
	for _, item := range list {
		p, err := parsePrefix(fmt.Sprint(item))
		if err != nil {
			return nil, action.Refuse("", "%s", err)
		}
		if p.Addr().Is4() && p.Bits() < widest4 || p.Addr().Is6() && p.Bits() < widest6 {
			return nil, action.Refuse("", "%s is wider than /%d (IPv4) or /%d (IPv6): it would shut out the uninvolved", p, widest4, widest6)
		}
		all = append(all, p)
	}
	sort.Slice(all, func(i, j int) bool { return less(all[i], all[j]) })
	var out []netip.Prefix
	for _, p := range all {
		if len(out) == 0 || !contains(out[len(out)-1], p) {
			out = append(out, p)
		}
	}
	return out, nil
}

// contains reports whether a whole network lies in another.
func contains(outer, inner netip.Prefix) bool {
	return outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}
