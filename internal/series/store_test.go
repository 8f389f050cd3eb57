package series_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/promtext"
	"github.com/quellhq/quell/internal/series"
)

func one(name string, more ...string) labels.Labels {
	return labels.FromStrings(append([]string{model.MetricNameLabel, name}, more...)...)
}

func TestStoreKeepsItsBounds(t *testing.T) {
	t.Run("samples older than the window go", func(t *testing.T) {
		s := series.NewStore(series.Limits{Window: 10 * time.Second})
		for i := range int64(1000) {
			require.NoError(t, s.Append(one("a"), i*1000, 1))
		}
		require.Equal(t, 11, s.Size().Samples)
	})
	t.Run("series beyond the limit are refused", func(t *testing.T) {
		s := series.NewStore(series.Limits{Series: 2})
		require.NoError(t, s.Append(one("a"), 1, 1))
		require.NoError(t, s.Append(one("b"), 1, 1))
		require.ErrorContains(t, s.Append(one("c"), 1, 1), "more than 2 series")
		require.NoError(t, s.Append(one("a"), 2, 1))
		require.Equal(t, series.Size{Series: 2, Samples: 3, Refused: 1}, s.Size())
	})
	t.Run("at the limit of samples the oldest make room", func(t *testing.T) {
		s := series.NewStore(series.Limits{Samples: 10})
		for i := range int64(100) {
			require.NoError(t, s.Append(one("a"), i, float64(i)))
		}
		require.Equal(t, 10, s.Size().Samples)
		r, err := series.NewEngine(s).Query(context.Background(), "min_over_time(a[1s])", promtext.Window{End: time.UnixMilli(99)})
		require.NoError(t, err)
		require.Equal(t, 90.0, r.Streams[0].Points[0].V)
	})
	t.Run("a sample that is not newer is ignored", func(t *testing.T) {
		s := series.NewStore(series.Limits{})
		require.NoError(t, s.Append(one("a"), 5, 1))
		require.NoError(t, s.Append(one("a"), 5, 2))
		require.NoError(t, s.Append(one("a"), 4, 3))
		require.Equal(t, 1, s.Size().Samples)
	})
	t.Run("series that ended are forgotten", func(t *testing.T) {
		s := series.NewStore(series.Limits{Window: time.Second})
		for i := range int64(50) {
			require.NoError(t, s.Append(one("a", "pod", fmt.Sprint(i)), i*100, 1))
		}
		s.Forget(5000)
		require.Equal(t, 10, s.Size().Series)
		require.Len(t, s.LabelValues("pod"), 10)
		s.Forget(50_000)
		require.Equal(t, series.Size{}, s.Size())
		require.Empty(t, s.LabelNames())
	})
}

func TestEngine(t *testing.T) {
	s := series.NewStore(series.Limits{})
	for i := range int64(61) {
		require.NoError(t, s.Append(one("c_total", "code", "200"), i*1000, float64(i*10)))
		require.NoError(t, s.Append(one("c_total", "code", "500"), i*1000, float64(i)))
	}
	e := series.NewEngine(s)
	end := time.UnixMilli(60_000)

	r, err := e.Query(context.Background(), `sum(rate(c_total{code="500"}[30s])) / sum(rate(c_total[30s]))`, promtext.Window{End: end})
	require.NoError(t, err)
	require.InDelta(t, 1.0/11, r.Streams[0].Points[0].V, 1e-9)

	r, err = e.Query(context.Background(), `c_total`, promtext.Window{Range: true, Start: end.Add(-time.Minute), End: end, Step: 15 * time.Second})
	require.NoError(t, err)
	require.Len(t, r.Streams, 2)
	require.Equal(t, []evidence.Point{{T: 0, V: 0}, {T: 15, V: 150}, {T: 30, V: 300}, {T: 45, V: 450}, {T: 60, V: 600}}, r.Streams[0].Points)

	var failed *promtext.Failed
	_, err = e.Query(context.Background(), `sum(`, promtext.Window{End: end})
	require.ErrorAs(t, err, &failed)
	require.Equal(t, evidence.Invalid, failed.Answer().Status)

	_, err = e.Query(context.Background(), `"text"`, promtext.Window{End: end})
	require.ErrorAs(t, err, &failed)

	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = e.Query(ended, `c_total`, promtext.Window{End: end})
	require.Error(t, err)
}
