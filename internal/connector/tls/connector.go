// Package tls asks a server for its certificate and judges it: dates, names,
// chain, strength, and whether every address behind the name serves the same.
package tls

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// Kind describes this connector.
func Kind() connector.Kind {
	return connector.Kind{
		Name:      "tls",
		About:     "A TLS server: certificate chain, names, dates, protocol, and differences between its addresses.",
		Settings:  settings(),
		Languages: []connector.Language{{Name: "tls", Shape: probe.Rows, Check: check}},
		Probes:    []probe.Spec{certificateSpec()},
		Open: func(s connector.Settings, tools connector.Tools) (connector.Target, error) {
			c, err := parse(s, tools.Dir)
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
	switch {
	case t.closed.Load():
		return evidence.Not(evidence.NotAsked, "the target is closed", "")
	case t.config.plain:
		return evidence.Not(evidence.NotApplicable, "the service answers over plain http: there is no certificate", "")
	case q.Lang == "tls":
		return t.fence(ctx, q)
	case q.Builtin == "tls.certificate":
		return t.certificate(ctx)
	}
	return evidence.Not(evidence.NotApplicable, "a tls target does not know the question "+q.Lang+" "+q.Builtin, "")
}

// Close implements connector.Target. Connections are never kept.
func (t *target) Close() error {
	t.closed.Store(true)
	return nil
}

// Examine implements connector.Examiner.
func (t *target) Examine(ctx context.Context) []connector.Check {
	where := net.JoinHostPort(t.config.host, t.config.port)
	if t.config.plain {
		return []connector.Check{{Name: "speaks TLS", OK: true, Detail: "the address is plain http: nothing to ask"}}
	}
	a := t.certificate(ctx)
	if !a.Known() {
		return []connector.Check{{Name: "asked", Detail: a.Reason, Needed: true}}
	}
	v := a.Value.(map[string]any)
	if v["reachable"] != true {
		return []connector.Check{{Name: "shakes hands", Needed: true, Fix: "check the address, and that TLS is spoken there",
			Detail: fmt.Sprintf("%s: %v in phase %v", where, v["error"], v["phase_failed"])}}
	}
	c := connector.Check{Name: "certificate verifies", OK: v["verified"] == true}
	c.Detail = fmt.Sprintf("%s: %v, %.0f days left", where, v["subject"], v["days_left"])
	if !c.OK {
		c.Detail = fmt.Sprintf("%s: %v", where, v["problem"])
		if v["problem"] == "unknown authority" || v["problem"] == "self-signed" {
			c.Fix = "if this authority is yours, name its PEM file as ca_file"
		}
	}
	return []connector.Check{{Name: "shakes hands", OK: true, Needed: true, Detail: fmt.Sprintf("%s: %v", where, v["protocol"])}, c}
}

var (
	_ connector.Target   = (*target)(nil)
	_ connector.Examiner = (*target)(nil)
)
