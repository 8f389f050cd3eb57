// Package dns asks name servers directly, so that "the name does not resolve"
// becomes: which server says what, and since when it may say so. It speaks the
// protocol itself: the machine's own resolver is one of the suspects.
package dns

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/miekg/dns"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// Kind describes this connector.
func Kind() connector.Kind {
	return connector.Kind{
		Name:      "dns",
		About:     "A name: its records, whether resolvers agree, and what its own servers say.",
		Settings:  settings(),
		Languages: []connector.Language{{Name: "dns", Shape: probe.Rows, Check: check}},
		Probes:    []probe.Spec{recordsSpec(), compareSpec(), authoritativeSpec()},
		Open: func(s connector.Settings, tools connector.Tools) (connector.Target, error) {
			c, err := parse(s)
			if err != nil {
				return nil, err
			}
			return &target{config: c, tools: tools.Filled()}, nil
		},
	}
}

type target struct {
	config config
	tools  connector.Tools
	closed atomic.Bool
}

// Ask implements probe.Prober.
func (t *target) Ask(ctx context.Context, q probe.Question) evidence.Answer {
	if t.closed.Load() {
		return evidence.Not(evidence.NotAsked, "the target is closed", "")
	}
	if q.Lang == "dns" {
		return t.fence(ctx, q)
	}
	name, _ := q.Args["name"].(string)
	if name == "" {
		if t.config.literal {
			return evidence.Not(evidence.NotApplicable, t.config.Name+" is an address or a local name: no name server is asked for it", "")
		}
		name = t.config.Name
	}
	if _, ok := dns.IsDomainName(name); !ok {
		return evidence.Not(evidence.Invalid, fmt.Sprintf("%q is not a domain name", name), "")
	}
	name = dns.Fqdn(strings.ToLower(name))
	switch q.Builtin {
	case "dns.records":
		return t.records(ctx, q, name)
	case "dns.compare":
		return t.compare(ctx, name)
	case "dns.authoritative":
		return t.authoritative(ctx, name)
	}
	return evidence.Not(evidence.NotApplicable, "a dns target does not know the question "+q.Builtin, "")
}

// Close implements connector.Target. Sockets are never kept.
func (t *target) Close() error {
	t.closed.Store(true)
	return nil
}

// Examine implements connector.Examiner.
func (t *target) Examine(ctx context.Context) []connector.Check {
	servers, err := t.resolvers()
	if err != nil {
		return []connector.Check{{Name: "has a resolver", Detail: err.Error(), Needed: true, Fix: "name resolvers in quell.yaml"}}
	}
	if t.config.literal {
		return []connector.Check{{Name: "name", OK: true, Detail: t.config.Name + " needs no name server"}}
	}
	var checks []connector.Check
	for _, s := range servers {
		r, err := t.ask(ctx, s, dns.Fqdn(t.config.Name), dns.TypeA, recursive)
		c := connector.Check{Name: "resolver " + s}
		switch {
		case err != nil:
			c.Detail = err.Error()
		default:
			c.OK = r.outcome == outcomeOK || r.outcome == outcomeEmpty
			c.Detail = fmt.Sprintf("%s: %s in %.3f s", t.config.Name, r.outcome, r.took.Seconds())
		}
		if !c.OK {
			c.Fix = "check the resolver's address, and that this machine may reach its port 53 over UDP and TCP"
		}
		checks = append(checks, c)
	}
	return checks
}

var (
	_ connector.Target   = (*target)(nil)
	_ connector.Examiner = (*target)(nil)
)
