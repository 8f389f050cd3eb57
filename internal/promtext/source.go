package promtext

import (
	"context"
	"errors"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
)

// Source evaluates PromQL and knows which series there are: a Prometheus
// server, or the embedded store. Its methods may be called at once. An error
// that has a method Answer() evidence.Answer says itself how the question
// ended; any other error counts as a transport failure.
type Source interface {
	// Names lists the metric names of the last hour or so.
	Names(ctx context.Context) ([]string, error)
	// LabelNames lists the labels that series of a metric bear.
	LabelNames(ctx context.Context, metric string) ([]string, error)
	// LabelValues lists the values of a label on a metric.
	LabelValues(ctx context.Context, metric, label string) ([]string, error)
	// Query evaluates an expression. No series at all is not an error.
	Query(ctx context.Context, expr string, w Window) (Result, error)
}

// Result is what an expression gave, with remarks of the evaluator.
type Result struct {
	Streams []evidence.Stream
	Notes   []string
}

// Failed is an answer without a value on its way through code that returns errors.
type Failed struct{ answer evidence.Answer }

// Fail makes an error of an answer without a value.
func Fail(status evidence.Status, reason, hint string) error {
	return &Failed{answer: evidence.Not(status, reason, hint)}
}

func (f *Failed) Error() string { return f.answer.Reason }

// Answer returns how the question ended.
func (f *Failed) Answer() evidence.Answer { return f.answer }

// answerOf turns an error of a source into an answer.
func answerOf(err error) evidence.Answer {
	var failed interface{ Answer() evidence.Answer }
	if errors.As(err, &failed) {
		return failed.Answer()
	}
	return connector.Failure("ask for metrics", err)
}
