// Package firewall blocks addresses and slows clients down with nftables, in a
// table of its own. What it sets ends by itself: the kernel counts the time,
// whether quell lives or not. It refuses to lock out those who work here.
package firewall

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// Kind describes this connector.
func Kind() connector.Kind {
	return connector.Kind{
		Name:     "firewall",
		About:    "nftables on this machine: addresses that are blocked and clients that are slowed down for a while, in a table of quell's own.",
		Settings: settings(),
		Probes:   []probe.Spec{rulesSpec()},
		Actions:  []action.Spec{blockSpec(), unblockSpec(), rateLimitSpec(), unlimitSpec()},
		Tried:    "nft 1.0 in a network namespace, with a neighbour that knocks.",
		Open: func(s connector.Settings, tools connector.Tools) (connector.Target, error) {
			c, err := parse(s)
			if err != nil {
				return nil, err
			}
			return &target{config: c, tools: tools.Filled()}, nil
		},
	}
}

type config struct {
	Binary   string   `json:"binary"`
	Table    string   `json:"table"`
	Keep     []string `json:"keep"`
	SSHPorts []string `json:"ssh_ports"`
	Resolv   string   `json:"resolv_conf"`

	table string // without its family
	keep  []netip.Prefix
	ssh   map[uint16]bool
}

func settings() []connector.Setting {
	return []connector.Setting{
		{Name: "binary", Type: probe.Text, Default: "nft", About: "the nft program: a path, or a name on PATH"},
		{Name: "table", Type: probe.Text, Default: "inet quell", About: "the table of quell's own, of family inet; nothing else is touched"},
		{Name: "keep", Type: probe.List, Optional: true, About: "addresses and networks that are never blocked: the office, the balancer, monitoring"},
		{Name: "ssh_ports", Type: probe.List, Default: "[22]", About: "ports on which people log in here; who is connected there is never blocked"},
		{Name: "resolv_conf", Type: probe.Text, Default: "/etc/resolv.conf", About: "file that names the DNS servers of this machine"},
	}
}

var tableName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)

func parse(s connector.Settings) (config, error) {
	var c config
	if err := s.Decode(&c); err != nil {
		return c, err
	}
	fill := func(v *string, otherwise string) {
		if *v == "" {
			*v = otherwise
		}
	}
	fill(&c.Binary, "nft")
	fill(&c.Table, "inet quell")
	fill(&c.Resolv, "/etc/resolv.conf")
	family, name, ok := strings.Cut(c.Table, " ")
	if !ok || family != "inet" || !tableName.MatchString(name) {
		return c, errors.New("table is written inet NAME, with small letters, digits and underscores")
	}
	c.table = name
	for _, text := range c.Keep {
		p, err := parsePrefix(text)
		if err != nil {
			return c, fmt.Errorf("keep: %w", err)
		}
		c.keep = append(c.keep, p)
	}
	if len(c.SSHPorts) == 0 {
		c.SSHPorts = []string{"22"}
	}
	c.ssh = map[uint16]bool{}
	for _, text := range c.SSHPorts {
		port, err := strconv.ParseUint(text, 10, 16)
		if err != nil || port == 0 {
			return c, fmt.Errorf("ssh_ports: %q is no port", text)
		}
		c.ssh[uint16(port)] = true
	}
	if !filepath.IsAbs(c.Resolv) {
		return c, errors.New("resolv_conf must be an absolute path")
	}
	return c, nil
}

type target struct {
	config config
	tools  connector.Tools
	closed atomic.Bool
}

// Ask implements probe.Prober.
func (t *target) Ask(ctx context.Context, q probe.Question) evidence.Answer {
	switch {
	case t.closed.Load():
		return evidence.Not(evidence.NotAsked, "the target is closed", "")
	case q.Builtin == "firewall.rules":
		return t.ask(ctx)
	}
	return evidence.Not(evidence.NotApplicable, "a firewall does not know the question "+q.Lang+" "+q.Builtin, "")
}

// Doer implements action.Changer.
func (t *target) Doer(name string) (action.Doer, bool) {
	switch name {
	case "firewall.block":
		return blocker{t}, true
	case "firewall.unblock":
		return unblocker{t}, true
	case "firewall.rate_limit":
		return limiter{t}, true
	case "firewall.unlimit":
		return unlimiter{t}, true
	}
	return nil, false
}

// Close implements connector.Target.
func (t *target) Close() error {
	t.closed.Store(true)
	return nil
}

// Examine implements connector.Examiner.
func (t *target) Examine(ctx context.Context) []connector.Check {
	rules, err := t.list(ctx)
	c := connector.Check{Name: "reads nftables", OK: err == nil, Needed: true, Detail: fmt.Sprintf("table %s: %d addresses blocked, %d limits", t.config.Table, len(rules.blocked), len(rules.limits))}
	if err != nil {
		c.Detail, c.Fix = err.Error(), "install nftables, and run quell as root or with CAP_NET_ADMIN"
		return []connector.Check{c}
	}
	known, err := t.known()
	g := connector.Check{Name: "knows whom not to lock out", OK: err == nil, Needed: true, Detail: fmt.Sprintf("%d addresses and networks", len(known))}
	if err != nil {
		g.Detail, g.Fix = err.Error(), "run quell where /proc and resolv_conf can be read"
	}
	return []connector.Check{c, g}
}

var (
	_ connector.Target   = (*target)(nil)
	_ connector.Examiner = (*target)(nil)
	_ action.Changer     = (*target)(nil)
)
