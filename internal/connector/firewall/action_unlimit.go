package firewall

import (
	"context"
	"fmt"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
)

func unlimitSpec() action.Spec {
	return action.Spec{
		Name: "firewall.unlimit", Risk: action.R1,
		Does:  "Takes the limit of a port away.",
		Tells: "the port has no limit in the kernel, or one with another comment",
		Params: []probe.Param{
			{Name: "port", Type: probe.Number, About: "port of this machine"},
			{Name: "protocol", Type: probe.Text, Default: "tcp", About: "tcp or udp"},
			{Name: "order", Type: probe.Text, Default: `""`, About: "only the limit of the order with this key; empty: whoever set it"},
		},
	}
}

type unlimiter struct{ *target }

// find returns the limit that is meant.
func (u unlimiter) find(ctx context.Context, args action.Args) (service, pace, bool, rules, error) {
	s, err := readService(args)
	if err != nil {
		return s, pace{}, false, rules{}, err
	}
	r, err := u.list(ctx)
	if err != nil {
		return s, pace{}, false, r, err
	}
	p, ok := r.limitOf(s)
	key := args.Text("order")
	return s, p, ok && (key == "" || p.comment == comment(key)), r, nil
}

// Preview implements action.Doer.
func (u unlimiter) Preview(ctx context.Context, c action.Change) (action.Preview, error) {
	s, p, ok, _, err := u.find(ctx, c.Args)
	if err != nil {
		return action.Preview{}, err
	}
	out := action.Preview{Identity: u.identity(), Summary: "takes the limit of " + s.String() + " away", Already: !ok, MayShrink: true}
	if ok {
		out.Items = []action.Item{{
			ID: s.String(), Now: fmt.Sprintf("%s for each address (%s)", p.rate, p.comment), Then: "no limit", Guard: "limited by " + p.comment,
		}}
	}
	return out, nil
}

// Apply implements action.Doer.
func (u unlimiter) Apply(ctx context.Context, o action.Order) (action.Done, error) {
	s, p, ok, r, err := u.find(ctx, o.Args)
	switch {
	case err != nil:
		return action.Done{}, notYet(err)
	case !ok:
		return unlimited(s), nil
	case len(o.Preview.Items) != 1 || o.Preview.Items[0].Guard != "limited by "+p.comment:
		return action.Done{}, action.Not("the limit of %s is another one than in the preview", s)
	}
	if err := u.run(ctx, u.unlimitScript(r, s)); err != nil {
		return action.Done{}, err
	}
	return unlimited(s), nil
}

// Standing implements action.Doer.
func (u unlimiter) Standing(ctx context.Context, o action.Order) (action.Standing, error) {
	s, p, ok, _, err := u.find(ctx, o.Args)
	if err != nil {
		return action.Standing{}, err
	}
	if ok && len(o.Preview.Items) == 1 && o.Preview.Items[0].Guard == "limited by "+p.comment {
		return action.Standing{State: action.NotMade, Text: s.String() + " has the limit still"}, nil
	}
	done := unlimited(s)
	return action.Standing{State: action.Made, Done: &done, Text: s.String() + " does not have that limit any more"}, nil
}

func unlimited(s service) action.Done {
	return action.Done{Summary: s.String() + " has no limit of quell's", Items: []action.Result{{ID: s.String(), OK: true, Text: "no limit"}}}
}

var _ action.Doer = unlimiter{}
