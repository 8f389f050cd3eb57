// Package uvicorn looks at one uvicorn server of this machine: alone, under its
// reloader, or as a parent with workers. Nothing is done to it: it heeds no
// signal but the one that ends it, and whoever looks after its process
// restarts it.
package uvicorn

import (
	"context"
	"fmt"
	"regexp"
	"sync/atomic"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// Kind describes this connector.
func Kind() connector.Kind {
	return connector.Kind{
		Name:     "uvicorn",
		About:    "A uvicorn server of this machine: alone, under its reloader, or as a parent with workers.",
		Settings: settings(),
		Probes:   []probe.Spec{workersSpec(), logSpec()},
		Tried:    "uvicorn 0.17",
		Open:     open,
	}
}

type config struct {
	Match string `json:"match"`
	Log   string `json:"log"`

	match *regexp.Regexp
}

func settings() []connector.Setting {
	return []connector.Setting{
		{Name: "match", Type: probe.Text, Optional: true, About: "a regular expression that the command line of the one server matches; without it, the only uvicorn of the machine"},
		{Name: "log", Type: probe.Text, Optional: true, About: "the file that its output goes to; without it the one that the kernel shows"},
	}
}

// target is one uvicorn.
type target struct {
	config config
	tools  connector.Tools
	closed atomic.Bool
}

func open(s connector.Settings, tools connector.Tools) (connector.Target, error) {
	var c config
	if err := s.Decode(&c); err != nil {
		return nil, err
	}
	if c.Match != "" {
		var err error
		if c.match, err = regexp.Compile(c.Match); err != nil {
			return nil, fmt.Errorf("match: %w", err)
		}
	}
	return &target{config: c, tools: tools.Filled()}, nil
}

// Ask implements probe.Prober.
func (t *target) Ask(ctx context.Context, q probe.Question) evidence.Answer {
	if t.closed.Load() {
		return evidence.Not(evidence.NotAsked, "the target is closed", "")
	}
	switch q.Builtin {
	case "uvicorn.workers":
		return t.workers(ctx, q)
	case "uvicorn.log":
		return t.log(ctx, q)
	}
	return evidence.Not(evidence.NotApplicable, "uvicorn does not know the question "+q.Lang+" "+q.Builtin, "")
}

// Examine implements connector.Examiner.
func (t *target) Examine(ctx context.Context) []connector.Check {
	c := connector.Check{Name: "finds the server", Needed: true}
	s, err := t.look(ctx)
	if err != nil {
		c.Detail = err.Error()
		return []connector.Check{c}
	}
	c.OK, c.Detail = true, fmt.Sprintf("process %d with %d workers", s.parent.PID, len(s.workers))
	return []connector.Check{c}
}

// Close implements connector.Target.
func (t *target) Close() error {
	t.closed.Store(true)
	return nil
}

var (
	_ connector.Target   = (*target)(nil)
	_ connector.Examiner = (*target)(nil)
)
