package http_test

import (
	"fmt"
	nethttp "net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/http"
	"github.com/quellhq/quell/internal/probe"
)

func TestWhoAnswersDecidesTheAnswerOrChanceDoes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer func(n int64) (pid int64, body string)
		want   map[string]any
	}{
		"everybody alike": {func(n int64) (int64, string) { return n % 3, fmt.Sprintf(`{"stock": 7, "request_id": "%d"}`, n) }, map[string]any{"answers": int64(1), "by_answerer": nil}},
		"each from its memory": {func(n int64) (int64, string) {
			return n % 3, fmt.Sprintf(`{"cart": {"size": %d}, "at_time": %d}`, n%3, n)
		}, map[string]any{"answers": int64(3), "by_answerer": true, "who": "x-worker-pid", "answerers": int64(3), "differs": []any{"cart.size"}}},
		"chance":                 {func(n int64) (int64, string) { return n % 2, fmt.Sprintf(`{"open": %t}`, n%3 == 0) }, map[string]any{"answers": int64(2), "by_answerer": false}},
		"two releases":           {func(n int64) (int64, string) { return n % 2, fmt.Sprintf(`{"version": "1.%d"}`, n%2) }, map[string]any{"answers": int64(1), "versions": int64(2)}},
		"nobody says who it was": {func(n int64) (int64, string) { return -1, fmt.Sprintf(`page %d`, n%2) }, map[string]any{"answers": int64(2), "by_answerer": nil, "who": ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var n atomic.Int64
			server := httptest.NewServer(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, _ *nethttp.Request) {
				pid, body := c.answer(n.Add(1))
				if pid >= 0 {
					w.Header().Set("X-Worker-Pid", fmt.Sprint(pid))
				}
				_, _ = w.Write([]byte(body))
			}))
			t.Cleanup(server.Close)
			v := object(t, ask(t, connector.Settings{"url": server.URL}, connector.Tools{}, probe.Question{Lang: "probe", Builtin: "http.vary"}))
			require.Equal(t, int64(12), v["requests"])
			for k, want := range c.want {
				require.Equal(t, want, v[k], k)
			}
			for _, s := range http.Kind().Probes {
				for _, f := range s.Fields {
					if s.Name == "http.vary" {
						require.Contains(t, v, f.Name)
					}
				}
			}
		})
	}
}
