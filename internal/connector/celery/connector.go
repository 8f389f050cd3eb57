// Package celery asks and changes the queues that Python's Celery keeps in a
// Redis: messages that wait, messages that a worker has taken and not
// acknowledged, and the workers themselves. It knows the keys as kombu, Celery's
// library of brokers, writes them. Other brokers are not spoken to.
package celery

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisact"
	"github.com/quellhq/quell/internal/redisapi"
	"github.com/quellhq/quell/internal/secret"
)

// Kind is the connector.
func Kind() connector.Kind {
	var specs []probe.Spec
	for _, q := range (broker{}).questions() {
		specs = append(specs, q.spec)
	}
	return connector.Kind{
		Name:     "celery",
		About:    "Queues of Python's Celery with a Redis as broker: what waits, what was taken and never finished, who listens, what failed, whether the beat beats.",
		Settings: settingList(),
		Probes:   specs,
		Actions:  redisact.Specs(broker{}.changes()),
		Tried:    "Celery 5.2 with Redis 7.0 as its broker; no other broker is known.",
		Open:     open,
	}
}

// target is one opened broker.
type target struct {
	broker
	tools     connector.Tools
	at        redisapi.Address
	resultsAt redisapi.Address
	schedule  string // file of the beat; "" where none was named
	redact    *secret.Redactor
	closed    atomic.Bool
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
	results, err := conf.resultsAt(tools.Dir)
	if err != nil {
		return nil, err
	}
	queues, err := conf.names()
	if err != nil {
		return nil, err
	}
	// Where Celery looks for its broker, unless the application says otherwise.
	d, err := conf.Daemon(tools.Dir, map[string]string{"CELERY_BROKER_URL": conf.URL.Reveal()})
	if err != nil {
		return nil, err
	}
	return &target{
		broker: broker{queues: queues, prefix: conf.KeyPrefix, db: at.DB, daemon: d},
		tools:  tools, at: at, resultsAt: results, schedule: inDir(tools.Dir, conf.Schedule),
		redact: secret.NewRedactor(at.Password, conf.URL, results.Password, conf.Results),
	}, nil
}

// question is a built-in question: how it states itself, and how it is asked.
type question struct {
	spec    probe.Spec
	ask     func(ctx context.Context, s *redisapi.Session) (map[string]any, error)
	results bool                                                 // asked where the results are
	here    func(ctx context.Context, t *target) evidence.Answer // asked of this machine, instead of ask
}

// Ask implements probe.Prober.
func (t *target) Ask(ctx context.Context, q probe.Question) evidence.Answer {
	if t.closed.Load() {
		return evidence.Not(evidence.NotAsked, "the target was closed", "")
	}
	for _, known := range t.questions() {
		if q.Lang == "probe" && q.Builtin == known.spec.Name {
			return t.hidden(t.ask(ctx, known))
		}
	}
	return evidence.Not(evidence.Invalid, fmt.Sprintf("celery has no question %q", q.Builtin+q.Lang), "")
}

func (t *target) ask(ctx context.Context, q question) evidence.Answer {
	if q.here != nil {
		return q.here(ctx, t)
	}
	at := t.at
	if q.results {
		at = t.resultsAt
	}
	s, err := redisapi.Open(ctx, at, t.tools.Gate.Limits(), t.tools.Gate)
	if err != nil {
		return redisapi.Failed("ask "+q.spec.Name, err, at)
	}
	defer s.Close()
	v, err := q.ask(ctx, s)
	if err != nil {
		return redisapi.Failed("ask "+q.spec.Name, err, at)
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
	open := func(ctx context.Context, at redisapi.Address) (*redisapi.Session, error) {
		return redisapi.Open(ctx, at, t.tools.Gate.Limits(), nil)
	}
	return redisact.Doer(t.changes(), redisact.Target{At: t.at, Redact: t.hide, Open: open}, name)
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
