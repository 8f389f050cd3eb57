package postgres

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/evidence"
)

// standing makes a Standing with a text as fmt.Sprintf makes it.
func standing(state action.State, done *action.Done, format string, args ...any) action.Standing {
	return action.Standing{State: state, Done: done, Text: fmt.Sprintf(format, args...)}
}

// unavailable turns an error of a preview into what the engine knows: a
// refusal, or a target that could not be asked.
func (t *Target) unavailable(err error) error {
	var (
		refusal *action.Refusal
		failure *action.Failure
	)
	if errors.As(err, &refusal) || errors.As(err, &failure) {
		return err
	}
	a := t.failure(err)
	if a.Status == evidence.Denied && !isConnect(err) {
		return &action.Refusal{Text: a.Reason, Hint: a.Hint}
	}
	return t.unknown(err)
}

// unknown says that nobody could be asked.
func (t *Target) unknown(err error) error {
	a := t.failure(err)
	text := a.Reason
	if a.Hint != "" {
		text += ": " + a.Hint
	}
	return &action.Unavailable{Text: text}
}

// notBegun turns an error from before the act into what Apply says: nothing
// happened.
func (t *Target) notBegun(err error) error {
	var (
		refusal *action.Refusal
		failure *action.Failure
	)
	if errors.As(err, &refusal) || errors.As(err, &failure) {
		return err
	}
	a := t.failure(err)
	if a.Status == evidence.Denied || a.Status == evidence.Refused || a.Status == evidence.Invalid {
		return action.Not("%s", reason(a))
	}
	return action.NotYet("%s", reason(a))
}

func reason(a evidence.Answer) string {
	if a.Hint == "" {
		return a.Reason
	}
	return a.Reason + ": " + a.Hint
}

// outcome turns an error of the act itself into what Apply says. A statement
// that the server refused was rolled back by it. After anything else (the
// connection broke, the time ran out, the session was ended) nobody knows.
func (t *Target) outcome(err error) error {
	var (
		refusal *action.Refusal
		failure *action.Failure
		pg      *pgconn.PgError
	)
	switch {
	case errors.As(err, &refusal):
		return err
	case errors.As(err, &failure):
		failure.Text = t.redact(failure.Text)
		return failure
	case errors.As(err, &pg) && pg.SeverityUnlocalized == "ERROR":
		return t.rolledBack(pg)
	}
	return fmt.Errorf("it is unknown whether it happened: %s", t.failure(err).Reason)
}

// passing are codes of what may be otherwise a moment later: no lock in time, a
// deadlock, a conflict, out of resources, in use, cancelled or out of time.
var passing = []string{"55P03", "40P01", "40001", "55006", "57014"}

func (t *Target) rolledBack(pg *pgconn.PgError) *action.Failure {
	text := t.redact(reason(t.explainServer(pg)))
	if slices.Contains(passing, pg.Code) || strings.HasPrefix(pg.Code, "53") {
		return action.NotYet("%s", text)
	}
	return action.Not("%s", text)
}

// redact hides secrets in a text for people.
func (t *Target) redact(text string) string { return t.cfg.redact.Text(t.tools.Redact.Text(text)) }

// redacted hides secrets in the texts of a preview. Guards are left as they
// are: they are compared, and hold none.
func (t *Target) redacted(p action.Preview) action.Preview {
	p.Summary, p.Destroys, p.Undo = t.redact(p.Summary), t.redact(p.Destroys), t.redact(p.Undo)
	p.Items = slices.Clone(p.Items)
	for i, item := range p.Items {
		p.Items[i].Now, p.Items[i].Then = t.redact(item.Now), t.redact(item.Then)
	}
	p.Warnings = slices.Clone(p.Warnings)
	for i, w := range p.Warnings {
		p.Warnings[i] = t.redact(w)
	}
	return p
}

func (t *Target) redactedDone(d action.Done) action.Done {
	d.Summary = t.redact(d.Summary)
	d.Items = slices.Clone(d.Items)
	for i, item := range d.Items {
		d.Items[i].Text = t.redact(item.Text)
	}
	return d
}
