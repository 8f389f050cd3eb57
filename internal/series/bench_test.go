package series_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/promtext"
	"github.com/quellhq/quell/internal/series"
)

// An hour of 1,000 series at 5 s: what a handful of services expose.
func hour(b testing.TB) *series.Store {
	s := series.NewStore(series.Limits{})
	for n := range 1000 {
		ls := one("c_total", "instance", fmt.Sprint(n%10), "path", fmt.Sprint(n))
		for i := range int64(720) {
			require.NoError(b, s.Append(ls, i*5000, float64(i)))
		}
	}
	return s
}

func BenchmarkAppend(b *testing.B) {
	s := series.NewStore(series.Limits{})
	ls := one("c_total", "instance", "a", "path", "b")
	for i := range b.N {
		_ = s.Append(ls, int64(i)*5000, 1)
	}
}

func BenchmarkRateOverAnHour(b *testing.B) {
	s := hour(b)
	e := series.NewEngine(s)
	end := time.UnixMilli(719 * 5000)
	w := promtext.Window{Range: true, Start: end.Add(-30 * time.Minute), End: end, Step: 15 * time.Second}
	for b.Loop() {
		_, err := e.Query(context.Background(), `sum by (instance) (rate(c_total[5m]))`, w)
		require.NoError(b, err)
	}
}

func BenchmarkReadExposition(b *testing.B) {
	page := ""
	for n := range 1000 {
		page += fmt.Sprintf("http_requests_total{method=\"GET\",path=\"/orders/%d\",status=\"200\"} %d\n", n, n*1000)
	}
	b.SetBytes(int64(len(page)))
	for b.Loop() {
		require.NoError(b, series.ReadExposition(page, false, func(series.Exposed) error { return nil }))
	}
}
