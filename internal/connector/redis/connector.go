// Package redis asks a Redis (or Valkey) server what it knows about itself:
// over one connection, with commands that are proved read-only by a table of
// ours and by the server's own, and with a bound on each.
package redis

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisapi"
)

// Kind is the connector.
func Kind() connector.Kind {
	specs := make([]probe.Spec, 0, len(questions()))
	for _, q := range questions() {
		specs = append(specs, q.spec)
	}
	return connector.Kind{
		Name:      "redis",
		About:     "A Redis or Valkey server: its state, its clients, its keys by sample, and what it refuses.",
		Settings:  redisapi.SettingList(),
		Languages: []connector.Language{language()},
		Probes:    specs,
		Actions:   actions(),
		Tried:     "Redis 7.0; nothing was run on Redis 6, Valkey or a cluster.",
		Open:      open,
	}
}

// A builtin is a built-in question: how it states itself, and how it is asked.
type builtin struct {
	spec probe.Spec
	ask  func(ctx context.Context, t *target, args arguments) evidence.Answer
}

// questions lists the built-in questions in the order in which people read them.
func questions() []builtin {
	return []builtin{
		connectQuestion(), infoQuestion(), statsQuestion(), slowlogQuestion(), latencyQuestion(),
		memoryQuestion(), clientsQuestion(), keysQuestion(), keyspaceQuestion(), persistenceQuestion(),
		replicationQuestion(), configQuestion(), queuesQuestion(),
	}
}

// target is one opened server.
type target struct {
	tools  connector.Tools
	client *client
	table  table
	byName map[string]builtin
	once   sync.Once
}

func open(s connector.Settings, tools connector.Tools) (connector.Target, error) {
	tools = tools.Filled()
	var conf redisapi.Settings
	if err := s.Decode(&conf); err != nil {
		return nil, err
	}
	at, err := conf.Address(tools.Dir)
	if err != nil {
		return nil, err
	}
	t := &target{tools: tools, client: newClient(at, tools),
		table: table{flags: map[string][]string{}}, byName: map[string]builtin{}}
	for _, q := range questions() {
		t.byName[q.spec.Name] = q
	}
	return t, nil
}

// Ask implements probe.Prober.
func (t *target) Ask(ctx context.Context, q probe.Question) evidence.Answer {
	switch q.Lang {
	case "redis":
		return t.redacted(t.askFence(ctx, q))
	case "probe":
		b, ok := t.byName[q.Builtin]
		if !ok {
			return evidence.Not(evidence.Invalid, fmt.Sprintf("redis has no question %q", q.Builtin), "")
		}
		args, err := fillArguments(b.spec, q.Args)
		if err != nil {
			return evidence.Not(evidence.Invalid, q.Builtin+": "+err.Error(), "")
		}
		return t.redacted(b.ask(ctx, t, args))
	}
	return evidence.Not(evidence.Invalid, fmt.Sprintf("redis does not answer fences of language %q", q.Lang), "")
}

// redacted takes our own password out of whatever came back, wherever a server
// or a library may have repeated it.
func (t *target) redacted(a evidence.Answer) evidence.Answer {
	a.Reason, a.Hint = t.hide(a.Reason), t.hide(a.Hint)
	for i := range a.Notes {
		a.Notes[i] = t.hide(a.Notes[i])
	}
	return a
}

func (t *target) hide(s string) string {
	if p := t.client.at.Password.Reveal(); len(p) >= 4 {
		s = strings.ReplaceAll(s, p, t.client.at.Password.String())
	}
	return t.tools.Redact.Text(s)
}

// Close implements connector.Target.
func (t *target) Close() error {
	t.once.Do(t.client.close)
	return nil
}

var (
	_ connector.Target   = (*target)(nil)
	_ connector.Examiner = (*target)(nil)
)
