// Package nginx looks at an nginx on this machine and changes its
// configuration: one line of an upstream, a rate limit of its own, always
// tested first, loaded by the master, seen to be loaded, and taken back when it
// was not.
package nginx

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// Kind describes this connector.
func Kind() connector.Kind {
	return connector.Kind{
		Name:     "nginx",
		About:    "An nginx on this machine: its configuration, processes, logs and the servers behind it, and changes of upstreams and rate limits.",
		Settings: settings(),
		Probes:   []probe.Spec{configSpec(), changesSpec(), statusSpec(), upstreamsSpec(), accessSpec(), errorsSpec()},
		Actions:  []action.Spec{upstreamSpec(), rateLimitSpec(), reloadSpec(), restoreSpec()},
		Tried:    "nginx 1.22.",
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
	known  known
}

// Ask implements probe.Prober.
func (t *target) Ask(ctx context.Context, q probe.Question) evidence.Answer {
	if t.closed.Load() {
		return evidence.Not(evidence.NotAsked, "the target is closed", "")
	}
	var a evidence.Answer
	switch q.Builtin {
	case "nginx.config":
		a = t.ask(ctx)
	case "nginx.changes":
		a = t.changes(ctx)
	case "nginx.status":
		a = t.status(ctx, q)
	case "nginx.upstreams":
		a = t.upstreamHealth(ctx, q)
	case "nginx.access":
		a = t.readLogs(ctx, q, t.access)
	case "nginx.errors":
		a = t.readLogs(ctx, q, t.complaints)
	default:
		return evidence.Not(evidence.NotApplicable, "an nginx does not know the question "+q.Lang+" "+q.Builtin, "")
	}
	a.Value, a.Reason = t.tools.Redact.Value(a.Value), t.tools.Redact.Text(a.Reason)
	return a
}

// readLogs asks what is read from log files: one bulk request, bounded in time.
func (t *target) readLogs(ctx context.Context, q probe.Question, ask func(context.Context, probe.Question) evidence.Answer) evidence.Answer {
	leave, err := t.tools.Gate.EnterBulk(ctx)
	if err != nil {
		return connector.Failure("read nginx's logs", err)
	}
	defer leave()
	ctx, cancel := connector.Within(ctx, t.tools.Gate.Limits().Timeout)
	defer cancel()
	return ask(ctx, q)
}

// Doer implements action.Changer.
func (t *target) Doer(name string) (action.Doer, bool) {
	switch name {
	case "nginx.upstream":
		return editor{t, t.proposeUpstream}, true
	case "nginx.rate_limit":
		return editor{t, t.proposeRateLimit}, true
	case "nginx.restore":
		return editor{t, t.proposeRestore}, true
	case "nginx.reload":
		return reloader{t}, true
	}
	return nil, false
}

// Close implements connector.Target.
func (t *target) Close() error {
	t.closed.Store(true)
	return nil
}

// Examine implements connector.Examiner.
func (t *target) Examine(ctx context.Context) []connector.Check {
	tree, err := load(t.config.Conf, nil)
	if err != nil {
		return []connector.Check{{Name: "reads the configuration", Needed: true, Detail: err.Error(), Fix: "set conf, and run quell as a user who may read it"}}
	}
	checks := []connector.Check{{Name: "reads the configuration", OK: true, Needed: true, Detail: fmt.Sprintf("%d files from %s on", len(tree.files), t.config.Conf)}}
	m, err := t.findMaster(ctx, tree)
	running := connector.Check{Name: "finds the master", OK: err == nil, Detail: fmt.Sprintf("pid %d", m.pid)}
	if err != nil {
		running.Detail, running.Fix = err.Error(), "start nginx, or set pidfile, binary and conf to those that it runs with"
	}
	checks = append(checks, running)
	if t.config.Snippets != "" {
		checks = append(checks, t.examineSnippets(tree))
	}
	return checks
}

func (t *target) examineSnippets(tree *tree) connector.Check {
	within, ok := tree.within(t.snippet("0"))
	c := connector.Check{Name: "includes the snippets", OK: ok && slices.Equal(within, []string{"http"}), Detail: t.config.Snippets + " is included in http {}"}
	if !c.OK {
		c.Detail, c.Fix = t.config.Snippets+" is not included in http {}", "write include "+t.config.Snippets+"/*.conf; into http {}"
	}
	return c
}

var (
	_ connector.Target   = (*target)(nil)
	_ connector.Examiner = (*target)(nil)
	_ action.Changer     = (*target)(nil)
)
