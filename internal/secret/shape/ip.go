package shape

import (
	"net/netip"
	"strings"
)

// ip takes an address of the public internet, behind which a person may be.
// Those of private networks are hosts, and so are loopback and the like.
func (s *scanner) ip(from int) bool {
	if before := byteAt(s.text, from-1); before == '.' || before == ':' && byteAt(s.text, from-2) == ':' {
		return false
	}
	end := run(s.text, from, 45, func(b byte) bool { return hexByte(b) || b == '.' || b == ':' })
	v := strings.TrimRight(s.text[from:end], ".:")
	a, err := netip.ParseAddr(v)
	if err != nil { // with a port behind it
		v, _, _ = strings.Cut(v, ":")
		if a, err = netip.ParseAddr(v); err != nil {
			return false
		}
	}
	end = from + len(v)
	if !a.IsGlobalUnicast() || a.IsPrivate() || wordByte(byteAt(s.text, end)) || shared.Contains(a) {
		return false
	}
	return s.add(Span{From: from, To: end, Kind: Address})
}

// shared is what providers use behind their own translation (RFC 6598).
var shared = netip.MustParsePrefix("100.64.0.0/10")
