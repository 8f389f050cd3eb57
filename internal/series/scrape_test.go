package series_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/quellhq/quell/internal/promtext"
	"github.com/quellhq/quell/internal/series"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tries waits until the first endpoint was scraped n times.
func tries(t *testing.T, s *series.Scraper, n int) series.State {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	require.NoError(t, s.Wait(ctx, func(states []series.State) bool { return states[0].Scrapes >= n }))
	return s.States()[0]
}

func now(t *testing.T, e *series.Engine, query string) map[string]float64 {
	t.Helper()
	r, err := e.Query(context.Background(), query, promtext.Window{End: time.Now()})
	require.NoError(t, err)
	out := map[string]float64{}
	for _, s := range r.Streams {
		out[fmt.Sprint(s.Labels)] = s.Points[0].V
	}
	return out
}

func TestScraperStoresWhatAPageSays(t *testing.T) {
	var page atomic.Value
	page.Store("jobs{queue=\"a\",service=\"worker\"} 3\njobs{queue=\"b\"} 4\n")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Key") != "k" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		text := page.Load().(string)
		if text == "fail" {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		_, _ = fmt.Fprint(w, text)
	}))
	defer server.Close()
	client := server.Client()
	defer client.CloseIdleConnections()
	store := series.NewStore(series.Limits{})
	s := series.NewScraper(series.ScraperConfig{
		Store: store, Client: client, Interval: 20 * time.Millisecond,
		Endpoints: []series.Endpoint{{
			URL: server.URL, Header: http.Header{"X-Key": {"k"}},
			Labels: map[string]string{"job": "shop", "instance": "x", "service": "shop"},
		}},
	})
	defer s.Close()
	e := series.NewEngine(store)

	require.NoError(t, tries(t, s, 1).Err)
	require.Equal(t, map[string]float64{
		"map[__name__:jobs exported_service:worker instance:x job:shop queue:a service:shop]": 3,
		"map[__name__:jobs instance:x job:shop queue:b service:shop]":                         4,
	}, now(t, e, "jobs"))
	require.Equal(t, map[string]float64{"map[__name__:up instance:x job:shop service:shop]": 1}, now(t, e, "up"))
	require.Len(t, now(t, e, "scrape_duration_seconds"), 1)
	require.Equal(t, 2.0, now(t, e, "sum(scrape_samples_scraped)")["map[]"])

	page.Store("jobs{queue=\"b\"} 5\n")
	tries(t, s, s.States()[0].Scrapes+2)
	require.Equal(t, map[string]float64{"map[]": 1}, now(t, e, "count(jobs)"), "a series that is gone from the page ends at once")

	page.Store("jobs{queue=\"b\"} 6\nbroken line here\n")
	st := tries(t, s, s.States()[0].Scrapes+2)
	require.ErrorContains(t, st.Err, "line 2")
	require.Empty(t, now(t, e, "jobs"), "a page that cannot be read says nothing at all")
	require.Equal(t, 0.0, now(t, e, "sum(up)")["map[]"])

	page.Store("fail")
	st = tries(t, s, s.States()[0].Scrapes+2)
	require.ErrorContains(t, st.Err, "HTTP status 500")

	page.Store(strings.Repeat("jobs 1\n", 10))
	require.NoError(t, tries(t, s, s.States()[0].Scrapes+2).Err)
	require.Equal(t, 1.0, now(t, e, "sum(up)")["map[]"])
}

func TestScraperStopsAtOnce(t *testing.T) {
	started := make(chan struct{}, 100)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		started <- struct{}{}
		<-r.Context().Done()
	}))
	defer server.Close()
	client := server.Client()
	defer client.CloseIdleConnections()
	store := series.NewStore(series.Limits{})
	s := series.NewScraper(series.ScraperConfig{Store: store, Client: client, Interval: time.Hour, Timeout: time.Hour, Endpoints: []series.Endpoint{{URL: server.URL}}})
	<-started
	begin := time.Now()
	s.Close()
	s.Close()
	require.Less(t, time.Since(begin), time.Second)
	require.Zero(t, store.Size().Samples, "our own stop is no failure of the endpoint")
}

func TestScraperTimesOut(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer server.Close()
	client := server.Client()
	defer client.CloseIdleConnections()
	s := series.NewScraper(series.ScraperConfig{
		Store: series.NewStore(series.Limits{}), Client: client, Interval: time.Second, Timeout: 30 * time.Millisecond,
		Endpoints: []series.Endpoint{{URL: server.URL}},
	})
	defer s.Close()
	require.ErrorIs(t, tries(t, s, 1).Err, context.DeadlineExceeded)
}

func TestALargePageIsRefused(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, strings.Repeat("a 1\n", 1000))
	}))
	defer server.Close()
	client := server.Client()
	defer client.CloseIdleConnections()
	s := series.NewScraper(series.ScraperConfig{
		Store: series.NewStore(series.Limits{}), Client: client, Bytes: 100, Endpoints: []series.Endpoint{{URL: server.URL}},
	})
	defer s.Close()
	require.ErrorContains(t, tries(t, s, 1).Err, "larger than 100 bytes")
}
