package logs_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
)

// An hour of a shop, of which the last five minutes are slow where a partner is
// asked: told in JSON, in logfmt, in sentences, and by nginx alone.
func TestRequestsByTheLogAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		line   func(at time.Time, path string, status int, took time.Duration) string
		call   string
		toldBy string
	}{
		"json": {func(at time.Time, path string, status int, took time.Duration) string {
			return fmt.Sprintf(`{"timestamp":%q,"level":"INFO","message":"request","method":"GET","path":%q,"status_code":%d,"duration_ms":%.1f}`, at.Format(time.RFC3339Nano), path, status, took.Seconds()*1e3)
		}, `{"timestamp":%q,"level":"WARNING","message":"external api call slow","details":{"host":"pay.example"},"duration_ms":2400}`, "service"},
		"logfmt": {func(at time.Time, path string, status int, took time.Duration) string {
			return fmt.Sprintf(`ts=%s level=info msg="handled" method=GET path=%s status=%d duration=%s`, at.Format(time.RFC3339Nano), path, status, took)
		}, `ts=%s level=warn msg="call of the payment api took long" peer=pay.example elapsed=2.4s`, "service"},
		"sentences": {func(at time.Time, path string, status int, took time.Duration) string {
			return fmt.Sprintf(`%s INFO shop.web GET %s -> %d in %dms`, at.Format("2006-01-02 15:04:05.000"), path, status, took.Milliseconds())
		}, `%s WARN shop.pay request to https://pay.example/charge took 2400ms`, "service"},
		"nginx": {func(at time.Time, path string, status int, took time.Duration) string {
			return fmt.Sprintf(`198.51.100.7 - - [%s] "GET %s HTTP/1.1" %d 512 "-" "curl/8" %.3f`, at.Format("02/Jan/2006:15:04:05 -0700"), path, status, took.Seconds())
		}, "", "gateway"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b strings.Builder
			for i := 3600; i > 0; i -= 2 {
				at := noon.Add(-time.Duration(i) * time.Second)
				slow, status := 80*time.Millisecond, 200
				if i <= 300 {
					slow = 2500 * time.Millisecond
					if i%10 == 0 {
						status = 504
					}
					if c.call != "" {
						stamp := at.Format(time.RFC3339Nano)
						if name == "sentences" {
							stamp = at.Format("2006-01-02 15:04:05.000")
						}
						fmt.Fprintf(&b, c.call+"\n", stamp)
					}
				}
				fmt.Fprintln(&b, c.line(at, fmt.Sprintf("/items/%d", i), 200, 12*time.Millisecond))
				fmt.Fprintln(&b, c.line(at, "/orders", status, slow))
			}
			dir := t.TempDir()
			write(t, filepath.Join(dir, "app.log"), b.String())
			target := open(t, connector.Settings{"paths": []any{"*.log"}, "timezone": "UTC"}, dir)
			v := answered(t, target.Ask(context.Background(), builtin("logs.requests", map[string]any{"window": 5 * time.Minute})))
			require.Equal(t, c.toldBy, v["told_by"])
			require.InDelta(t, 1, v["per_s"], 0.02)
			require.InDelta(t, 1, v["per_s_before"], 0.02)
			require.InEpsilon(t, 0.1, v["failed_share"], 0.05)
			require.Zero(t, v["failed_share_before"])
			require.InEpsilon(t, 2.5, v["p95_s"], 0.05)
			require.InEpsilon(t, 0.08, v["p95_before_s"], 0.05)
			paths := v["paths"].([]any)
			require.Len(t, paths, 2)
			slower := map[string]float64{}
			for _, p := range paths {
				slower[p.(map[string]any)["path"].(string)] = p.(map[string]any)["slower"].(float64)
			}
			require.InEpsilon(t, 1, slower["/items/*"], 0.05)
			require.InEpsilon(t, 31, slower["/orders"], 0.1)
			if c.call == "" {
				require.Empty(t, v["calls"])
				require.NotContains(t, v, "call_share")
				return
			}
			call := v["calls"].([]any)[0].(map[string]any)
			require.Equal(t, "pay.example", call["peer"])
			require.Equal(t, int64(150), call["requests"])
			require.InEpsilon(t, 2.4, call["p95_s"], 0.05)
			require.NotContains(t, call, "p95_before_s", "it was never slow enough to be told of")
			require.Greater(t, v["call_share"], 0.9)
		})
	}
}

func TestALogWithoutRequestsTellsOfNone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "app.log"), ago(time.Minute)+" INFO the cache was warmed with 200 entries\n")
	target := open(t, connector.Settings{"paths": []any{"*.log"}, "timezone": "UTC"}, dir)
	a := target.Ask(context.Background(), builtin("logs.requests", nil))
	require.Equal(t, evidence.NoData, a.Status, a.Reason)
}
