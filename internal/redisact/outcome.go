package redisact

import (
	"errors"
	"fmt"
	"slices"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/redisapi"
)

// Plainly is an error without its kind: that the server refused one command
// says that nothing happened, and after others had their effect it does not.
func Plainly(err error) error { return errors.New(err.Error()) }

// settled reports an error that already says what the engine has to know.
func settled(err error) bool {
	var (
		refusal     *action.Refusal
		failure     *action.Failure
		unavailable *action.Unavailable
	)
	return errors.As(err, &refusal) || errors.As(err, &failure) || errors.As(err, &unavailable)
}

// unavailable turns an error of a preview into what the engine knows: a
// refusal, or a target that could not be asked.
func (t Target) unavailable(err error) error {
	var said *redisapi.Said
	if settled(err) {
		return err
	}
	if errors.As(err, &said) && !passing(said) {
		a := redisapi.Refused(said.Command, said.Text, t.At)
		return &action.Refusal{Text: t.Redact(a.Reason), Hint: a.Hint}
	}
	return t.unknown(err)
}

// unknown says that nobody could be asked.
func (t Target) unknown(err error) error {
	var unavailable *action.Unavailable
	if errors.As(err, &unavailable) {
		return err
	}
	return &action.Unavailable{Text: t.reason(err)}
}

// reason is an error as a line for people.
func (t Target) reason(err error) string {
	if settled(err) {
		return t.Redact(err.Error())
	}
	var a evidence.Answer
	var said *redisapi.Said
	if errors.As(err, &said) {
		a = redisapi.Refused(said.Command, said.Text, t.At)
	} else {
		a = redisapi.Failed("ask the server", err, t.At)
	}
	if a.Hint != "" {
		a.Reason += ": " + a.Hint
	}
	return t.Redact(a.Reason)
}

// passingWords are refusals of a server that may be otherwise a moment later.
var passingWords = []string{"LOADING", "BUSY", "TRYAGAIN", "MASTERDOWN", "CLUSTERDOWN"}

func passing(said *redisapi.Said) bool { return slices.Contains(passingWords, said.Word()) }

// notBegun turns an error from before the act into what Apply says: nothing
// happened.
func (t Target) notBegun(err error) error {
	var said *redisapi.Said
	switch {
	case settled(err):
		return err
	case errors.As(err, &said) && !passing(said):
		return action.Not("%s", t.reason(err))
	}
	return action.NotYet("%s", t.reason(err))
}

// outcome turns an error of the act itself into what Apply says. A command
// that the server refused did nothing. After anything else (the connection
// broke, the time ran out) nobody knows.
func (t Target) outcome(err error) error {
	var (
		said    *redisapi.Said
		failure *action.Failure
	)
	switch {
	case errors.As(err, &failure):
		failure.Text = t.Redact(failure.Text)
		return failure
	case settled(err):
		return err
	case errors.As(err, &said):
		return t.notBegun(err)
	}
	return fmt.Errorf("it is unknown whether it happened: %s", t.reason(err))
}
