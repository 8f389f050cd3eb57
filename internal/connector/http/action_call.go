package http

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/declared"
	"github.com/quellhq/quell/internal/probe"
)

func callSpec() action.Spec {
	return action.Spec{
		Name: "http.call", Risk: action.R2,
		Does:  "Sends a declared request: switches a feature flag, calls a webhook, purges a CDN.",
		Undo:  "sends the call that the declaration names as its undo; without one it cannot be",
		Tells: "the call's check, a GET; without one nobody can tell",
		Params: []probe.Param{
			{Name: "call", Type: probe.Text, About: "the call's name in the target's settings"},
			declared.ValuesParam(),
			action.ForParam(),
		},
	}
}

type caller struct{ *target }

// Preview implements action.Doer. It asks the call's check; without one it
// connects and sends nothing.
func (t caller) Preview(ctx context.Context, c action.Change) (action.Preview, error) {
	f, err := t.read(c)
	if err != nil {
		return action.Preview{}, err
	}
	p, _, err := t.preview(ctx, c, f)
	return p, err
}

func (t caller) preview(ctx context.Context, c action.Change, f filled) (action.Preview, seen, error) {
	if ctx.Err() != nil {
		return action.Preview{}, seen{}, &action.Unavailable{Text: "preview of call " + f.name + ": the time is over"}
	}
	if f.readback == nil {
		if err := t.reach(ctx, f.req); err != nil {
			return action.Preview{}, seen{}, err
		}
	}
	now, err := t.look(ctx, f)
	if err != nil {
		return action.Preview{}, seen{}, err
	}
	p := action.Preview{
		Identity: t.identity(),
		Summary:  fmt.Sprintf("sends %s: %s", f.name, t.text(f.req)),
		Items:    []action.Item{{ID: f.name, Now: now.text, Then: "sent: " + t.text(f.req), Guard: digestOf(f.req) + " " + string(now.state)}},
		Already:  now.state == action.Made, Risk: f.risk, Lasts: c.Args.Duration("for"),
	}
	if f.about != "" {
		p.Summary = f.about + ": " + p.Summary
	}
	switch {
	case f.undo != "":
		p.Undo = "sends " + f.undo
	case c.Args.Duration("for") > 0:
		return p, now, action.Refuse("leave it out, or declare an undo", "call %s has no undo that could take it back after %s", f.name, c.Args.Text("for"))
	}
	switch {
	case f.readback == nil:
		p.Warnings = append(p.Warnings, "it has no check: after a crash a person has to find out whether it was sent")
	case now.state == action.CannotTell:
		p.Warnings = append(p.Warnings, "its check tells nothing: "+now.text)
	}
	return p, now, nil
}

// identity is the address that was configured, without user and password.
func (t *target) identity() string {
	text := "web service at " + shown(t.config.base)
	if t.config.Address != "" {
		text += " by way of " + t.config.Address
	}
	return text
}

// Apply implements action.Doer.
func (t caller) Apply(ctx context.Context, o action.Order) (action.Done, error) {
	f, err := t.read(o.Change)
	if err != nil {
		return action.Done{}, err
	}
	p, now, err := t.preview(ctx, o.Change, f)
	var refusal *action.Refusal
	switch {
	case errors.As(err, &refusal):
		return action.Done{}, err
	case err != nil:
		return action.Done{}, action.NotYet("%s", err)
	case now.state == action.Made:
		return t.made(f, now.text), nil
	case len(o.Preview.Items) != 1 || o.Preview.Items[0].Guard != p.Items[0].Guard:
		return action.Done{}, action.Not("call %s, or what its check says, is not as in the preview any more", f.name)
	}
	switch out := t.transmit(ctx, f, o.Key); {
	case out.state == action.Made:
		return t.made(f, out.text), nil
	case out.state == action.NotMade && out.temporary:
		return action.Done{}, action.NotYet("%s", out.text)
	case out.state == action.NotMade:
		return action.Done{}, action.Not("%s", out.text)
	default:
		return action.Done{}, errors.New(out.text)
	}
}

// Standing implements action.Doer.
func (t caller) Standing(ctx context.Context, o action.Order) (action.Standing, error) {
	f, err := t.read(o.Change)
	if err != nil {
		return action.Standing{State: action.CannotTell, Text: "it cannot be asked about any more: " + err.Error()}, nil
	}
	now, err := t.look(ctx, f)
	if err != nil {
		return action.Standing{}, err
	}
	s := action.Standing{State: now.state, Text: fmt.Sprintf("call %s: %s", f.name, now.text)}
	switch {
	case now.state == action.Made:
		done := t.made(f, now.text)
		s.Done = &done
	case now.state == action.NotMade && !o.Intended.IsZero():
		return f.notYet(s, time.Since(o.Intended)), nil
	}
	return s, nil
}

// under is how often a server that may still work on a call is asked about it.
const under = 2 * time.Second

// notYet is what a check is worth that does not see a call which may have been
// sent: for twice the time of a call the server may still be at it. After that
// one that may come twice is taken for not made; one that may not never is,
// since nothing says that it will not come yet.
func (f filled) notYet(s action.Standing, since time.Duration) action.Standing {
	longest := 2 * f.timeout
	if f.repeat != once {
		longest *= time.Duration(1 + len(pauses)) // they come one after the other
		for _, p := range pauses {
			longest += p
		}
	}
	switch {
	case since < longest:
		s.State, s.Again = action.CannotTell, under
		s.Text += "; the server may still work on it"
	case f.repeat == once:
		s.State = action.CannotTell
		s.Text += "; whether the server has it and will still do it, nobody can tell"
	}
	return s
}

func (t caller) made(f filled, text string) action.Done {
	named := "call " + f.name + ": "
	text = strings.TrimPrefix(text, named) // what was sent says so itself
	d := action.Done{Summary: named + text, Items: []action.Result{{ID: f.name, OK: true, Text: text}}}
	if f.undo != "" {
		d.Inverse = &action.Change{Type: "http.call", Args: action.Args{
			"call": f.undo, "values": t.config.calls[f.undo].values.List(f.given), "for": "0s",
		}}
	}
	return d
}

var _ action.Doer = caller{}
