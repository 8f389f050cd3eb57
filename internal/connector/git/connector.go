// Package git looks at where the code of a service was put: which commits came
// into its checkout and when, which files were edited in place, and what the CI
// says that it has deployed. It reads, and runs nothing of the repository.
package git

import (
	"context"
	"sync/atomic"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// Kind describes this connector.
func Kind() connector.Kind {
	return connector.Kind{
		Name:     "git",
		About:    "Where the code of a service lies: what was deployed there and when, what was edited in place, and what the CI has deployed.",
		Settings: settings(),
		Probes:   []probe.Spec{changesSpec(), deploymentsSpec()},
		Open:     open,
	}
}

type target struct {
	config config
	tools  connector.Tools
	closed atomic.Bool
}

func open(s connector.Settings, tools connector.Tools) (connector.Target, error) {
	tools = tools.Filled()
	c, err := parse(s, tools.Dir)
	if err != nil {
		return nil, err
	}
	return &target{config: c, tools: tools}, nil
}

// Ask implements probe.Prober.
func (t *target) Ask(ctx context.Context, q probe.Question) evidence.Answer {
	if t.closed.Load() {
		return evidence.Not(evidence.NotAsked, "the target is closed", "")
	}
	var a evidence.Answer
	switch q.Builtin {
	case "git.changes":
		a = t.changes(ctx, q)
	case "git.deployments":
		a = t.deployments(ctx)
	default:
		return evidence.Not(evidence.NotApplicable, "a checkout does not know the question "+q.Lang+" "+q.Builtin, "")
	}
	a.Value, a.Reason = t.tools.Redact.Value(a.Value), t.tools.Redact.Text(a.Reason)
	return a
}

// Close implements connector.Target.
func (t *target) Close() error {
	t.closed.Store(true)
	if t.config.http != nil {
		t.config.http.CloseIdleConnections()
	}
	return nil
}

// Examine implements connector.Examiner.
func (t *target) Examine(ctx context.Context) []connector.Check {
	var checks []connector.Check
	if t.config.Dir != "" {
		c := connector.Check{Name: "reads the checkout", Needed: true, Detail: t.config.Dir}
		if moves, err := t.moves(ctx); err != nil {
			a := t.answer(err)
			c.Detail, c.Fix = a.Reason, a.Hint
		} else if c.OK = true; len(moves) > 0 {
			c.Detail += ": at " + short(moves[0].to)
		}
		checks = append(checks, c)
	}
	if t.config.url != nil {
		c := connector.Check{Name: "reads the deployments", OK: true, Needed: true, Detail: t.config.url.Host}
		if a := t.deployments(ctx); !a.Known() {
			c.OK, c.Detail, c.Fix = false, a.Reason, a.Hint
		}
		checks = append(checks, c)
	}
	return checks
}

var (
	_ connector.Target   = (*target)(nil)
	_ connector.Examiner = (*target)(nil)
)
