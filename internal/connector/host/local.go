package host

import (
	"context"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/connector"
)

// loopbackName reports whether a host is a loopback address or the usual name for one.
func loopbackName(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && ip.IsLoopback()
}

// resolvesToLoopback reports whether a name stands for loopback addresses only.
func resolvesToLoopback(ctx context.Context, host string) bool {
	if host == "" {
		return false
	}
	inner, cancel := connector.Within(ctx, time.Second)
	defer cancel()
	ips, err := net.DefaultResolver.LookupNetIP(inner, "ip", host)
	for _, ip := range ips {
		if !ip.Unmap().IsLoopback() {
			return false
		}
	}
	return err == nil && len(ips) > 0
}

// isLocal reports whether a host name or address is this machine. A name that
// cannot be looked up counts as local: a dead resolver must not blind us.
func isLocal(ctx context.Context, host string) bool {
	if own, err := os.Hostname(); loopbackName(host) || err == nil && (host == own || strings.HasPrefix(own, host+".") || strings.HasPrefix(host, own+".")) {
		return true
	}
	ips := []netip.Addr{}
	if ip, err := netip.ParseAddr(host); err == nil {
		ips = append(ips, ip)
	} else {
		inner, cancel := connector.Within(ctx, time.Second)
		defer cancel()
		if ips, err = net.DefaultResolver.LookupNetIP(inner, "ip", host); err != nil {
			return true
		}
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return true
	}
	for _, ip := range ips {
		if ip.IsLoopback() || ip.IsUnspecified() {
			return true
		}
		for _, a := range addrs {
			if prefix, err := netip.ParsePrefix(a.String()); err == nil && prefix.Addr() == ip.Unmap() {
				return true
			}
		}
	}
	return false
}
