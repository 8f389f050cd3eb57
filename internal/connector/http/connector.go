// Package http asks a web service questions over HTTP as a client would, and
// says in which phase a request failed: look-up, connect, TLS, sending, waiting
// for the first byte, or reading the body. A failed request is an answer here:
// that the service is down is what the playbook wants to know.
package http

import (
	"context"
	"sync/atomic"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// Kind describes this connector.
func Kind() connector.Kind {
	return connector.Kind{
		Name:     "http",
		About:    "A web service: status, timing by phase, headers and body of GET, HEAD and OPTIONS requests; calls that were declared.",
		Settings: settings(),
		Languages: []connector.Language{{
			Name: "http", Shape: probe.Object, Check: check,
			Options: []probe.Param{
				{Name: "timeout", Type: probe.Duration, Default: "10s", About: "longest time for this request"},
				{Name: "follow", Type: probe.Bool, Default: "true", About: "follow redirects on the same host, at most five"},
			},
		}},
		Probes:  []probe.Spec{checkSpec(), addressesSpec(), cacheSpec(), varySpec(), cookiesSpec(), freshnessSpec()},
		Actions: []action.Spec{callSpec(), warmSpec()},
		Tried:   "HTTP servers that count their effects, and the cache of nginx.",
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
	slow   sighting // when an answer about health last took longer than slow
	slack  sighting // when another answer did
	// limited is when we were last turned away for asking too often, and again how
	// often we have asked once more since then.
	limited sighting
	first   firstWord
	again   atomic.Int32
}

// Ask implements probe.Prober.
func (t *target) Ask(ctx context.Context, q probe.Question) evidence.Answer {
	if t.closed.Load() {
		return evidence.Not(evidence.NotAsked, "the target is closed", "")
	}
	switch {
	case q.Lang == "http":
		return t.fence(ctx, q)
	case q.Builtin == "http.check":
		return t.check(ctx, q)
	case q.Builtin == "http.vary":
		return t.vary(ctx, q)
	case q.Builtin == "http.freshness":
		return t.freshness(ctx, q)
	case q.Builtin == "http.cookies":
		return t.cookies(ctx, q)
	case q.Builtin == "http.addresses":
		return t.addresses(ctx, q)
	case q.Builtin == "http.cache":
		return t.cacheCheck(ctx, q)
	}
	return evidence.Not(evidence.NotApplicable, "an http target does not know the question "+q.Lang+" "+q.Builtin, "")
}

// Doer implements action.Changer.
func (t *target) Doer(name string) (action.Doer, bool) {
	switch name {
	case "http.call":
		return caller{t}, true
	case "http.warm":
		return warmer{t}, true
	}
	return nil, false
}

// Close implements connector.Target. Connections are never kept.
func (t *target) Close() error {
	t.closed.Store(true)
	return nil
}

// Examine implements connector.Examiner.
func (t *target) Examine(ctx context.Context) []connector.Check {
	path := t.config.Health
	if path == "" {
		path = t.config.base.Path
	}
	req, err := t.get(path)
	if err != nil {
		return []connector.Check{{Name: "health path", Detail: err.Error(), Needed: true, Fix: "correct health in quell.yaml"}}
	}
	r, err := t.do(ctx, req)
	if err != nil {
		return []connector.Check{{Name: "asked", Detail: err.Error(), Needed: true}}
	}
	reach := connector.Check{Name: "answers", OK: r.status > 0, Needed: true, Detail: r.sentence()}
	if !reach.OK {
		reach.Fix = "check that url is right and that this machine may connect to it"
		return []connector.Check{reach}
	}
	health := connector.Check{Name: "healthy", OK: r.ok(), Detail: r.sentence()}
	switch {
	case r.status == 401 || r.status == 403:
		health.Fix = "give this target the headers that it needs (headers in quell.yaml)"
	case !r.ok() && t.config.Health == "":
		health.Fix = "name the health path (health in quell.yaml)"
	}
	return []connector.Check{reach, health}
}

var (
	_ connector.Target   = (*target)(nil)
	_ connector.Examiner = (*target)(nil)
	_ action.Changer     = (*target)(nil)
)
