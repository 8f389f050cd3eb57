package promtext_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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
