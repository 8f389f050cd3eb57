package firewall

import (
	"context"
	"errors"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func rulesSpec() probe.Spec {
	return probe.Spec{
		Name:     "firewall.rules",
		Question: "What does quell block or slow down on this machine, and for how long still?",
		Why:      "A client that cannot get through may be one that an earlier incident shut out.",
		Cost:     "one nft list of quell's own table",
		Shape:    probe.Rows,
		Fields: []probe.Field{
			{Name: "kind", Type: "text", About: "block or limit"},
			{Name: "what", Type: "text", About: "the address or network; protocol and port"},
			{Name: "rate", Type: "text", About: "of a limit, for each address; empty for a block"},
			{Name: "order", Type: "text", About: "the comment, which names the order"},
			{Name: "left_s", Type: "number", About: "seconds until it ends by itself"},
		},
		Outcomes: []probe.Outcome{
			{When: "no rows", Means: "quell blocks nobody and limits nothing here; other tables are not looked at"},
		},
	}
}

func (t *target) ask(ctx context.Context) evidence.Answer {
	leave, err := t.tools.Gate.Enter(ctx)
	if err != nil {
		return connector.Failure("ask "+t.config.Binary, err)
	}
	defer leave()
	r, err := t.list(ctx)
	var refusal *action.Refusal
	switch {
	case ctx.Err() != nil:
		return connector.Failure("ask "+t.config.Binary, ctx.Err())
	case errors.As(err, &refusal):
		return evidence.Not(evidence.NotApplicable, refusal.Text, refusal.Hint)
	case err != nil:
		return evidence.Not(evidence.Unreachable, err.Error(), "install nftables, and run quell as root or with CAP_NET_ADMIN")
	}
	rows := []any{}
	for _, e := range r.blocked {
		rows = append(rows, map[string]any{"kind": "block", "what": written(e.prefix), "rate": "", "order": e.comment, "left_s": e.left.Seconds()})
	}
	for _, p := range r.limits {
		rows = append(rows, map[string]any{"kind": "limit", "what": p.what.String(), "rate": p.rate, "order": p.comment, "left_s": p.left.Seconds()})
	}
	return evidence.Of(rows)
}
