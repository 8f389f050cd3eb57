package firewall

import (
	"fmt"
	"net/netip"
	"regexp"
	"time"
)

// Scripts for nft are made of names of ours, numbers, addresses that were
// parsed, and keys that were checked: nothing that somebody wrote becomes syntax.

var keyText = regexp.MustCompile(`^[A-Za-z0-9.-]{1,100}$`)

// comment is how an order is found again in the kernel. nft takes 128 bytes.
func comment(key string) string { return "quell " + key }

// foundations are the statements that the others rest on; repeating them
// changes nothing. Blocking comes first of all in the kernel (priority -300,
// before connections are tracked and addresses translated), so it holds for
// connections that are there already, and for containers behind this machine.
func (t *target) foundations() []string {
	table := "inet " + t.config.table
	return []string{
		"add table " + table,
		"add set " + table + " " + blocked4 + " { type ipv4_addr; flags interval, timeout; }",
		"add set " + table + " " + blocked6 + " { type ipv6_addr; flags interval, timeout; }",
		"add chain " + table + " " + blockChain + " { type filter hook prerouting priority -300; policy accept; }",
		"add chain " + table + " " + paceChain + " { type filter hook prerouting priority -290; policy accept; }",
	}
}

// blockScript blocks networks, in the place of entries that are there.
func (t *target) blockScript(r rules, add, instead []netip.Prefix, lasts time.Duration, key string) []string {
	table := "inet " + t.config.table
	s := t.foundations()
	if !r.dropping() {
		s = append(s, fmt.Sprintf("flush chain %s %s", table, blockChain), fmt.Sprintf("add rule %s %s ip saddr @%s counter drop", table, blockChain, blocked4),
			fmt.Sprintf("add rule %s %s ip6 saddr @%s counter drop", table, blockChain, blocked6))
	}
	for _, p := range instead {
		s = append(s, t.unblockStatement(p))
	}
	for _, p := range add {
		s = append(s, fmt.Sprintf("add element %s %s { %s timeout %ds comment %q }", table, setOf(p), written(p), int64(lasts.Seconds()), comment(key)))
	}
	return s
}

func (t *target) unblockStatement(p netip.Prefix) string {
	return fmt.Sprintf("delete element inet %s %s { %s }", t.config.table, setOf(p), written(p))
}

func setOf(p netip.Prefix) string {
	if p.Addr().Is4() {
		return blocked4
	}
	return blocked6
}

// written is a network as nft takes it: a single address without its length.
func written(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

// limitScript limits a service. The rule looks the port up in a set whose only
// element ends by itself, and does nothing from then on.
func (t *target) limitScript(r rules, w pacing, lasts time.Duration, key string) []string {
	table := "inet " + t.config.table
	s := append(t.foundations(), t.unlimitScript(r, w.what)...)
	begins := "" // for UDP every packet counts
	if w.what.protocol == "tcp" {
		begins = "tcp flags & (fin | syn | rst | ack) == syn "
	}
	s = append(s, fmt.Sprintf("add set %s %s { type inet_service; flags timeout; }", table, w.what.set("on")))
	for _, family := range []struct{ part, kind, field string }{{"v4", "ipv4_addr", "ip saddr"}, {"v6", "ipv6_addr", "ip6 saddr"}} {
		set := w.what.set(family.part)
		s = append(s,
			fmt.Sprintf("add set %s %s { type %s; size 65535; flags dynamic, timeout; timeout 2m; }", table, set, family.kind),
			fmt.Sprintf("add rule %s %s iifname != \"lo\" %s dport @%s %supdate @%s { %s limit rate over %s burst %d packets } counter drop",
				table, paceChain, w.what.protocol, w.what.set("on"), begins, set, family.field, w.rate, w.burst))
	}
	return append(s, fmt.Sprintf("add element %s %s { %d timeout %ds comment %q }", table, w.what.set("on"), w.what.port, int64(lasts.Seconds()), comment(key)))
}

// unlimitScript takes away all that a limit has left behind.
func (t *target) unlimitScript(r rules, what service) []string {
	table := "inet " + t.config.table
	var s []string
	name := fmt.Sprintf("limit_%s_%d", what.protocol, what.port)
	for _, handle := range r.handles[name] {
		s = append(s, fmt.Sprintf("delete rule %s %s handle %d", table, paceChain, handle))
	}
	for _, part := range []string{"on", "v4", "v6"} {
		if r.sets[what.set(part)] {
			s = append(s, fmt.Sprintf("delete set %s %s", table, what.set(part)))
		}
	}
	return s
}
