// Package series keeps time series in the process and answers PromQL over
// them: a bounded store, a scraper that fills it from /metrics endpoints, and
// Prometheus' own query engine on top. It is for the team that has no
// Prometheus, and for looking at a service in the minute in which it fails.
package series

import (
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// Limits bound what a store holds. Zero fields take the defaults.
type Limits struct {
	Window  time.Duration // how long samples are kept; default 1h
	Series  int           // most series; default 20,000
	Samples int           // most samples of all series together; default 4,000,000 (64 MB)
}

func (l Limits) filled() Limits {
	if l.Window <= 0 {
		l.Window = time.Hour
	}
	if l.Series <= 0 {
		l.Series = 20_000
	}
	if l.Samples <= 0 {
		l.Samples = 4_000_000
	}
	return l
}

// Store keeps samples in memory. It may be used by several goroutines at once.
type Store struct {
	limits Limits

	mu      sync.RWMutex
	series  map[uint64][]*stored        // by hash of the labels; more than one only where hashes collide
	names   map[string]map[*stored]bool // metric name → its series
	count   int                         // series
	samples int                         // samples of all series
	refused int                         // samples turned away since a limit was reached
}

// stored is one series. Samples before head are gone.
type stored struct {
	labels  labels.Labels
	samples []sample
	head    int
}

type sample struct {
	t int64 // milliseconds since 1970
	v float64
}

// NewStore returns an empty store.
func NewStore(limits Limits) *Store {
	return &Store{
		limits: limits.filled(),
		series: map[uint64][]*stored{},
		names:  map[string]map[*stored]bool{},
	}
}

// Append adds one sample. t is in milliseconds since 1970. A sample that is not
// newer than the last one of its series is ignored, as Prometheus does. An error
// means that a limit is reached.
func (s *Store) Append(ls labels.Labels, t int64, v float64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	one, err := s.find(ls)
	if err != nil {
		s.refused++
		return err
	}
	if n := len(one.samples); n > one.head && one.samples[n-1].t >= t {
		return nil
	}
	s.samples -= one.dropBefore(t - s.limits.Window.Milliseconds())
	if s.samples >= s.limits.Samples {
		if len(one.samples)-one.head < 2 {
			s.refused++
			return fmt.Errorf("more than %d samples: scrape less often, or fewer endpoints", s.limits.Samples)
		}
		one.head++ // full: the newest sample takes the place of the oldest
		s.samples--
	}
	one.samples = append(one.samples, sample{t, v})
	s.samples++
	return nil
}

func (s *Store) find(ls labels.Labels) (*stored, error) {
	hash := ls.Hash()
	for _, one := range s.series[hash] {
		if labels.Equal(one.labels, ls) {
			return one, nil
		}
	}
	if s.count >= s.limits.Series {
		return nil, fmt.Errorf("more than %d series: leave out the endpoint with too many labels", s.limits.Series)
	}
	one := &stored{labels: ls.Copy()}
	s.series[hash] = append(s.series[hash], one)
	name := ls.Get(model.MetricNameLabel)
	if s.names[name] == nil {
		s.names[name] = map[*stored]bool{}
	}
	s.names[name][one] = true
	s.count++
	return one, nil
}

// dropBefore forgets samples older than t and returns how many.
func (o *stored) dropBefore(t int64) int {
	from := o.head
	for o.head < len(o.samples) && o.samples[o.head].t < t {
		o.head++
	}
	dropped := o.head - from
	if o.head > 64 && o.head > len(o.samples)/2 {
		o.samples = append(make([]sample, 0, len(o.samples)-o.head+16), o.samples[o.head:]...)
		o.head = 0
	}
	return dropped
}

// Forget drops series whose newest sample is older than the window before t, so
// that labels that come and go (pods, processes) do not fill the store.
func (s *Store) Forget(t int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	oldest := t - s.limits.Window.Milliseconds()
	for hash, list := range s.series {
		kept := list[:0]
		for _, one := range list {
			s.samples -= one.dropBefore(oldest)
			if one.head < len(one.samples) {
				kept = append(kept, one)
				continue
			}
			name := one.labels.Get(model.MetricNameLabel)
			delete(s.names[name], one)
			if len(s.names[name]) == 0 {
				delete(s.names, name)
			}
			s.count--
		}
		if len(kept) == 0 {
			delete(s.series, hash)
		} else {
			s.series[hash] = kept
		}
	}
}

// Size is what a store holds.
type Size struct {
	Series, Samples int
	Refused         int // samples turned away because a limit was reached
}

// Size returns what the store holds now.
func (s *Store) Size() Size {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return Size{s.count, s.samples, s.refused}
}

// Window is how long samples are kept.
func (s *Store) Window() time.Duration { return s.limits.Window }
