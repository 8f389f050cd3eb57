// Package rq asks and changes the job queues of Python's RQ, which keeps all of
// its state in a Redis: queues, registries of jobs, and workers. It knows the
// keys and fields as RQ itself writes them, and never reads what a job holds.
package rq

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/crew"
	"github.com/quellhq/quell/internal/daemon"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisact"
	"github.com/quellhq/quell/internal/redisapi"
	"github.com/quellhq/quell/internal/secret"
)

// Kind is the connector.
func Kind() connector.Kind {
	var specs []probe.Spec
	for _, q := range questions() {
		specs = append(specs, q.spec)
	}
	return connector.Kind{
		Name:     "rq",
		About:    "Job queues of Python's RQ: what waits, what failed, who works.",
		Settings: append(redisapi.SettingList(), daemon.SettingList("[rq, worker, --name, \"{name}\", default]")...),
		Probes:   specs,
		Actions:  redisact.Specs(changes(crew.Crew{Queue: "rq"})),
		Tried:    "RQ 1.13 on Redis 7.0.",
		Open:     open,
	}
}

// settings are the keys of an rq target in quell.yaml.
type settings struct {
	redisapi.Settings
	daemon.Declared
}

// target is one opened set of queues.
type target struct {
	tools  connector.Tools
	at     redisapi.Address
	crew   crew.Crew
	redact *secret.Redactor
	closed atomic.Bool
}

func open(s connector.Settings, tools connector.Tools) (connector.Target, error) {
	tools = tools.Filled()
	var conf settings
	if err := s.Decode(&conf); err != nil {
		return nil, err
	}
	at, err := conf.Address(tools.Dir)
	if err != nil {
		return nil, err
	}
	// Where RQ's own program looks for its server. A worker that is told
	// otherwise by its arguments heeds those.
	d, err := conf.Daemon(tools.Dir, map[string]string{"RQ_REDIS_URL": conf.URL.Reveal()})
	if err != nil {
		return nil, err
	}
	return &target{tools: tools, at: at, crew: newCrew(d), redact: secret.NewRedactor(at.Password, conf.URL)}, nil
}

// question is a built-in question: how it states itself, and how it is asked.
type question struct {
	spec probe.Spec
	ask  func(ctx context.Context, s *redisapi.Session) (map[string]any, error)
}

func questions() []question {
	return []question{
		queuesQuestion(), workersQuestion(), registriesQuestion(), runningQuestion(), failedQuestion(), schedulerQuestion(), jobsQuestion(),
	}
}

// Ask implements probe.Prober.
func (t *target) Ask(ctx context.Context, q probe.Question) evidence.Answer {
	if t.closed.Load() {
		return evidence.Not(evidence.NotAsked, "the target was closed", "")
	}
	for _, known := range questions() {
		if q.Lang == "probe" && q.Builtin == known.spec.Name {
			return t.hidden(t.ask(ctx, known))
		}
	}
	return evidence.Not(evidence.Invalid, fmt.Sprintf("rq has no question %q", q.Builtin+q.Lang), "")
}

func (t *target) ask(ctx context.Context, q question) evidence.Answer {
	s, err := redisapi.Open(ctx, t.at, t.tools.Gate.Limits(), t.tools.Gate)
	if err != nil {
		return redisapi.Failed("ask "+q.spec.Name, err, t.at)
	}
	defer s.Close()
	v, err := q.ask(ctx, s)
	if err != nil {
		return redisapi.Failed("ask "+q.spec.Name, err, t.at)
	}
	return evidence.Of(v)
}

func (t *target) hidden(a evidence.Answer) evidence.Answer {
	a.Reason, a.Hint = t.hide(a.Reason), t.hide(a.Hint)
	return a
}

func (t *target) hide(text string) string { return t.redact.Text(t.tools.Redact.Text(text)) }

// Doer implements action.Changer.
func (t *target) Doer(name string) (action.Doer, bool) {
	return redisact.Doer(changes(t.crew), redisact.Target{At: t.at, Redact: t.hide,
		Open: func(ctx context.Context, at redisapi.Address) (*redisapi.Session, error) {
			return redisapi.Open(ctx, at, t.tools.Gate.Limits(), nil)
		}}, name)
}

// changes lists everything that this connector can change.
func changes(c crew.Crew) []redisact.Change {
	return append([]redisact.Change{requeueChange(), dropChange(), restoreChange()}, c.Changes()...)
}

// Close implements connector.Target. Nothing stays open between questions.
func (t *target) Close() error {
	t.closed.Store(true)
	return nil
}

var (
	_ connector.Target   = (*target)(nil)
	_ connector.Examiner = (*target)(nil)
	_ action.Changer     = (*target)(nil)
)
