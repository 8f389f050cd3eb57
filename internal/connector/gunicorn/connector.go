// Package gunicorn looks at one gunicorn server of this machine, its master
// and its workers, and does to it what a master does on signals: new workers
// with new code, more or fewer of them, and single workers replaced.
package gunicorn

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"sync/atomic"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// Kind describes this connector.
func Kind() connector.Kind {
	kind := connector.Kind{
		Name:     "gunicorn",
		About:    "A gunicorn server of this machine: its master and workers, new workers with new code, and how many there are.",
		Settings: settings(),
		Probes:   []probe.Spec{workersSpec(), logSpec()},
		Tried:    "gunicorn 20.1; the heartbeats of later versions were not run.",
		Open:     open,
	}
	for _, c := range changes() {
		kind.Actions = append(kind.Actions, c.spec)
	}
	return kind
}

type config struct {
	Pidfile string             `json:"pidfile"`
	Match   string             `json:"match"`
	Log     string             `json:"log"`
	Most    int                `json:"most"`
	Timeout connector.Duration `json:"timeout"`

	match *regexp.Regexp
}

func settings() []connector.Setting {
	return []connector.Setting{
		{Name: "pidfile", Type: probe.Text, Optional: true, About: "gunicorn's pidfile (-p); without this and match, the only gunicorn of the machine"},
		{Name: "match", Type: probe.Text, Optional: true, About: "a regular expression that the command line of the one master matches; where gunicorn hides it behind a title, the title, its directory and the addresses that it listens on"},
		{Name: "log", Type: probe.Text, Optional: true, About: "gunicorn's error log; without it the file that it was told, or that its output goes to"},
		{Name: "most", Type: probe.Number, Default: "32", About: "how many workers gunicorn.workers may go up to"},
		{Name: "timeout", Type: probe.Duration, Default: "40s", About: "how long workers may take to finish what they do; gunicorn's graceful_timeout and a little more"},
	}
}

// target is one gunicorn.
type target struct {
	config config
	tools  connector.Tools
	closed atomic.Bool
}

func open(s connector.Settings, tools connector.Tools) (connector.Target, error) {
	c := config{Most: 32, Timeout: connector.Duration{Duration: 40 * time.Second}}
	if err := s.Decode(&c); err != nil {
		return nil, err
	}
	if c.Most < 1 {
		return nil, errors.New("most must be 1 at least")
	}
	if c.Match != "" {
		var err error
		if c.match, err = regexp.Compile(c.Match); err != nil {
			return nil, fmt.Errorf("match: %w", err)
		}
	}
	return &target{config: c, tools: tools.Filled()}, nil
}

// identity says which gunicorn is meant. The master's own name stands in the
// guards: when it is another, these say so.
func (t *target) identity() string {
	host, err := os.Hostname()
	if err != nil {
		host = "this machine"
	}
	switch {
	case t.config.Pidfile != "":
		return fmt.Sprintf("gunicorn of %s on %s", t.config.Pidfile, host)
	case t.config.Match == "":
		return "the gunicorn of " + host
	}
	return fmt.Sprintf("gunicorn that matches %s on %s", t.config.Match, host)
}

// Ask implements probe.Prober.
func (t *target) Ask(ctx context.Context, q probe.Question) evidence.Answer {
	if t.closed.Load() {
		return evidence.Not(evidence.NotAsked, "the target is closed", "")
	}
	switch q.Builtin {
	case "gunicorn.workers":
		return t.workers(ctx, q)
	case "gunicorn.log":
		return t.log(ctx, q)
	}
	return evidence.Not(evidence.NotApplicable, "gunicorn does not know the question "+q.Lang+" "+q.Builtin, "")
}

// Examine implements connector.Examiner.
func (t *target) Examine(ctx context.Context) []connector.Check {
	c := connector.Check{Name: "finds the master", Needed: true}
	s, err := t.look(ctx)
	if err != nil {
		c.Detail = err.Error()
		return []connector.Check{c}
	}
	c.OK, c.Detail = true, s.String()
	signal := connector.Check{Name: "may signal it", OK: true, Detail: "the master may be signalled"}
	if err := s.mayBeSignalled(); err != nil {
		signal.OK, signal.Detail, signal.Fix = false, err.Error(), "run quell as gunicorn's user or as root"
	}
	return []connector.Check{c, signal}
}

// Close implements connector.Target.
func (t *target) Close() error {
	t.closed.Store(true)
	return nil
}

// Doer implements action.Changer.
func (t *target) Doer(name string) (action.Doer, bool) {
	for _, c := range changes() {
		if c.spec.Name == name {
			return doer{t: t, change: c}, true
		}
	}
	return nil, false
}

var (
	_ connector.Target   = (*target)(nil)
	_ connector.Examiner = (*target)(nil)
	_ action.Changer     = (*target)(nil)
)
