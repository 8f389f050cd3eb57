// Package docker asks a Docker engine (or Podman behind the same API) about the
// containers of a service: how they ended, what bounds them, what they use, and
// why Swarm does not start them. It sends GET and nothing else.
package docker

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// Kind describes this connector.
func Kind() connector.Kind {
	return connector.Kind{
		Name:     "docker",
		About:    "A Docker engine: containers, their ends, limits and use, images, events, and Swarm's services and tasks. It only reads.",
		Settings: settings(),
		Probes: []probe.Spec{
			containersSpec(), usageSpec(), eventsSpec(), portsSpec(), imagesSpec(), servicesSpec(), tasksSpec(), diskSpec(), engineSpec(),
		},
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
	asks := map[string]func(context.Context, probe.Question) evidence.Answer{
		"docker.containers": t.containers, "docker.usage": t.usage, "docker.events": t.events, "docker.ports": t.ports,
		"docker.images": t.images, "docker.services": t.services, "docker.tasks": t.tasks, "docker.disk": t.disk, "docker.engine": t.engine,
	}
	ask := asks[q.Builtin]
	if ask == nil {
		return evidence.Not(evidence.NotApplicable, "a Docker engine does not know the question "+q.Lang+" "+q.Builtin, "")
	}
	a := ask(ctx, q)
	a.Value, a.Reason = t.tools.Redact.Value(a.Value), t.tools.Redact.Text(a.Reason)
	return a
}

// Close implements connector.Target.
func (t *target) Close() error {
	t.closed.Store(true)
	t.client.http.CloseIdleConnections()
	return nil
}

// Examine implements connector.Examiner.
func (t *target) Examine(ctx context.Context) []connector.Check {
	info, err := t.client.info(ctx)
	if err != nil {
		a := answer(err)
		return []connector.Check{{Name: "answers", Needed: true, Detail: a.Reason, Fix: a.Hint}}
	}
	checks := []connector.Check{{Name: "answers", OK: true, Needed: true,
		Detail: fmt.Sprintf("Docker %s at %s, %d of %d containers run", info.ServerVersion, t.client.where, info.ContainersRunning, info.Containers)}}
	var list []summary
	c := connector.Check{Name: "may list containers", OK: true, Needed: true, Detail: "containers can be listed"}
	if err := t.client.get(ctx, "/containers/json", allContainers(), &list); err != nil {
		a := answer(err)
		c.OK, c.Detail, c.Fix = false, a.Reason, a.Hint
	}
	return append(checks, c)
}

var (
	_ connector.Target   = (*target)(nil)
	_ connector.Examiner = (*target)(nil)
)
