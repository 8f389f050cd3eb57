// Package alertmanager asks an Alertmanager what fires and what is silenced,
// and silences alerts for a while.
package alertmanager

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// Kind describes this connector.
func Kind() connector.Kind {
	return connector.Kind{
		Name:     "alertmanager",
		About:    "A Prometheus Alertmanager: what fires and what is silenced, and silences that end by themselves.",
		Settings: settings(),
		Probes:   []probe.Spec{alertsSpec(), silencesSpec(), healthSpec()},
		Actions:  []action.Spec{silenceSpec(), expireSpec()},
		Tried:    "Alertmanager 0.25, single.",
		Open: func(s connector.Settings, tools connector.Tools) (connector.Target, error) {
			c, err := newClient(s, tools.Filled())
			if err != nil {
				return nil, err
			}
			return &target{client: c, tools: tools.Filled()}, nil
		},
	}
}

type target struct {
	client *client
	tools  connector.Tools
	closed atomic.Bool
}

// Ask implements probe.Prober.
func (t *target) Ask(ctx context.Context, q probe.Question) evidence.Answer {
	if t.closed.Load() {
		return evidence.Not(evidence.NotAsked, "the target is closed", "")
	}
	var a evidence.Answer
	switch q.Builtin {
	case "alertmanager.alerts":
		a = t.alerts(ctx, q)
	case "alertmanager.silences":
		a = t.silences(ctx, q)
	case "alertmanager.health":
		a = t.health(ctx)
	default:
		a = evidence.Not(evidence.NotApplicable, "an Alertmanager does not know the question "+q.Lang+" "+q.Builtin, "")
	}
	a.Value, a.Reason = t.tools.Redact.Value(a.Value), t.tools.Redact.Text(a.Reason)
	return a
}

// Doer implements action.Changer.
func (t *target) Doer(name string) (action.Doer, bool) {
	switch name {
	case "alertmanager.silence":
		return silencer{t}, true
	case "alertmanager.expire_silence":
		return expirer{t}, true
	}
	return nil, false
}

// Close implements connector.Target.
func (t *target) Close() error {
	t.closed.Store(true)
	t.client.http.CloseIdleConnections()
	return nil
}

// Examine implements connector.Examiner.
func (t *target) Examine(ctx context.Context) []connector.Check {
	status, err := t.client.status(ctx)
	if err != nil {
		return []connector.Check{{Name: "answers", Needed: true, Detail: err.Error(), Fix: "check url, and what lets one in (bearer, user, headers)"}}
	}
	return []connector.Check{{Name: "answers", OK: true, Needed: true, Detail: fmt.Sprintf("Alertmanager %s at %s", status.VersionInfo.Version, t.client.where())}}
}

var (
	_ connector.Target   = (*target)(nil)
	_ connector.Examiner = (*target)(nil)
	_ action.Changer     = (*target)(nil)
)
