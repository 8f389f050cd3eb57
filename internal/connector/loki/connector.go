// Package loki asks a Grafana Loki server, directly or through Grafana's data
// source proxy, what its logs say: logql fences that give lines or series.
package loki

import (
	"context"
	"sync/atomic"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/logql"
	"github.com/quellhq/quell/internal/logtext"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/promapi"
)

// Kind describes Loki to the list of connectors.
func Kind() connector.Kind {
	return connector.Kind{
		Name:     "loki",
		About:    "Logs of a Grafana Loki server, directly or through Grafana.",
		Serves:   []string{"logs"},
		Settings: settings(),
		Languages: []connector.Language{{
			Name: "logql", Patterns: true, Shape: probe.Any, Check: check, ShapeOf: logql.ShapeOf, Options: options(),
		}},
		Probes: logtext.Specs(),
		Open:   open,
	}
}

// Target is one server, as one tenant.
type Target struct {
	client *promapi.Client
	lists  *promapi.Lists
	tools  connector.Tools
	moment moment
	closed atomic.Bool
}

func open(s connector.Settings, tools connector.Tools) (connector.Target, error) {
	tools = tools.Filled()
	c, err := read(s)
	if err != nil {
		return nil, err
	}
	client, err := promapi.New("Loki", c.Settings, tools)
	if err != nil {
		return nil, err
	}
	return &Target{client: client, lists: &promapi.Lists{Client: client, Now: tools.Now}, tools: tools}, nil
}

// Ask answers one question; see probe.Prober.
func (t *Target) Ask(ctx context.Context, q probe.Question) evidence.Answer {
	if t.closed.Load() {
		return evidence.Not(evidence.NotAsked, "the target is closed", "")
	}
	var a evidence.Answer
	known := true
	switch q.Lang {
	case "logql":
		a = t.logql(ctx, q)
	case "probe":
		a, known = t.builtin(ctx, q)
	default:
		return evidence.Not(evidence.NotApplicable, "Loki answers logql and questions about lines, not "+q.Lang, "")
	}
	if !known {
		return evidence.Not(evidence.NotApplicable, "Loki has no question called "+q.Builtin, "")
	}
	a.Value = t.tools.Redact.Value(a.Value)
	a.Reason = t.tools.Redact.Text(a.Reason)
	for i := range a.Notes {
		a.Notes[i] = t.tools.Redact.Text(a.Notes[i])
	}
	return a
}

// Close gives back the connections.
func (t *Target) Close() error {
	t.closed.Store(true)
	t.client.Close()
	return nil
}

var (
	_ connector.Target   = (*Target)(nil)
	_ connector.Examiner = (*Target)(nil)
)
