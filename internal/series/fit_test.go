package series_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/promtext"
	"github.com/quellhq/quell/internal/series"
)

// A counter that grows by 100 a second, read every second for as long as the
// history says, never seems slower, whatever the window and the step.
func TestARateIsRightInAShortHistory(t *testing.T) {
	for _, seconds := range []int64{1, 2, 3, 5, 12, 30, 59, 60, 61, 90, 300} {
		s := series.NewStore(series.Limits{})
		for i := range seconds + 1 {
			require.NoError(t, s.Append(one("c_total"), 1_000_000+i*1000, float64(i*100)))
			require.NoError(t, s.Append(one("depth"), 1_000_000+i*1000, 7))
		}
		e := series.NewEngine(s)
		first, end := time.UnixMilli(1_000_000), time.UnixMilli(1_000_000+seconds*1000+1)
		for _, w := range []promtext.Window{
			{End: end},
			{Range: true, Start: end.Add(-30 * time.Minute), End: end, Step: 15 * time.Second},
			{Range: true, Start: end.Add(-time.Minute), End: end, Step: time.Second},
		} {
			r, err := e.Fitted(context.Background(), `rate(c_total[1m])`, w, first)
			require.NoError(t, err)
			require.Len(t, r.Streams, 1, "%d s, %+v", seconds, w)
			for _, p := range r.Streams[0].Points {
				require.InDelta(t, 100, p.V, 2, "%d s of history, at %v of %+v", seconds, p.T, w)
			}
			cut := strings.Contains(strings.Join(r.Notes, "\n"), "windows of up to 1m are cut")
			require.Equal(t, seconds < 60 || w.Range && seconds < 120, cut, "%d s: %v", seconds, r.Notes)

			r, err = e.Fitted(context.Background(), `depth`, w, first)
			require.NoError(t, err)
			if w.Range {
				require.GreaterOrEqual(t, len(r.Streams[0].Points), 2, "%d s of history", seconds)
			}
		}
	}
}

func TestALongHistoryIsNotFitted(t *testing.T) {
	s := series.NewStore(series.Limits{})
	for i := range int64(3600) {
		require.NoError(t, s.Append(one("c_total"), i*1000, float64(i)))
	}
	e := series.NewEngine(s)
	end := time.UnixMilli(3_599_000)
	w := promtext.Window{Range: true, Start: end.Add(-30 * time.Minute), End: end, Step: 15 * time.Second}
	fitted, err := e.Fitted(context.Background(), `rate(c_total[5m])`, w, time.UnixMilli(0))
	require.NoError(t, err)
	plain, err := e.Query(context.Background(), `rate(c_total[5m])`, w)
	require.NoError(t, err)
	require.Equal(t, plain.Streams, fitted.Streams)
	require.Empty(t, fitted.Notes)
	require.Len(t, fitted.Streams[0].Points, 121)
}
