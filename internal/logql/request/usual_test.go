package request_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/logql/request"
)

// hour is 50 minutes before and ten of now, of requests that a function shapes by
// how long before now's end they come, in seconds.
func hour(shape func(ago int) (many, took, status int)) request.Report {
	const end = 7200
	tally := request.NewTally((end - 600) * 1e9)
	for ago := 3600; ago > 0; ago-- {
		many, took, status := shape(ago)
		for range many {
			l := line(0, "", "path=/a", fmt.Sprintf("status=%d", status), fmt.Sprintf("duration_ms=%d", took))
			l.At = int64(end-ago) * 1e9
			tally.Add(l, "info")
		}
	}
	r, _ := tally.Report((end-3600)*1e9, end*1e9)
	return r
}

// What is usual is learned from the time before a trouble began, and not from its
// first minutes.
func TestALongTroubleIsNotUsual(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before func(f request.Figures) (got, want float64)
		shape  func(ago int) (many, took, status int)
	}{
		"slow for 17 minutes": {shape: func(ago int) (int, int, int) {
			if ago < 1020 {
				return 1, 900, 200
			}
			return 1, 20, 200
		}, before: func(f request.Figures) (float64, float64) { return f.P95, 0.02 }},
		"failing for 25 minutes": {shape: func(ago int) (int, int, int) {
			if ago < 1500 && ago%2 == 0 {
				return 1, 20, 500
			}
			return 1, 20, 200
		}, before: func(f request.Figures) (float64, float64) { return f.Failed, 0 }},
		"a flood for 20 minutes": {shape: func(ago int) (int, int, int) {
			if ago < 1200 {
				return 8, 20, 200
			}
			return 1, 20, 200
		}, before: func(f request.Figures) (float64, float64) { return f.Requests, 600 }},
		"hardly anybody for 20 minutes": {shape: func(ago int) (int, int, int) {
			if ago < 1200 && ago%20 != 0 {
				return 0, 0, 0
			}
			return 1, 20, 200
		}, before: func(f request.Figures) (float64, float64) { return f.Requests, 600 }},
		"as ever": {shape: func(int) (int, int, int) { return 1, 20, 200 },
			before: func(f request.Figures) (float64, float64) { return float64(f.Counted), 3000 }},
		"a trouble that is over": {shape: func(ago int) (int, int, int) {
			if ago > 1500 && ago < 2400 {
				return 1, 900, 200
			}
			return 1, 20, 200
		}, before: func(f request.Figures) (float64, float64) { return float64(f.Counted), 3000 }},
		"so for most of the time that is known": {shape: func(ago int) (int, int, int) {
			if ago < 2900 {
				return 1, 900, 200
			}
			return 1, 20, 200
		}, before: func(f request.Figures) (float64, float64) { return f.P95, 0.9 }},
	} {
		got, want := c.before(hour(c.shape).All.Before)
		require.InDelta(t, want, got, 0.04*want+1e-9, name)
	}
}
