// Package process starts, stops, restarts and reloads one service through
// whoever looks after it: systemd, supervisor, Compose, an operator's own
// commands, or nobody but a pidfile. Each run of the service has a name, so
// that what was approved for one run is never done to another.
package process

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/secret"
)

// Kind describes this connector.
func Kind() connector.Kind {
	kind := connector.Kind{
		Name:     "process",
		About:    "One service of this machine under systemd, supervisor, Compose, commands of yours or a pidfile: what runs, and starting, stopping, restarting and reloading it.",
		Settings: settings(),
		Probes:   []probe.Spec{stateSpec()},
		Tried:    "supervisord, systemd 252 and a Docker engine with docker-compose 1.29 (each in namespaces of its own), own commands, and pidfiles. The compose v2 plugin, remote supervisords and user units were not run.",
		Open: func(s connector.Settings, tools connector.Tools) (connector.Target, error) {
			return open(s, tools)
		},
	}
	for _, a := range acts() {
		kind.Actions = append(kind.Actions, a.spec)
	}
	return kind
}

// target is one opened service.
type target struct {
	config  config
	manager manager
	tools   connector.Tools
	secrets *secret.Redactor // of the settings
	closed  atomic.Bool
}

func open(s connector.Settings, tools connector.Tools) (*target, error) {
	tools = tools.Filled()
	c, err := parse(s, tools.Dir)
	if err != nil {
		return nil, err
	}
	secrets := []secret.String{c.Password}
	for _, v := range c.Env {
		secrets = append(secrets, v)
	}
	return &target{config: c, manager: managerOf(c), tools: tools, secrets: secret.NewRedactor(secrets...)}, nil
}

// Ask implements probe.Prober.
func (t *target) Ask(ctx context.Context, q probe.Question) evidence.Answer {
	if t.closed.Load() {
		return evidence.Not(evidence.NotAsked, "the target is closed", "")
	}
	if q.Builtin != "process.state" {
		return evidence.Not(evidence.NotApplicable, "a process target does not know the question "+q.Lang+" "+q.Builtin, "")
	}
	return t.state(ctx)
}

// Close implements connector.Target.
func (t *target) Close() error {
	t.closed.Store(true)
	return nil
}

// Doer implements action.Changer.
func (t *target) Doer(name string) (action.Doer, bool) {
	for _, a := range acts() {
		if a.spec.Name == name {
			return doer{t: t, act: a}, true
		}
	}
	return nil, false
}

// Examine implements connector.Examiner.
func (t *target) Examine(ctx context.Context) []connector.Check {
	c := connector.Check{Name: "finds the service", Needed: true}
	found, err := t.manager.look(ctx)
	if err != nil {
		c.Detail = t.redact(err.Error())
		return []connector.Check{c}
	}
	c.OK, c.Detail = true, fmt.Sprintf("%s: %s", t.manager.String(), listed(found))
	return []connector.Check{c, t.rights(found)}
}

// rights says whether the actions may be carried out, as far as asking shows.
func (t *target) rights(found []instance) connector.Check {
	c := connector.Check{Name: "may start and stop it", OK: true, Detail: t.manager.String() + " decides when it is asked to"}
	if t.config.Manager != "pid" {
		return c
	}
	c.Detail = "the process may be signalled"
	for _, i := range found {
		if err := i.signalable(); err != nil {
			c.OK, c.Detail, c.Fix = false, err.Error(), "run quell as the service's user or as root"
		}
	}
	return c
}

// redact hides secrets in a text for people.
func (t *target) redact(text string) string {
	return t.secrets.Text(t.tools.Redact.Text(text))
}

// identity says what the target is: another machine's service of the same name
// is another one.
func (t *target) identity() string {
	host, err := os.Hostname()
	if err != nil {
		host = "this machine"
	}
	return t.manager.String() + " on " + host
}

var (
	_ connector.Target   = (*target)(nil)
	_ connector.Examiner = (*target)(nil)
	_ action.Changer     = (*target)(nil)
)
