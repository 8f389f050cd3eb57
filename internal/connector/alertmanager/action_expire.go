package alertmanager

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
)

func expireSpec() action.Spec {
	return action.Spec{
		Name: "alertmanager.expire_silence", Risk: action.R1,
		Does:   "Ends a silence at once: its alerts notify again.",
		Tells:  "the state of the silence",
		Params: []probe.Param{{Name: "id", Type: probe.Text, About: "the silence's id, from alertmanager.silences"}},
	}
}

type expirer struct{ *target }

var uuid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// errNoSuchSilence is a server that has forgotten a silence or never knew it.
var errNoSuchSilence = errors.New("no such silence")

func (e expirer) find(ctx context.Context, c action.Change) (silence, error) {
	id := strings.ToLower(c.Args.Text("id"))
	if !uuid.MatchString(id) {
		return silence{}, action.Refuse("take one from alertmanager.silences", "%q is no id of a silence", c.Args.Text("id"))
	}
	s, err := e.client.get(ctx, id)
	var f *fault
	if errors.As(err, &f) && f.status == http.StatusNotFound {
		return silence{ID: id}, errNoSuchSilence
	}
	return s, err
}

// Preview implements action.Doer.
func (e expirer) Preview(ctx context.Context, c action.Change) (action.Preview, error) {
	s, err := e.find(ctx, c)
	if errors.Is(err, errNoSuchSilence) {
		return action.Preview{}, action.Refuse("", "Alertmanager at %s knows no silence %s", e.client.where(), s.ID)
	}
	if err != nil {
		return action.Preview{}, unavailable(err)
	}
	p := action.Preview{
		Identity: "Alertmanager at " + e.client.where(),
		Summary:  e.tools.Redact.Text(fmt.Sprintf("ends the silence of %s by %s", s.matchersText(), s.CreatedBy)),
		Items: []action.Item{{
			ID: "silence " + s.ID, Now: fmt.Sprintf("%s, until %s", s.state(), clock(s.EndsAt)), Then: "expired", Guard: s.guard(),
		}},
		Already: s.over(),
	}
	if !strings.Contains(s.Comment, "[quell ") {
		p.Warnings = []string{e.tools.Redact.Text(fmt.Sprintf("it is not one of quell's: made by %s, %q", s.CreatedBy, s.Comment))}
	}
	return p, nil
}

// guard changes when somebody changes the silence.
func (s silence) guard() string {
	return fmt.Sprintf("%s updated %s", s.state(), s.UpdatedAt.UTC().Format(time.RFC3339Nano))
}

// Apply implements action.Doer.
func (e expirer) Apply(ctx context.Context, o action.Order) (action.Done, error) {
	s, err := e.find(ctx, o.Change)
	switch {
	case errors.Is(err, errNoSuchSilence):
		return action.Done{}, action.Not("the silence %s is not there any more", s.ID)
	case err != nil:
		var refusal *action.Refusal
		if errors.As(err, &refusal) {
			return action.Done{}, err
		}
		return action.Done{}, action.NotYet("%s", err) // only asked so far
	case s.over():
		return s.expired(), nil
	case len(o.Preview.Items) != 1 || o.Preview.Items[0].Guard != s.guard():
		return action.Done{}, action.Not("the silence %s was changed since the preview", s.ID)
	}
	if err := e.client.expire(ctx, s.ID); err != nil {
		return action.Done{}, failed(err)
	}
	return s.expired(), nil
}

// Standing implements action.Doer. A silence that the server has forgotten
// mutes nothing.
func (e expirer) Standing(ctx context.Context, o action.Order) (action.Standing, error) {
	s, err := e.find(ctx, o.Change)
	switch {
	case errors.Is(err, errNoSuchSilence):
		done := s.expired()
		return action.Standing{State: action.Made, Text: "the server knows no silence " + s.ID, Done: &done}, nil
	case err != nil:
		return action.Standing{}, unavailable(err)
	case !s.over():
		return action.Standing{State: action.NotMade, Text: fmt.Sprintf("silence %s is %s, until %s", s.ID, s.state(), clock(s.EndsAt))}, nil
	}
	done := s.expired()
	return action.Standing{State: action.Made, Text: fmt.Sprintf("silence %s has ended", s.ID), Done: &done}, nil
}

func (s silence) expired() action.Done {
	return action.Done{Summary: "the silence has ended", Items: []action.Result{{ID: "silence " + s.ID, OK: true, Text: "expired"}}}
}

var _ action.Doer = expirer{}
