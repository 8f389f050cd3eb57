package series

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/promtext"
)

// Engine evaluates PromQL over a store with Prometheus' own engine, so that a
// fence means the same here and on a server.
type Engine struct {
	store  *Store
	engine *promql.Engine
}

const (
	// maxSamples bounds the memory of one evaluation: 16 bytes each. A tenth of
	// what Prometheus allows, for a store that is far smaller.
	maxSamples = 5_000_000
	// maxTime bounds one evaluation; the caller's deadline usually comes first.
	maxTime = 10 * time.Second
)

// NewEngine returns an engine over the store.
func NewEngine(store *Store) *Engine {
	return &Engine{store: store, engine: promql.NewEngine(promql.EngineOpts{
		MaxSamples: maxSamples, Timeout: maxTime, Parser: promtext.NewParser(),
		EnableAtModifier: true, EnableNegativeOffset: true, // as every server since 2.33
	})}
}

// Query evaluates an expression once, or along a window. No series at all is
// not an error. Errors are *promtext.Failed or the context's.
func (e *Engine) Query(ctx context.Context, expr string, w promtext.Window) (promtext.Result, error) {
	var q promql.Query
	var err error
	if w.Range {
		q, err = e.engine.NewRangeQuery(ctx, e.store, nil, expr, w.Start, w.End, w.Step)
	} else {
		q, err = e.engine.NewInstantQuery(ctx, e.store, nil, expr, w.End)
	}
	if err != nil {
		return promtext.Result{}, failure(err)
	}
	defer q.Close()
	res := q.Exec(ctx)
	if res.Err != nil {
		return promtext.Result{}, failure(res.Err)
	}
	streams, err := streamsOf(res.Value)
	if err != nil {
		return promtext.Result{}, err
	}
	// Room for ten: a reader needs the first few.
	warnings, infos := res.Warnings.AsStrings(expr, 10, 10)
	return promtext.Result{Streams: streams, Notes: append(warnings, infos...)}, nil
}

func failure(err error) error {
	var timeout promql.ErrQueryTimeout
	var canceled promql.ErrQueryCanceled
	var many promql.ErrTooManySamples
	switch {
	case errors.As(err, &timeout):
		return promtext.Fail(evidence.TimedOut, "the query took too long", "")
	case errors.As(err, &canceled):
		return promtext.Fail(evidence.NotAsked, "interrupted", "")
	case errors.As(err, &many):
		return promtext.Fail(evidence.Refused, fmt.Sprintf("the query reads more than %d samples", maxSamples), "")
	}
	return promtext.Fail(evidence.Invalid, "PromQL: "+err.Error(), "")
}

func streamsOf(v parser.Value) ([]evidence.Stream, error) {
	var out []evidence.Stream
	switch v := v.(type) {
	case promql.Scalar:
		return []evidence.Stream{{Labels: map[string]string{}, Points: []evidence.Point{{T: unix(v.T), V: v.V}}}}, nil
	case promql.Vector:
		for _, s := range v {
			out = append(out, evidence.Stream{Labels: s.Metric.Map(), Points: []evidence.Point{{T: unix(s.T), V: s.F}}})
		}
		return out, nil
	case promql.Matrix:
		for _, s := range v {
			stream := evidence.Stream{Labels: s.Metric.Map()}
			for _, p := range s.Floats {
				stream.Points = append(stream.Points, evidence.Point{T: unix(p.T), V: p.F})
			}
			if len(stream.Points) > 0 {
				out = append(out, stream)
			}
		}
		return out, nil
	}
	return nil, promtext.Fail(evidence.Invalid, fmt.Sprintf("the answer is a %s, not numbers over time", v.Type()), "")
}

func unix(ms int64) float64 { return float64(ms) / 1000 }
