// Package alembic asks a project's own Alembic at which revision its database
// stands, and moves it to another one. Everything goes through the command line
// of Alembic, as the team itself runs it: how the project finds its database is
// the project's business, and no second truth about that is kept here.
package alembic

import (
	"context"
	"path/filepath"
	"sync"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// Kind is the connector, as package all lists it.
func Kind() connector.Kind {
	return connector.Kind{
		Name:     "alembic",
		About:    "The schema migrations of a project, through its own Alembic",
		Settings: settingSpecs(),
		Probes:   []probe.Spec{currentSpec(), pendingSpec(), changesSpec()},
		Actions:  []action.Spec{upgradeSpec(), downgradeSpec()},
		Tried:    "Alembic 1.8 with psycopg2 on PostgreSQL 15.",
		Open:     open,
	}
}

// Target is one project with its migrations.
type Target struct {
	cfg   config
	tools connector.Tools

	mu      sync.Mutex // guards closed
	closed  bool
	changes sync.Mutex // held by the one change that is under way
}

func open(s connector.Settings, tools connector.Tools) (connector.Target, error) {
	tools = tools.Filled()
	cfg, err := parse(s, tools.Dir)
	if err != nil {
		return nil, err
	}
	return &Target{cfg: cfg, tools: tools}, nil
}

// Ask implements probe.Prober.
func (t *Target) Ask(ctx context.Context, q probe.Question) evidence.Answer {
	t.mu.Lock()
	closed := t.closed
	t.mu.Unlock()
	switch {
	case closed:
		return evidence.Not(evidence.NotAsked, "the target is closed", "")
	case q.Lang == "probe" && q.Builtin == "alembic.current":
		return t.current(ctx)
	case q.Lang == "probe" && q.Builtin == "alembic.pending":
		return t.pendingRisks(ctx)
	case q.Lang == "probe" && q.Builtin == "alembic.changes":
		return t.written(ctx)
	case q.Lang == "probe":
		return evidence.Not(evidence.Invalid, "there is no question "+q.Builtin, "")
	}
	return evidence.Not(evidence.Invalid, "Alembic does not answer "+q.Lang, "")
}

// Close implements connector.Target. What runs goes on until its own end.
func (t *Target) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	return nil
}

// Examine implements connector.Examiner.
func (t *Target) Examine(ctx context.Context) []connector.Check {
	ini := filepath.Join(t.cfg.dir, t.cfg.ini)
	g, err := t.graph(ctx)
	if err != nil {
		a := t.answer(err)
		return []connector.Check{{Name: "its scripts can be read", Detail: a.Reason, Fix: a.Hint, Needed: true}}
	}
	checks := []connector.Check{{Name: "its scripts can be read", OK: true, Needed: true, Detail: count(len(g.list), "revision") + " by " + ini}}
	s, err := t.state(ctx, g)
	if err != nil {
		a := t.answer(err)
		return append(checks, connector.Check{Name: "its database answers", Detail: a.Reason, Fix: a.Hint, Needed: true})
	}
	checks = append(checks, connector.Check{Name: "its database answers", OK: true, Needed: true, Detail: s.database + " is at " + s.text()})
	one := connector.Check{Name: "has one head", OK: len(g.heads()) == 1, Detail: "one"}
	if !one.OK {
		one.Detail, one.Fix = count(len(g.heads()), "head"), "alembic merge heads, and review what it writes"
	}
	return append(checks, one)
}

var (
	_ connector.Target   = (*Target)(nil)
	_ connector.Examiner = (*Target)(nil)
	_ action.Changer     = (*Target)(nil)
)
