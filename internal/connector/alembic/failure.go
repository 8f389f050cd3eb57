package alembic

import (
	"context"
	"errors"
	"regexp"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
)

// What drivers say when a database cannot be asked, and when it may be asked
// again. They are the words of libpq, of asyncpg and of MySQL's drivers.
var (
	deniedWords  = regexp.MustCompile(`(?i)password authentication failed|no pg_hba\.conf entry|permission denied|access denied|role ".*" does not exist`)
	absentWords  = regexp.MustCompile(`(?i)connection refused|could not connect|can't connect|connection to server .* failed|could not translate host name|name or service not known|timeout expired|server closed the connection|is starting up|is shutting down|too many clients|too many connections|no such file or directory.*socket`)
	passingWords = regexp.MustCompile(`(?i)lock timeout|LockNotAvailable|deadlock detected|could not serialize|statement timeout`)
	missingWords = regexp.MustCompile(`(?i)no config file|no 'script_location'|path doesn't exist|cannot be started|No module named`)
)

// answer turns an error into what a question is answered with.
func (t *Target) answer(err error) evidence.Answer {
	var (
		run     *failed
		unknown *unknownRevision
		refusal *action.Refusal
	)
	switch {
	case errors.Is(err, context.Canceled):
		return evidence.Not(evidence.NotAsked, "interrupted", "")
	case errors.Is(err, context.DeadlineExceeded):
		return evidence.Not(evidence.TimedOut, "alembic was not done within the time allowed", "a longer timeout for the target, if starting the project takes that long")
	case errors.As(err, &unknown):
		return evidence.Not(evidence.Invalid, unknown.Error(), unknown.hint())
	case errors.As(err, &refusal):
		return evidence.Not(evidence.Invalid, refusal.Text, refusal.Hint)
	case !errors.As(err, &run):
		return connector.Failure("run alembic", err)
	case deniedWords.MatchString(run.said):
		return evidence.Not(evidence.Denied, run.Error(), "check the credentials that env.py uses: the target's env")
	case absentWords.MatchString(run.said):
		return evidence.Not(evidence.Unreachable, run.Error(), "")
	case missingWords.MatchString(run.said):
		return evidence.Not(evidence.Invalid, run.Error(), "check dir, command and config of the target")
	}
	return evidence.Not(evidence.Invalid, run.Error(), "")
}

// unavailable turns an error from looking into what the engine knows.
func (t *Target) unavailable(err error) error {
	var refusal *action.Refusal
	if errors.As(err, &refusal) {
		return err
	}
	var unknown *unknownRevision
	if errors.As(err, &unknown) {
		return action.Refuse(unknown.hint(), "%s", unknown.Error())
	}
	a := t.answer(err)
	text := a.Reason
	if a.Hint != "" {
		text += ": " + a.Hint
	}
	return &action.Unavailable{Text: text}
}
