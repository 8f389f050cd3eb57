package promtext_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/promtext"
)

func TestReadWindow(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	for name, c := range map[string]struct {
		options map[string]string
		back    time.Duration
		step    time.Duration
	}{
		"nothing said is now":            {nil, 0, 0},
		"a range with its step":          {map[string]string{"range": "30m", "step": "15s"}, 30 * time.Minute, 15 * time.Second},
		"a range picks a step":           {map[string]string{"range": "30m"}, 30 * time.Minute, 15 * time.Second},
		"a short range has whole steps":  {map[string]string{"since": "1m"}, time.Minute, time.Second},
		"days":                           {map[string]string{"range": "2d"}, 48 * time.Hour, 24 * time.Minute},
		"a duration as Go writes it":     {map[string]string{"range": "1.5m"}, 90 * time.Second, time.Second},
		"a range shorter than one point": {map[string]string{"range": "1s"}, time.Second, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			w, err := promtext.ReadWindow(c.options, now)
			require.NoError(t, err)
			require.Equal(t, c.back > 0, w.Range)
			require.Equal(t, c.back, w.End.Sub(w.Start))
			require.Equal(t, c.step, w.Step)
			require.Equal(t, now, w.End)
		})
	}
}

func TestScrapeCause(t *testing.T) {
	for text, want := range map[string]string{
		`Get "http://x:1/metrics": dial tcp 127.0.0.1:1: connect: connection refused`:                               "refused",
		`Get "http://x/metrics": dial tcp: lookup x: no such host`:                                                  "no_such_host",
		`Get "http://x/metrics": context deadline exceeded`:                                                         "timeout",
		"server returned HTTP status 404 Not Found":                                                                 "not_found",
		"server returned HTTP status 401 Unauthorized":                                                              "unauthorized",
		"server returned HTTP status 502 Bad Gateway":                                                               "server_error",
		`Get "https://x/metrics": tls: failed to verify certificate: x509: certificate signed by unknown authority`: "tls",
		`expected a valid start token, got "<" ("INVALID") while parsing: "<"`:                                      "wrong_format",
		`"INVALID" is not a valid start token`:                                                                      "wrong_format",
		"sample limit exceeded":                                                                                     "limit",
		"something new":                                                                                             "other",
	} {
		require.Equal(t, want, promtext.ScrapeCause(text), text)
	}
}

// A rate over less than a step would leave out what happens between two points.
func TestNothingLiesBetweenTwoPoints(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		query   string
		options map[string]string
		want    time.Duration
	}{
		"a long window":               {`rate(a_total[1m])`, map[string]string{"range": "30m"}, 15 * time.Second},
		"a short one":                 {`rate(a_total[8s])`, map[string]string{"range": "30m"}, 8 * time.Second},
		"the shortest counts":         {`rate(a_total[8s]) / rate(a_total[5m])`, map[string]string{"range": "30m"}, 8 * time.Second},
		"not more than a few hundred": {`rate(a_total[10s])`, map[string]string{"range": "24h"}, 3 * time.Minute},
		"a step that was asked for":   {`rate(a_total[8s])`, map[string]string{"range": "30m", "step": "30s"}, 30 * time.Second},
		"no window":                   {`a_total`, map[string]string{"range": "30m"}, 15 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := &watched{memory: sourceOf(t, `a_total{service="a"}`)}
			promtext.Asker{Source: seen, Rows: 10}.Ask(t.Context(), probe.Question{Lang: "promql", Text: probe.Literal(c.query), Options: c.options, Now: now})
			require.Equal(t, c.want, seen.window.Step)
		})
	}
}

// watched keeps the window of the latest query of a range.
type watched struct {
	*memory
	window promtext.Window
}

func (w *watched) Query(ctx context.Context, expr string, window promtext.Window) (promtext.Result, error) {
	if window.Range { // why an answer is empty is asked of one moment
		w.window = window
	}
	return w.memory.Query(ctx, expr, window)
}
