// Package logtext asks lines of logs, wherever they come from, what a person
// looks for in them first: what fails, what is new, who is refused, how requests
// fare, which version writes. Log files and Loki answer it alike.
package logtext

import (
	"context"
	"fmt"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/logql"
	"github.com/quellhq/quell/internal/probe"
)

// Asker answers the built-in questions about lines of logs. All of its fields
// are set.
type Asker struct {
	// Lines opens the lines of a question, as far back from its moment as reach.
	Lines func(ctx context.Context, q probe.Question, reach time.Duration) (logql.Source, error)
	// Failed turns an error of opening or reading into an answer.
	Failed func(err error) evidence.Answer
	// Silent explains why no line fits: since is how far back was looked.
	Silent func(ctx context.Context, q probe.Question, stats logql.Stats, since time.Duration, hint string) evidence.Answer
	// Rows is how many rows an answer has at most.
	Rows int
}

// questions are all of them.
var questions = []struct {
	spec func() probe.Spec
	ask  func(Asker, context.Context, probe.Question) evidence.Answer
}{
	{errorsSpec, Asker.errors},
	{patternsSpec, Asker.patterns},
	{spikeSpec, Asker.spike},
	{splitSpec, Asker.split},
	{authSpec, Asker.auth},
	{attacksSpec, Asker.attacks},
	{requestsSpec, Asker.requests},
	{keysSpec, Asker.keys},
	{versionsSpec, Asker.versions},
	{startsSpec, Asker.starts},
	{gatewaySpec, Asker.gateway},
	{pulseSpec, Asker.pulse},
}

// Specs lists the questions.
func Specs() []probe.Spec {
	specs := make([]probe.Spec, len(questions))
	for i, q := range questions {
		specs[i] = q.spec()
	}
	return specs
}

// Ask answers a built-in question; false where it is none of these.
func (t Asker) Ask(ctx context.Context, q probe.Question) (evidence.Answer, bool) {
	for _, known := range questions {
		if known.spec().Name == q.Builtin {
			return known.ask(t, ctx, q), true
		}
	}
	return evidence.Answer{}, false
}

// Duration reads an option or an argument; fallback where none is given.
func Duration(value any, fallback time.Duration) (time.Duration, error) {
	switch v := value.(type) {
	case nil:
		return fallback, nil
	case time.Duration:
		if v <= 0 {
			return 0, fmt.Errorf("a duration is longer than nothing")
		}
		return v, nil
	case string:
		if v == "" {
			return fallback, nil
		}
		d, ok := logql.ParseDuration(v)
		if !ok || d <= 0 {
			return 0, fmt.Errorf("%q is not a duration like 30m", v)
		}
		return d, nil
	}
	return 0, fmt.Errorf("%v is not a duration like 30m", value)
}
