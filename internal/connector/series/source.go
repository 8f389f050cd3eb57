package series

import (
	"context"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/quellhq/quell/internal/promtext"
	engine "github.com/quellhq/quell/internal/series"
)

// source evaluates over the store, fitted to the history that there is.
type source struct {
	engine  *engine.Engine
	store   *engine.Store
	scraper *engine.Scraper
}

func (s *source) Names(context.Context) ([]string, error) {
	return s.store.LabelValues(model.MetricNameLabel), nil
}

func (s *source) LabelNames(_ context.Context, metric string) ([]string, error) {
	return s.store.LabelNames(named(metric)), nil
}

func (s *source) LabelValues(_ context.Context, metric, label string) ([]string, error) {
	return s.store.LabelValues(label, named(metric)), nil
}

func named(metric string) *labels.Matcher {
	return labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, metric)
}

func (s *source) Query(ctx context.Context, text string, w promtext.Window) (promtext.Result, error) {
	return s.engine.Fitted(ctx, text, w, s.first(w.End))
}

// first is when the oldest sample that is still kept was taken.
func (s *source) first(end time.Time) time.Time {
	first := end
	for _, st := range s.scraper.States() {
		if st.Scrapes > 0 && st.First.Before(first) {
			first = st.First
		}
	}
	if oldest := end.Add(-s.store.Window()); first.Before(oldest) {
		first = oldest
	}
	return first.Truncate(time.Millisecond)
}
