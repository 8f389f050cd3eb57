// Package prometheus asks a Prometheus server, or anything that speaks its HTTP
// API (Thanos, Mimir, VictoriaMetrics, Grafana's data source proxy): promql
// fences, and what the server knows of its targets, alerts, rules and itself.
package prometheus

import (
	"context"
	"crypto/tls"
	"net/http"
	"sync/atomic"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/promapi"
	"github.com/quellhq/quell/internal/promtext"
)

// Kind describes Prometheus to the list of connectors.
func Kind() connector.Kind {
	return connector.Kind{
		Name:     "prometheus",
		About:    "Metrics of a Prometheus server, or of anything that speaks its HTTP API.",
		Settings: settings(),
		Languages: []connector.Language{{
			Name: "promql", Shape: probe.Series, Check: promtext.Check, Options: promtext.Options(),
		}},
		Probes: []probe.Spec{promtext.TargetsSpec(), alertsSpec(), rulesSpec(), promtext.HealthSpec(), deliverySpec(), reachSpec(), promtext.ChangesSpec()},
		Open:   open,
	}
}

// Target is one server.
type Target struct {
	client *promapi.Client
	source *source
	asker  promtext.Asker
	tools  connector.Tools
	closed atomic.Bool

	endpoints *http.Client // for what Prometheus scrapes: no credentials, no redirects
}

func open(s connector.Settings, tools connector.Tools) (connector.Target, error) {
	tools = tools.Filled()
	c, err := read(s)
	if err != nil {
		return nil, err
	}
	client, err := promapi.New("Prometheus", c.Settings, tools)
	if err != nil {
		return nil, err
	}
	plain := http.DefaultTransport.(*http.Transport).Clone()
	plain.DisableKeepAlives = true
	plain.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // whether it answers is asked, and nothing is sent that is secret
	src := &source{client: client, lists: &promapi.Lists{Client: client, Now: tools.Now}}
	return &Target{
		client: client, source: src, tools: tools,
		endpoints: &http.Client{Transport: plain, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		asker:     promtext.Asker{Source: src, Aliases: c.Aliases, Rows: tools.Gate.Limits().Rows},
	}, nil
}

// Ask answers one question; see probe.Prober.
func (t *Target) Ask(ctx context.Context, q probe.Question) evidence.Answer {
	if t.closed.Load() {
		return evidence.Not(evidence.NotAsked, "the target is closed", "")
	}
	var a evidence.Answer
	switch {
	case q.Lang == "promql":
		a = t.asker.Ask(ctx, q)
	case q.Lang != "probe":
		a = evidence.Not(evidence.NotApplicable, "Prometheus answers promql and its built-in questions, not "+q.Lang, "")
	case q.Builtin == "prometheus.targets":
		a = t.targets(ctx)
	case q.Builtin == "prometheus.alerts":
		a = t.alerts(ctx, q)
	case q.Builtin == "prometheus.rules":
		a = t.rules(ctx)
	case q.Builtin == "prometheus.health":
		a = t.health(ctx)
	case q.Builtin == "prometheus.delivery":
		a = t.delivery(ctx)
	case q.Builtin == "prometheus.reach":
		a = t.reach(ctx, q)
	case q.Builtin == "prometheus.changes":
		a = t.asker.Changes(ctx, q)
	default:
		a = evidence.Not(evidence.NotApplicable, "Prometheus has no question called "+q.Builtin, "")
	}
	return t.redacted(a)
}

func (t *Target) redacted(a evidence.Answer) evidence.Answer {
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
	t.endpoints.CloseIdleConnections()
	return nil
}

var (
	_ connector.Target   = (*Target)(nil)
	_ connector.Examiner = (*Target)(nil)
	_ promtext.Source    = (*source)(nil)
)
