package series

import (
	"context"
	"sort"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// Querier gives the query engine the samples between two times, both
// inclusive, in milliseconds since 1970.
func (s *Store) Querier(mint, maxt int64) (storage.Querier, error) {
	return &querier{s, mint, maxt}, nil
}

type querier struct {
	store      *Store
	mint, maxt int64
}

func (q *querier) Select(ctx context.Context, sorted bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	mint, maxt := q.mint, q.maxt
	if hints != nil {
		mint, maxt = hints.Start, hints.End
	}
	var found []storage.Series
	q.store.mu.RLock()
	defer q.store.mu.RUnlock()
	q.store.each(matchers, func(one *stored) {
		live := one.samples[one.head:]
		from := sort.Search(len(live), func(i int) bool { return live[i].t >= mint })
		to := sort.Search(len(live), func(i int) bool { return live[i].t > maxt })
		if from < to {
			// A copy: the store goes on while the engine reads.
			found = append(found, entry{one.labels, append([]sample(nil), live[from:to]...)})
		}
	})
	if sorted {
		sort.Slice(found, func(i, j int) bool { return labels.Compare(found[i].Labels(), found[j].Labels()) < 0 })
	}
	return &set{found: found, at: -1, err: ctx.Err()}
}

// each calls f for every series that all matchers accept, in no order. The
// caller holds the lock.
func (s *Store) each(matchers []*labels.Matcher, f func(*stored)) {
	for _, m := range matchers {
		if m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual {
			for one := range s.names[m.Value] {
				if accepts(matchers, one.labels) {
					f(one)
				}
			}
			return
		}
	}
	for _, list := range s.series {
		for _, one := range list {
			if accepts(matchers, one.labels) {
				f(one)
			}
		}
	}
}

func accepts(matchers []*labels.Matcher, ls labels.Labels) bool {
	for _, m := range matchers {
		if !m.Matches(ls.Get(m.Name)) {
			return false
		}
	}
	return true
}

func (q *querier) LabelValues(_ context.Context, name string, _ *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return q.store.LabelValues(name, matchers...), nil, nil
}

func (q *querier) LabelNames(_ context.Context, _ *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return q.store.LabelNames(matchers...), nil, nil
}

func (q *querier) Close() error { return nil }

// LabelValues lists the values of a label on the series that match, sorted.
func (s *Store) LabelValues(name string, matchers ...*labels.Matcher) []string {
	return s.collect(matchers, func(ls labels.Labels, add func(string)) {
		if v := ls.Get(name); v != "" {
			add(v)
		}
	})
}

// LabelNames lists the labels of the series that match, sorted.
func (s *Store) LabelNames(matchers ...*labels.Matcher) []string {
	return s.collect(matchers, func(ls labels.Labels, add func(string)) {
		ls.Range(func(l labels.Label) { add(l.Name) })
	})
}

func (s *Store) collect(matchers []*labels.Matcher, pick func(labels.Labels, func(string))) []string {
	found := map[string]bool{}
	s.mu.RLock()
	s.each(matchers, func(one *stored) { pick(one.labels, func(v string) { found[v] = true }) })
	s.mu.RUnlock()
	list := make([]string, 0, len(found))
	for v := range found {
		list = append(list, v)
	}
	sort.Strings(list)
	return list
}

type set struct {
	found []storage.Series
	at    int
	err   error
}

func (s *set) Next() bool                        { s.at++; return s.err == nil && s.at < len(s.found) }
func (s *set) At() storage.Series                { return s.found[s.at] }
func (s *set) Err() error                        { return s.err }
func (s *set) Warnings() annotations.Annotations { return nil }

type entry struct {
	labels  labels.Labels
	samples run
}

func (e entry) Labels() labels.Labels { return e.labels }

func (e entry) Iterator(chunkenc.Iterator) chunkenc.Iterator {
	return storage.NewListSeriesIterator(e.samples)
}

// run is a stretch of samples in the form that the engine's iterator walks. The
// store holds no native histograms: the text format has none.
type run []sample

func (r run) Get(i int) chunks.Sample { return &r[i] }
func (r run) Len() int                { return len(r) }

func (s *sample) T() int64                      { return s.t }
func (s *sample) ST() int64                     { return 0 }
func (s *sample) F() float64                    { return s.v }
func (s *sample) H() *histogram.Histogram       { return nil }
func (s *sample) FH() *histogram.FloatHistogram { return nil }
func (s *sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s *sample) Copy() chunks.Sample           { c := *s; return &c }

var _ storage.Queryable = (*Store)(nil)
