package redis

import (
	"context"
	"errors"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisact"
	"github.com/quellhq/quell/internal/redisapi"
)

// changes lists everything that this connector can change, in the order in
// which it is shown to people.
func changes() []redisact.Change {
	return []redisact.Change{
		configChange(), policyChange(), persistenceChange(),
		killChange(), scriptKillChange(),
		unlinkChange(), expireChange(), persistChange(), extendChange(),
		bgsaveChange(), purgeChange(),
	}
}

// actions is what every change says of itself.
func actions() []action.Spec { return redisact.Specs(changes()) }

// Doer implements action.Changer.
func (t *target) Doer(name string) (action.Doer, bool) {
	return redisact.Doer(changes(), redisact.Target{At: t.client.at, Open: t.visit, Redact: t.hide}, name)
}

// visit gets in for one change. On a server that is full the connection of the
// questions is taken over for it, where there is one: giving it back first
// would lose its place to somebody else.
func (t *target) visit(ctx context.Context, at redisapi.Address) (*redisapi.Session, error) {
	s, err := redisapi.Open(ctx, at, t.tools.Gate.Limits(), nil)
	var r *redisapi.Refusal
	if errors.As(err, &r) && r.Kind == redisapi.KindMaxClients {
		if lent := t.client.lend(ctx); lent != nil {
			return lent, nil
		}
	}
	return s, err
}

// lend hands out the connection of the questions, which wait meanwhile; nil
// where there is none.
func (c *client) lend(ctx context.Context) *redisapi.Session {
	if c.take(ctx) != nil {
		return nil
	}
	if c.link == nil {
		c.give()
		return nil
	}
	return redisapi.Borrowed(c.at, c.gate.Limits(), c.link, func(broken bool) {
		if broken {
			c.drop()
		}
		c.give()
	})
}

func need(name string, kind probe.ParamType, about string) probe.Param {
	return probe.Param{Name: name, Type: kind, About: about}
}

func optional(name string, kind probe.ParamType, def, about string) probe.Param {
	return probe.Param{Name: name, Type: kind, Default: def, About: about}
}

var _ action.Changer = (*target)(nil)
