// Package otel asks a store of traces (Jaeger or Tempo, over HTTP) where the
// requests of a service spend their time, where their errors begin, what they
// repeat, and what they wait for from others, now and before.
package otel

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// Kind describes this connector.
func Kind() connector.Kind {
	return connector.Kind{
		Name:     "otel",
		About:    "Traces, from Jaeger or Grafana Tempo: where requests spend their time, where errors begin, what is repeated, who is slow.",
		Settings: settings(),
		Probes:   []probe.Spec{slowSpec(), errorsSpec(), repeatsSpec(), dependenciesSpec()},
		Open: func(s connector.Settings, tools connector.Tools) (connector.Target, error) {
			c, err := newClient(s, tools.Filled())
			if err != nil {
				return nil, err
			}
			return &target{client: c, tools: tools.Filled(), views: map[string]*kept{}}, nil
		},
	}
}

type target struct {
	client *client
	tools  connector.Tools
	closed atomic.Bool

	mu    sync.Mutex
	views map[string]*kept
}

// Ask implements probe.Prober.
func (t *target) Ask(ctx context.Context, q probe.Question) evidence.Answer {
	if t.closed.Load() {
		return evidence.Not(evidence.NotAsked, "the target is closed", "")
	}
	asks := map[string]func(*view, probe.Question) any{
		"otel.slow": slow, "otel.errors": failures, "otel.repeats": repeats, "otel.dependencies": dependencies,
	}
	ask := asks[q.Builtin]
	if ask == nil {
		return evidence.Not(evidence.NotApplicable, "a store of traces does not know the question "+q.Lang+" "+q.Builtin, "")
	}
	v, err := t.look(ctx, q)
	var a evidence.Answer
	if err != nil {
		a = answer(err)
	} else {
		a = evidence.Of(ask(v, q), v.notes...)
	}
	a.Value, a.Reason = t.tools.Redact.Value(a.Value), t.tools.Redact.Text(a.Reason)
	return a
}

// Close implements connector.Target.
func (t *target) Close() error {
	t.closed.Store(true)
	t.client.http.CloseIdleConnections()
	return nil
}

// Examine implements connector.Examiner.
func (t *target) Examine(ctx context.Context) []connector.Check {
	bad := func(name string, err error) connector.Check {
		a := answer(err)
		return connector.Check{Name: name, Needed: true, Detail: a.Reason, Fix: a.Hint}
	}
	flavour, err := t.client.which(ctx)
	if err != nil {
		return []connector.Check{bad("answers", err)}
	}
	checks := []connector.Check{{Name: "answers", OK: true, Needed: true, Detail: fmt.Sprintf("%s at %s", flavour, t.client.base.Host)}}
	list := t.client.jaegerServices
	if flavour == tempo {
		list = t.client.tempoServices
	}
	names, err := list(ctx)
	if err != nil {
		return append(checks, bad("knows services", err))
	}
	c := connector.Check{Name: "knows services", OK: len(names) > 0, Detail: fmt.Sprintf("%d services are traced", len(names))}
	if !c.OK {
		c.Fix = "nothing is traced yet, or the tenant is another"
	}
	return append(checks, c)
}

var (
	_ connector.Target   = (*target)(nil)
	_ connector.Examiner = (*target)(nil)
)
