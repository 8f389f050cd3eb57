package series

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
)

// Endpoint is one /metrics page to read.
type Endpoint struct {
	URL    string            // as given; must not be shown where it may hold a secret
	Labels map[string]string // borne by every series of it: job, instance, service, …
	Header http.Header       // sent with every request
}

// accept asks for the text format, and takes OpenMetrics where that is all
// there is.
const accept = "text/plain;version=0.0.4;q=1,application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1"

// pageError is a page that came and could not be read.
type pageError struct{ text string }

func (e *pageError) Error() string { return e.text }

// A source scrapes one endpoint into the store.
type source struct {
	endpoint Endpoint
	store    *Store
	client   *http.Client
	bytes    int64                    // largest page
	seen     map[uint64]labels.Labels // series of the last good scrape
}

// scrape reads the page once and stores what it says, together with the series
// that Prometheus adds (up, scrape_duration_seconds, scrape_samples_scraped).
// Series that are gone, or all of them when the scrape fails, end at once.
func (s *source) scrape(ctx context.Context, now func() time.Time) error {
	start := now()
	page, openMetrics, err := s.fetch(ctx)
	var fresh map[uint64]labels.Labels
	var samples int
	var full error
	if err == nil {
		fresh, samples, full, err = s.put(page, openMetrics, start.UnixMilli())
	}
	if err != nil && ctx.Err() != nil && errors.Is(context.Cause(ctx), errClosed) {
		return err // we stopped it ourselves: that says nothing about the endpoint
	}
	t := start.UnixMilli()
	for hash, ls := range s.seen {
		if _, ok := fresh[hash]; !ok {
			_ = s.store.Append(ls, t, math.Float64frombits(value.StaleNaN))
		}
	}
	s.seen = fresh
	up := 1.0
	if err != nil {
		up = 0
	}
	for name, v := range map[string]float64{
		"up": up, "scrape_duration_seconds": now().Sub(start).Seconds(), "scrape_samples_scraped": float64(samples),
	} {
		if e := s.store.Append(s.label(labels.FromStrings(model.MetricNameLabel, name)), t, v); e != nil && full == nil {
			full = e
		}
	}
	if err == nil {
		err = full
	}
	return err
}

func (s *source) fetch(ctx context.Context) (page string, openMetrics bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.endpoint.URL, nil)
	if err != nil {
		return "", false, err
	}
	for k, v := range s.endpoint.Header {
		req.Header[k] = v
	}
	req.Header.Set("Accept", accept)
	res, err := s.client.Do(req)
	if err != nil {
		return "", false, err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return "", false, &pageError{"server returned HTTP status " + res.Status}
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, s.bytes+1))
	if err != nil {
		return "", false, err
	}
	if int64(len(body)) > s.bytes {
		return "", false, &pageError{fmt.Sprintf("body size limit exceeded: the page is larger than %d bytes", s.bytes)}
	}
	return string(body), strings.Contains(res.Header.Get("Content-Type"), "openmetrics"), nil
}

// put stores a page. Nothing of a bad page is stored: it is read whole first.
func (s *source) put(page string, openMetrics bool, now int64) (fresh map[uint64]labels.Labels, samples int, full, err error) {
	var list []Exposed
	err = ReadExposition(page, openMetrics, func(e Exposed) error {
		list = append(list, e)
		return nil
	})
	if err != nil {
		return nil, 0, nil, &pageError{err.Error()}
	}
	fresh = make(map[uint64]labels.Labels, len(list))
	for _, e := range list {
		ls, t := s.label(e.Labels), now
		if e.T != 0 {
			t = e.T
		} else {
			// A series with its own times is not ended by us, as in Prometheus.
			fresh[ls.Hash()] = ls
		}
		if appendErr := s.store.Append(ls, t, e.Value); appendErr != nil {
			full = appendErr
		}
	}
	return fresh, len(list), full, nil
}

// label adds the endpoint's labels. Where the page has one of the same name, the
// page's is kept as exported_NAME, as Prometheus does by default.
func (s *source) label(ls labels.Labels) labels.Labels {
	b := labels.NewBuilder(ls)
	for name, v := range s.endpoint.Labels {
		if own := ls.Get(name); own != "" {
			to := "exported_" + name
			for ls.Has(to) {
				to = "exported_" + to
			}
			b.Set(to, own)
		}
		b.Set(name, v)
	}
	return b.Labels()
}
