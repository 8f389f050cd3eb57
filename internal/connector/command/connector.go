// Package command runs programs that the operator has written down, as lists
// of arguments: no shell, nothing that was not declared, and never left behind.
// It asks no questions, and is off until it is switched on.
package command

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
		Name:     "command",
		About:    "Programs on this machine that the operator has declared, for changes that nothing else here can make.",
		Settings: settings(),
		Actions:  []action.Spec{runSpec()},
		Tried:    "programs that count their effects.",
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
func (t *target) Ask(_ context.Context, q probe.Question) evidence.Answer {
	if t.closed.Load() {
		return evidence.Not(evidence.NotAsked, "the target is closed", "")
	}
	return evidence.Not(evidence.NotApplicable, "commands answer no question: "+q.Lang+" "+q.Builtin, "")
}

// Doer implements action.Changer.
func (t *target) Doer(name string) (action.Doer, bool) {
	if name == "command.run" {
		return runner{t}, true
	}
	return nil, false
}

// Close implements connector.Target.
func (t *target) Close() error {
	t.closed.Store(true)
	return nil
}

// Examine implements connector.Examiner. It runs nothing.
func (t *target) Examine(context.Context) []connector.Check {
	if !t.config.Enabled {
		return []connector.Check{{Name: "switched on", Detail: "no command runs", Fix: "write enabled: true, if quell may run these programs"}}
	}
	checks := []connector.Check{{Name: "switched on", OK: true, Needed: true, Detail: fmt.Sprintf("%d commands are declared", len(t.config.commands))}}
	for _, name := range t.config.names() {
		program, err := find(t.config.commands[name].run[0].Source(), t.config.dir)
		c := connector.Check{Name: "has the program of " + name, OK: err == nil, Detail: program.path}
		if err != nil {
			c.Detail, c.Fix = err.Error(), "install it, or write its absolute path"
		}
		checks = append(checks, c)
	}
	return checks
}

var (
	_ connector.Target   = (*target)(nil)
	_ connector.Examiner = (*target)(nil)
	_ action.Changer     = (*target)(nil)
)
