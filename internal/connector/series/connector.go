// Package series is Prometheus for those who have none: it reads /metrics
// endpoints itself, keeps what it read in this process, and answers the same
// promql fences. A short history is said, not hidden.
package series

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/promtext"
	engine "github.com/quellhq/quell/internal/series"
)

// Kind describes the embedded series to the list of connectors.
func Kind() connector.Kind {
	return connector.Kind{
		Name:     "series",
		About:    "Metrics read straight from /metrics endpoints and kept in this process; takes the place of a Prometheus.",
		Serves:   []string{"prometheus"},
		Settings: settings(),
		Languages: []connector.Language{{
			Name: "promql", Shape: probe.Series, Check: promtext.Check, Options: promtext.Options(),
		}},
		Probes: []probe.Spec{promtext.TargetsSpec(), promtext.HealthSpec(), promtext.ChangesSpec()},
		Open:   open,
	}
}

// Target is a set of endpoints that are being scraped.
type Target struct {
	scraper *engine.Scraper
	store   *engine.Store
	source  *source
	asker   promtext.Asker
	tools   connector.Tools
	idle    func()
	urls    []string // of the endpoints, without secrets
	closed  atomic.Bool
}

// open begins to scrape at once, in the background: until the first question
// comes, and between the questions, there is time for samples to gather.
func open(s connector.Settings, tools connector.Tools) (connector.Target, error) {
	tools = tools.Filled()
	c, err := read(s)
	if err != nil {
		return nil, err
	}
	endpoints, urls, err := c.endpoints()
	if err != nil {
		return nil, err
	}
	transport, err := c.Transport(tools.Dir)
	if err != nil {
		return nil, err
	}
	limits := tools.Gate.Limits()
	store := engine.NewStore(engine.Limits{Window: c.Window.Duration, Series: c.MaxSeries})
	scraper := engine.NewScraper(engine.ScraperConfig{
		Store: store, Endpoints: endpoints, Interval: c.Interval.Duration, Timeout: min(c.Interval.Duration, limits.Timeout),
		Bytes: int64(limits.Bytes), Client: &http.Client{Transport: transport},
		Enter: (&patience{gate: tools.Gate}).enter, Now: tools.Now,
	})
	src := &source{engine: engine.NewEngine(store), store: store, scraper: scraper}
	return &Target{
		scraper: scraper, store: store, source: src, tools: tools, urls: urls,
		idle:  transport.CloseIdleConnections,
		asker: promtext.Asker{Source: src, Aliases: c.Aliases, Rows: limits.Rows},
	}, nil
}

// Ask answers one question; see probe.Prober. It may wait for samples, as long
// as the deadline allows.
func (t *Target) Ask(ctx context.Context, q probe.Question) evidence.Answer {
	if t.closed.Load() {
		return evidence.Not(evidence.NotAsked, "the target is closed", "")
	}
	switch {
	case q.Lang == "promql":
		return t.redacted(t.promql(ctx, q))
	case q.Lang != "probe":
		return evidence.Not(evidence.NotApplicable, "the embedded series answer promql, not "+q.Lang, "")
	case q.Builtin == "prometheus.targets":
		return t.redacted(t.targets(ctx))
	case q.Builtin == "prometheus.changes":
		return t.redacted(t.asker.Changes(ctx, q))
	case q.Builtin == "prometheus.health":
		return t.redacted(t.health(ctx))
	case q.Builtin == "prometheus.alerts", q.Builtin == "prometheus.rules":
		return evidence.Not(evidence.NotApplicable, "the embedded series have no rules and no alerts", "give a target of kind prometheus")
	}
	return evidence.Not(evidence.NotApplicable, "the embedded series have no question called "+q.Builtin, "")
}

func (t *Target) promql(ctx context.Context, q probe.Question) evidence.Answer {
	if answer, ok := t.ready(ctx, scrapesNeeded(q)); !ok {
		return answer
	}
	// The end of the window is when the newest sample was taken, where the
	// investigation began before there were any.
	states := t.scraper.States()
	if enough(states, scrapesNeeded(q), q.Now) < len(states) {
		q.Now = newest(states, q.Now)
	}
	answer := t.asker.Ask(ctx, q)
	if failed, all := failing(states); failed != nil {
		if all && answer.Status != evidence.Answered {
			return *failed
		}
		if !all || answer.Status == evidence.Answered {
			answer.Notes = append(answer.Notes, fmt.Sprintf("not every endpoint could be read: %s", failed.Reason))
		}
	}
	return answer
}

func (t *Target) redacted(a evidence.Answer) evidence.Answer {
	a.Value = t.tools.Redact.Value(a.Value)
	a.Reason = t.tools.Redact.Text(a.Reason)
	for i := range a.Notes {
		a.Notes[i] = t.tools.Redact.Text(a.Notes[i])
	}
	return a
}

// Close stops all scraping and waits for it.
func (t *Target) Close() error {
	t.closed.Store(true)
	t.scraper.Close()
	t.idle()
	return nil
}

var (
	_ connector.Target   = (*Target)(nil)
	_ connector.Examiner = (*Target)(nil)
	_ promtext.Source    = (*source)(nil)
)
