package series

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"
)

// errClosed is the cause with which a scraper ends its own requests.
var errClosed = errors.New("the scraper was closed")

// Enter asks for permission to make one request, and returns what to call when
// it is over: the face of connector.Gate that a scraper needs.
type Enter func(ctx context.Context) (leave func(), err error)

// ScraperConfig says what to scrape, and how.
type ScraperConfig struct {
	Store     *Store
	Endpoints []Endpoint
	Interval  time.Duration // default 5s; the second scrape comes after Settle already
	Settle    time.Duration // between the first two scrapes; default 1s, at most Interval
	Timeout   time.Duration // of one scrape; default: the interval, at most 10s
	Bytes     int64         // largest page; default 16 MB
	Client    *http.Client
	Enter     Enter // may be nil
	Now       func() time.Time
}

// Scraper reads its endpoints again and again until it is closed.
type Scraper struct {
	config ScraperConfig
	cancel context.CancelCauseFunc
	done   sync.WaitGroup

	mu      sync.Mutex
	states  []State
	changed chan struct{} // closed and replaced after every scrape
}

// State is what a scraper knows of one endpoint.
type State struct {
	Labels  map[string]string
	Scrapes int       // tried so far, whatever came of them
	First   time.Time // start of the first and the last scrape; zero before
	Last    time.Time
	Took    time.Duration // of the last
	Err     error         // of the last; nil when it worked
}

// NewScraper begins to scrape at once, each endpoint in its own goroutine.
func NewScraper(c ScraperConfig) *Scraper {
	if c.Interval <= 0 {
		c.Interval = 5 * time.Second
	}
	if c.Settle <= 0 {
		c.Settle = time.Second
	}
	c.Settle = min(c.Settle, c.Interval)
	if c.Timeout <= 0 {
		c.Timeout = min(c.Interval, 10*time.Second)
	}
	if c.Bytes <= 0 {
		c.Bytes = 16 << 20
	}
	if c.Client == nil {
		c.Client = http.DefaultClient
	}
	if c.Enter == nil {
		c.Enter = func(context.Context) (func(), error) { return func() {}, nil }
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	s := &Scraper{config: c, cancel: cancel, states: make([]State, len(c.Endpoints)), changed: make(chan struct{})}
	for i, e := range c.Endpoints {
		s.states[i].Labels = e.Labels
		s.done.Add(1)
		go s.loop(ctx, i, &source{endpoint: e, store: c.Store, client: c.Client, bytes: c.Bytes})
	}
	return s
}

// Close stops all scraping and waits until nothing runs. It may be called twice.
func (s *Scraper) Close() {
	s.cancel(errClosed)
	s.done.Wait()
}

// States returns what is known of each endpoint, in the order given.
func (s *Scraper) States() []State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]State(nil), s.states...)
}

// Wait returns when ready says so of the states, and is asked again after every
// scrape; or with the context's error.
func (s *Scraper) Wait(ctx context.Context, ready func([]State) bool) error {
	for {
		s.mu.Lock()
		states, changed := append([]State(nil), s.states...), s.changed
		s.mu.Unlock()
		if ready(states) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *Scraper) loop(ctx context.Context, i int, src *source) {
	defer s.done.Done()
	for n := 0; ; n++ {
		start := time.Now()
		s.once(ctx, i, src)
		if n%100 == 99 {
			s.config.Store.Forget(s.config.Now().UnixMilli())
		}
		pause := s.config.Interval
		if n == 0 {
			pause = s.config.Settle
		}
		timer := time.NewTimer(max(0, pause-time.Since(start)))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// once makes one scrape, through the gate.
func (s *Scraper) once(ctx context.Context, i int, src *source) {
	leave, err := s.config.Enter(ctx)
	if ctx.Err() != nil {
		if err == nil {
			leave()
		}
		return
	}
	start := s.config.Now()
	if err == nil {
		bounded, cancel := context.WithTimeout(ctx, s.config.Timeout)
		err = src.scrape(bounded, s.config.Now)
		cancel()
		leave()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &s.states[i]
	if st.Scrapes == 0 {
		st.First = start
	}
	st.Scrapes++
	st.Last, st.Took, st.Err = start, s.config.Now().Sub(start), err
	close(s.changed)
	s.changed = make(chan struct{})
}
