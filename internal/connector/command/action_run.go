package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/child"
	"github.com/quellhq/quell/internal/declared"
	"github.com/quellhq/quell/internal/probe"
)

func runSpec() action.Spec {
	return action.Spec{
		Name: "command.run", Risk: action.R2,
		Does:  "Runs a declared command, without a shell. R3 unless the declaration says otherwise.",
		Undo:  "runs the command that the declaration names as its undo; without one it cannot be",
		Tells: "the command's check: 0 is made, 1 is not made; without a check nobody can tell",
		Params: []probe.Param{
			{Name: "name", Type: probe.Text, About: "the command's name in the target's settings"},
			declared.ValuesParam(),
			action.ForParam(),
		},
	}
}

type runner struct{ *target }

// Preview implements action.Doer. It runs the command's check, which is
// declared to read only.
func (r runner) Preview(ctx context.Context, c action.Change) (action.Preview, error) {
	cmd, err := r.read(c)
	if err != nil {
		return action.Preview{}, err
	}
	p, _, err := r.preview(ctx, c, cmd)
	return p, err
}

func (r runner) preview(ctx context.Context, c action.Change, cmd call) (action.Preview, seen, error) {
	if ctx.Err() != nil {
		return action.Preview{}, seen{}, &action.Unavailable{Text: "preview of command " + cmd.name + ": the time is over"}
	}
	found, err := find(cmd.argv[0], r.config.dir)
	if err != nil {
		return action.Preview{}, seen{}, &action.Unavailable{Text: fmt.Sprintf("command %s: %s", cmd.name, err)}
	}
	now, err := r.look(ctx, cmd)
	if err != nil {
		return action.Preview{}, seen{}, err
	}
	p := action.Preview{
		Identity: where(),
		Summary:  fmt.Sprintf("runs %s: %s", cmd.name, r.text(cmd.argv)),
		Items: []action.Item{{
			ID: cmd.name, Now: now.text, Then: "runs " + r.text(cmd.argv),
			Guard: action.Digest([]any{cmd.argv, cmd.check, found.path, found.info, now.state}),
		}},
		Already: now.state == action.Made, Risk: cmd.risk, Lasts: c.Args.Duration("for"),
	}
	if cmd.about != "" {
		p.Summary = cmd.about + ": " + p.Summary
	}
	switch {
	case cmd.undo != "":
		p.Undo = "runs " + cmd.undo
	case c.Args.Duration("for") > 0:
		return p, now, action.Refuse("leave it out, or declare an undo", "command %s has no undo that could take it back after %s", cmd.name, c.Args.Text("for"))
	}
	switch {
	case len(cmd.check) == 0:
		p.Warnings = append(p.Warnings, "it has no check: after a crash a person has to find out whether it ran")
	case now.state == action.CannotTell:
		p.Warnings = append(p.Warnings, "its check tells nothing: "+now.text)
	}
	return p, now, nil
}

// where names the machine and the user that commands run on and as.
func where() string {
	host, err := os.Hostname()
	if err != nil {
		host = "this machine"
	}
	return fmt.Sprintf("commands on %s as user %d", host, os.Geteuid())
}

// Apply implements action.Doer.
func (r runner) Apply(ctx context.Context, o action.Order) (action.Done, error) {
	cmd, err := r.read(o.Change)
	if err != nil {
		return action.Done{}, err
	}
	p, now, err := r.preview(ctx, o.Change, cmd)
	var refusal *action.Refusal
	switch {
	case errors.As(err, &refusal):
		return action.Done{}, err
	case err != nil:
		return action.Done{}, action.NotYet("%s", err)
	case now.state == action.Made:
		return r.done(cmd, now.text), nil
	case len(o.Preview.Items) != 1 || o.Preview.Items[0].Guard != p.Items[0].Guard:
		return action.Done{}, action.Not("command %s, its program or what its check says is not as in the preview any more", cmd.name)
	}
	result, err := r.start(ctx, cmd, cmd.argv, o.Key)
	switch {
	case errors.Is(err, child.ErrNotStarted):
		return action.Done{}, action.Not("%s", r.tools.Redact.Text(fmt.Sprintf("command %s: %s", cmd.name, err)))
	case err != nil:
		return action.Done{}, fmt.Errorf("command %s was ended after %.1f s, before it was done (%s)", cmd.name, result.Took.Seconds(), r.ended(result))
	case result.Code != 0:
		return action.Done{}, fmt.Errorf("command %s %s", cmd.name, r.ended(result))
	}
	return r.done(cmd, fmt.Sprintf("%s after %.1f s", r.ended(result), result.Took.Seconds())), nil
}

// Standing implements action.Doer.
func (r runner) Standing(ctx context.Context, o action.Order) (action.Standing, error) {
	cmd, err := r.read(o.Change)
	if err != nil {
		return action.Standing{State: action.CannotTell, Text: "it cannot be asked about any more: " + err.Error()}, nil
	}
	if pid := running(o.Key); pid > 0 {
		return action.Standing{
			State: action.CannotTell, Again: time.Second,
			Text: fmt.Sprintf("command %s: process %d, which it started, still runs", cmd.name, pid),
		}, nil
	}
	now, err := r.look(ctx, cmd)
	if err != nil {
		return action.Standing{}, err
	}
	s := action.Standing{State: now.state, Text: fmt.Sprintf("command %s: %s", cmd.name, now.text)}
	if now.state == action.Made {
		done := r.done(cmd, now.text)
		s.Done = &done
	}
	return s, nil
}

func (r runner) done(cmd call, text string) action.Done {
	return action.Done{
		Summary: fmt.Sprintf("command %s: %s", cmd.name, text),
		Items:   []action.Result{{ID: cmd.name, OK: true, Text: text}},
		Inverse: r.inverse(cmd),
	}
}

var _ action.Doer = runner{}
